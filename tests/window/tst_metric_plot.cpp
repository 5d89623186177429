#include "ui/plots/axis_range.h"
#include "ui/plots/metric_plot.h"
#include "ui/plots/metric_series.h"
#include "ui/plots/plot_group.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <random>

using namespace zen::ui;

namespace {

MetricPoint pointAt(double step, double value, double spread = std::nan(""))
{
    MetricPoint point;
    point.step = step;
    point.seconds = step * 2;
    point.tokens = step * 100;
    point.value = value;
    point.spread = spread;
    return point;
}

MetricDescription rewardPlot()
{
    MetricDescription description;
    description.title = QStringLiteral("Reward");
    description.color = &Theme::reward;
    description.metric = "reward";
    description.spread_metric = "reward_std";
    return description;
}

} // namespace

class TestMetricPlot : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void smoothing_isADebiasedMovingAverage()
    {
        // By hand, weight 1/2: (1)/(1/2)·1/2 = 1; (1/4·1 + 1/2·2)/(3/4) = 5/3; (1/8·1 + 1/4·2 +
        // 1/2·3)/(7/8) = 17/7.
        MetricSeries series(0.5);
        for (const double value : { 1.0, 2.0, 3.0 })
            series.append(pointAt(value, value));
        QCOMPARE(series.smoothed(0), 1.0);
        QCOMPARE(series.smoothed(1), 5.0 / 3.0);
        QCOMPARE(series.smoothed(2), 17.0 / 7.0);
    }

    void smoothingZero_isTheRawLine()
    {
        MetricSeries series(0.9);
        series.append(pointAt(1, 4));
        series.append(pointAt(2, -7));
        series.setSmoothing(0);
        QCOMPARE(series.smoothed(0), 4.0);
        QCOMPARE(series.smoothed(1), -7.0);
    }

    void changedSmoothing_equalsTheSameFromTheStart()
    {
        MetricSeries changed(0.3), fresh(0.8);
        for (int i = 0; i < 100; ++i) {
            changed.append(pointAt(i, std::sin(i), 0.5));
            fresh.append(pointAt(i, std::sin(i), 0.5));
        }
        changed.setSmoothing(0.8);
        for (std::size_t i = 0; i < 100; ++i)
            QCOMPARE(changed.smoothed(i), fresh.smoothed(i));
    }

    void valueThatIsNotANumber_isAGapAndLeavesTheAverageAlone()
    {
        MetricSeries series(0.5);
        series.append(pointAt(1, 1));
        series.append(pointAt(2, std::nan("")));
        series.append(pointAt(3, INFINITY));
        series.append(pointAt(4, 2));
        QVERIFY(std::isnan(series.smoothed(1)));
        QVERIFY(std::isnan(series.point(2).value));
        QCOMPARE(series.smoothed(3), 5.0 / 3.0); // as if the gaps were not there
        const auto range = series.valueRange(XAxis::step, 0, 10);
        QCOMPARE(range.low, 1.0);
        QCOMPARE(range.high, 2.0);
    }

    void band_isTheSmoothedLineAndSpread()
    {
        MetricSeries series(0);
        series.append(pointAt(1, 0.5, 0.2));
        const auto view = series.view(XAxis::step, 0, 2, 100);
        QCOMPARE(view.low.at(0), 0.5 - 0.2);
        QCOMPARE(view.high.at(0), 0.5 + 0.2);
    }

    void pyramid_agreesWithALinearScan()
    {
        std::mt19937 random(7);
        std::uniform_real_distribution<double> value(-1, 1);
        MinMaxPyramid pyramid;
        for (int i = 0; i < 5000; ++i)
            pyramid.append(i % 97 == 0 ? std::nan("") : value(random));
        for (int trial = 0; trial < 500; ++trial) {
            std::size_t begin = random() % 5000, end = random() % 5001;
            if (begin > end)
                std::swap(begin, end);
            double low = INFINITY, high = -INFINITY;
            for (std::size_t i = begin; i < end; ++i)
                if (!std::isnan(pyramid[i])) {
                    low = std::min(low, pyramid[i]);
                    high = std::max(high, pyramid[i]);
                }
            const auto range = pyramid.range(begin, end);
            QCOMPARE(range.low, low);
            QCOMPARE(range.high, high);
        }
    }

    void longRun_isThinnedWithoutLosingASpike()
    {
        MetricSeries series(0.9);
        for (int i = 0; i < 300000; ++i)
            series.append(pointAt(i,
                i == 123456       ? 50.0
                    : i == 200000 ? -50.0
                                  : std::sin(i * 0.001)));
        const auto view = series.view(XAxis::step, 0, 300000, 500);
        QVERIFY(view.raw_x.size() <= 4 * 500);
        QVERIFY(view.x.size() <= 2 * 500);
        QVERIFY(std::is_sorted(view.raw_x.begin(), view.raw_x.end()));
        QCOMPARE(*std::max_element(view.raw_y.begin(), view.raw_y.end()), 50.0);
        QCOMPARE(*std::min_element(view.raw_y.begin(), view.raw_y.end()), -50.0);
        QCOMPARE(view.raw_x.front(), 0.0);
        QCOMPARE(view.raw_x.back(), 299999.0);
    }

    void closeLook_showsEveryPoint()
    {
        MetricSeries series;
        for (int i = 0; i < 10000; ++i)
            series.append(pointAt(i, i));
        const auto view = series.view(XAxis::step, 100, 200, 500);
        QCOMPARE(view.raw_x.size(), std::size_t(103)); // both ends and a neighbour on each side
        QCOMPARE(view.raw_y.front(), 99.0);
        QCOMPARE(view.raw_y.back(), 201.0);
    }

    void nearest_findsThePointUnderTheCursor()
    {
        MetricSeries series;
        QVERIFY(!series.nearest(1, XAxis::step));
        for (const double step : { 1.0, 2.0, 10.0 })
            series.append(pointAt(step, step));
        QCOMPARE(series.nearest(-5, XAxis::step).value(), std::size_t(0));
        QCOMPARE(series.nearest(5, XAxis::step).value(), std::size_t(1));
        QCOMPARE(series.nearest(7, XAxis::step).value(), std::size_t(2));
        QCOMPARE(series.nearest(390, XAxis::tokens).value(), std::size_t(1));
        QCOMPARE(series.nearest(99, XAxis::seconds).value(), std::size_t(2));
    }

    void axis_endsAtRoundNumbers_data()
    {
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        QTest::addColumn<double>("axis_low");
        QTest::addColumn<double>("axis_high");
        QTest::addColumn<double>("step");
        QTest::newRow("reward") << 0.0 << 0.83 << 0.0 << 1.0 << 0.25;
        QTest::newRow("perplexity") << 1.3 << 1.93 << 1.25 << 2.0 << 0.25;
        QTest::newRow("loss") << -0.0031 << 0.0034 << -0.004 << 0.004 << 0.002;
        QTest::newRow("large") << 120.0 << 4800.0 << 0.0 << 5000.0 << 1000.0;
        QTest::newRow("exact ends stay") << 0.0 << 1.0 << 0.0 << 1.0 << 0.25;
    }
    void axis_endsAtRoundNumbers()
    {
        QFETCH(double, low);
        QFETCH(double, high);
        const AxisRange range = roundRange(low, high, 4);
        QTEST(range.low, "axis_low");
        QTEST(range.high, "axis_high");
        QTEST(range.step, "step");
    }

    void axisOfOneValue_hasRoomAroundIt()
    {
        for (const double value : { 0.0, 3.0, -2e-5, 1e9 }) {
            const AxisRange range = roundRange(value, value, 4);
            QVERIFY(range.low < value);
            QVERIFY(range.high > value);
        }
        const AxisRange empty = roundRange(INFINITY, -INFINITY, 4);
        QVERIFY(empty.low < empty.high);
    }

    void labels_haveTheDecimalsOfTheirStep()
    {
        QCOMPARE(axisLabel(0.5, 0.25), "0.50");
        QCOMPARE(axisLabel(1, 0.2), "1.0");
        QCOMPARE(axisLabel(-0.004, 0.002), "-0.004");
        QCOMPARE(axisLabel(1e-18, 0.002), "0.000");
        QCOMPARE(axisLabel(2e-8, 1e-8), "2e-08");
        QCOMPARE(axisLabel(0, 1e-8), "0");
        QCOMPARE(axisLabel(300, 100), "300");
        QCOMPARE(axisLabel(40000, 20000), "40k");
        QCOMPARE(axisLabel(2500, 2500), "2.5k");
        QCOMPARE(axisLabel(3e6, 1e6), "3M");
    }

    void numbersForPeople_areShort()
    {
        QCOMPARE(shortNumber(0.66215), "0.662");
        QCOMPARE(shortNumber(0.00191), "0.0019");
        QCOMPARE(shortNumber(1.4142), "1.41");
        QCOMPARE(shortNumber(4310), "4,310");
        QCOMPARE(shortNumber(-123456), "-123,456");
        QCOMPARE(shortNumber(1e-5), "1.0e-05");
        QCOMPARE(shortDuration(192), "3 min 12 s");
        QCOMPARE(shortDuration(7512), "2 h 05 min");
        QCOMPARE(shortDuration(9), "9 s");
    }

    void followingAxis_movesThreeTimesInARun()
    {
        std::vector<double> ends;
        for (int step = 0; step <= 400; ++step)
            if (const double end = followEnd(step, 400); ends.empty() || ends.back() != end)
                ends.push_back(end);
        QCOMPARE(ends, (std::vector<double>{ 50, 100, 200, 400 }));
        QCOMPARE(followEnd(450, 400), 450.0);
    }

    void title_tellsTheNewestValueOrTheOneUnderTheCursor()
    {
        MetricPlot plot(rewardPlot());
        plot.append(pointAt(149, 0.5, 0.3));
        plot.append(pointAt(150, 0.662, 0.21));
        plot.append(pointAt(184, 0.74, 0.2));
        plot.resize(600, 240);
        plot.show();
        plot.refresh();
        QCOMPARE(plot.valueText(), QStringLiteral("0.740 ± 0.2 at step 184"));
        plot.setCursor(150.4);
        QCOMPARE(plot.valueText(), QStringLiteral("0.662 ± 0.21 at step 150"));
        plot.setCursor(std::nullopt);
        QCOMPARE(plot.valueText(), QStringLiteral("0.740 ± 0.2 at step 184"));
    }

    void cursorAndRange_areSharedByAGroup()
    {
        MetricPlot reward(rewardPlot()), loss(rewardPlot());
        PlotGroup group;
        group.add(&reward);
        group.add(&loss);
        for (int step = 1; step <= 100; ++step) {
            reward.append(pointAt(step, step * 0.01));
            loss.append(pointAt(step, -step * 0.01));
        }
        QSignalSpy following(&group, &PlotGroup::followingChanged);
        Q_EMIT reward.cursorMoved(40);
        QVERIFY(loss.valueText().endsWith(QStringLiteral("at step 40")));
        Q_EMIT loss.rangeChosen(20, 30);
        QCOMPARE(reward.xRange(), std::pair(20.0, 30.0));
        QVERIFY(!group.isFollowing());
        Q_EMIT reward.followRequested();
        QVERIFY(group.isFollowing());
        QCOMPARE(following.count(), 2);
    }

    void logarithmicAxis_needsAPositiveValue()
    {
        MetricPlot plot(rewardPlot());
        plot.append(pointAt(1, -1));
        plot.setLogarithmic(true);
        QVERIFY(!plot.isLogarithmic());
        plot.append(pointAt(2, 0.001));
        plot.append(pointAt(3, 10));
        plot.setLogarithmic(true);
        QVERIFY(plot.isLogarithmic());
        plot.resize(400, 200);
        plot.show();
        plot.refresh();
    }

    void csv_holdsEveryRawValue()
    {
        MetricPlot plot(rewardPlot());
        plot.setSmoothing(0);
        plot.append(pointAt(1, 0.25, 0.5));
        plot.append(pointAt(2, std::nan("")));
        QCOMPARE(QString::fromStdString(plot.toCsv()),
            QStringLiteral("step,seconds,tokens,reward,reward_std,smoothed\n"
                           "1,2,100,0.25,0.5,0.25\n"
                           "2,4,200,,,\n"));
    }

    void pictures_areWrittenInEachFormat()
    {
        QTemporaryDir folder;
        MetricPlot plot(rewardPlot());
        for (int step = 1; step <= 50; ++step)
            plot.append(pointAt(step, std::sqrt(step), 0.3));
        plot.addCheckpoint(25);
        plot.addEvaluation(50, 7);
        plot.resize(600, 240);
        plot.show();
        plot.refresh();
        for (const char* name : { "plot.png", "plot.pdf", "plot.csv" }) {
            const auto path = folder.filePath(QString::fromLatin1(name));
            QVERIFY(plot.save(path.toStdString()).has_value());
            QVERIFY(QFile(path).size() > 100);
        }
        QVERIFY(!plot.save((folder.path() + QStringLiteral("/no/such/plot.png")).toStdString())
                     .has_value());
        QVERIFY(
            !plot.save((folder.path() + QStringLiteral("/plot.bmp")).toStdString()).has_value());
    }

    void drawing_paintsTheCurveInItsColour()
    {
        MetricPlot plot(rewardPlot());
        for (int step = 1; step <= 50; ++step)
            plot.append(pointAt(step, step, 3));
        plot.resize(600, 240);
        plot.show();
        plot.refresh();
        QTest::qWait(50);
        const QImage image = plot.grab().toImage();
        int curve = 0;
        for (int y = 0; y < image.height(); ++y)
            for (int x = 60; x < image.width(); ++x)
                curve += image.pixelColor(x, y) == Theme::light().reward ? 1 : 0;
        QVERIFY2(curve > 100, qPrintable(QString::number(curve)));
    }
};

QTEST_MAIN(TestMetricPlot)
#include "tst_metric_plot.moc"
