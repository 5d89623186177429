#include "core/runs/event_log.h"
#include "synthetic_run.h"
#include "ui/plots/metric_plot.h"
#include "ui/run/health.h"
#include "ui/run/run_page.h"
#include "ui/shell/pill.h"
#include "ui/shell/plain_label.h"

#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabBar>
#include <QTemporaryDir>
#include <QTest>
#include <QTextBlock>

#include <algorithm>
#include <cmath>
#include <thread>

using namespace zen;
using namespace zen::test;
using namespace zen::ui;

namespace {

void play(const std::vector<Event>& events, EventSink& sink)
{
    for (const Event& event : events)
        sink.publish(event);
}

QString textOf(const QWidget& page, const char* name)
{
    const auto* label = page.findChild<QLabel*>(QString::fromLatin1(name));
    return label ? label->text() : QStringLiteral("no such label");
}

RunTrace traceOf(const std::vector<Event>& events)
{
    RunTrace trace;
    for (const Event& event : events)
        trace.apply(event);
    return trace;
}

bool hasFinding(const std::vector<HealthNote>& notes, HealthNote::Level level, const QString& start)
{
    return std::any_of(notes.begin(), notes.end(), [&](const HealthNote& note) {
        return note.level == level && note.finding.startsWith(start);
    });
}

} // namespace

class TestRunPage : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void withoutARun_thePageSaysWhatToDo()
    {
        TrainingSession session;
        RunPage page(session);
        page.resize(1180, 740);
        page.show();
        QVERIFY(page.findChild<QWidget*>(QStringLiteral("runEmpty"))->isVisible());
        QSignalSpy tiers(&page, &RunPage::tiersRequested);
        page.findChild<QPushButton*>(QStringLiteral("chooseTier"))->click();
        QCOMPARE(tiers.count(), 1);
        QSignalSpy start(&page, &RunPage::startRequested);
        page.findChild<QPushButton*>(QStringLiteral("startRun"))->click();
        QCOMPARE(start.count(), 1);
    }

    void liveRun_fillsPlotsCompletionsAndHealth()
    {
        TrainingSession session;
        RunPage page(session);
        page.resize(1180, 740);
        page.show();
        session.start(scripted([](RunControl&, EventSink& sink) {
            play(syntheticRun(120, 400), sink);
            sink.publish(sampledEvent(120));
            sink.publish(finishedEvent("stopped"));
        }));
        QTRY_COMPARE(session.state(), TrainingSession::State::finished);
        QCOMPARE(textOf(page, "runTitle"), QStringLiteral("Starter · GSPO"));
        QCOMPARE(
            page.findChild<Pill*>(QStringLiteral("runState"))->text(), QStringLiteral("stopped"));
        for (const char* metric :
            { "plot_reward", "plot_loss", "plot_policy/ppl", "plot_kl", "plot_entropy" }) {
            const auto* plot = page.findChild<MetricPlot*>(QString::fromLatin1(metric));
            QVERIFY2(plot, metric);
            QCOMPARE(plot->series().size(), std::size_t(120));
        }
        QTRY_VERIFY(page.findChild<MetricPlot*>(QStringLiteral("plot_reward"))
                        ->valueText()
                        .endsWith(QStringLiteral("at step 120")));
        QCOMPARE(textOf(page, "newestPrompt"),
            QStringLiteral("Mia has 17 apples and buys 2 bags of 6. How many apples now?"));
        QVERIFY(textOf(page, "newestCompletion")
                    .contains(QStringLiteral("boxed{29}"))); // the better one is first
        QVERIFY(hasFinding(
            healthOf(page.trace()), HealthNote::Level::good, QStringLiteral("Learning")));
    }

    void failedRun_saysWhyAndOffersTheCheckpoint()
    {
        TrainingSession session;
        RunPage page(session);
        page.show();
        session.start(scripted([](RunControl&, EventSink& sink) {
            play(syntheticRun(3, 10), sink);
            sink.publish(RunFailed{ .message = "reward 'x' scored nothing", .checkpoint = "c/3" });
        }));
        QTRY_COMPARE(session.state(), TrainingSession::State::failed);
        QVERIFY(page.findChild<QWidget*>(QStringLiteral("runBanner"))->isVisible());
        QVERIFY(textOf(page, "runBannerMessage")
                    .startsWith(QStringLiteral("reward 'x' scored nothing")));
        QSignalSpy resume(&page, &RunPage::resumeRequested);
        page.findChild<QPushButton*>(QStringLiteral("resumeFailedRun"))->click();
        QCOMPARE(resume.count(), 1);
    }

    void finishedRun_isShownFromItsFolder()
    {
        QTemporaryDir folder;
        {
            auto log = EventLog::open(folder.path().toStdString());
            QVERIFY(log.has_value());
            play(syntheticRun(40, 40), **log);
            (*log)->publish(sampledEvent(40));
            RunFinished finished = finishedEvent("completed");
            finished.peak_memory_bytes = 524'000'000;
            finished.planned_memory_bytes = 533'000'000;
            (*log)->publish(finished);
        }
        TrainingSession session;
        RunPage page(session);
        page.show();
        QSignalSpy loaded(&page, &RunPage::runLoaded);
        page.showRun(folder.path().toStdString());
        QTRY_COMPARE(loaded.count(), 1);
        QCOMPARE(page.trace().rows(), std::size_t(40));
        QCOMPARE(page.findChild<MetricPlot*>(QStringLiteral("plot_reward"))->series().size(),
            std::size_t(40));
        QCOMPARE(
            page.findChild<Pill*>(QStringLiteral("runState"))->text(), QStringLiteral("completed"));
        QVERIFY2(page.stripMessage().contains(
                     QStringLiteral("peak memory 524 MB, 2 % less than the 533 MB planned")),
            qPrintable(page.stripMessage()));
        QVERIFY(textOf(page, "newestCompletion").contains(QStringLiteral("29")));
    }

    void folderWithoutARun_isReported()
    {
        QTemporaryDir folder;
        TrainingSession session;
        RunPage page(session);
        QSignalSpy failed(&page, &RunPage::loadFailed);
        page.showRun(folder.path().toStdString());
        QTRY_COMPARE(failed.count(), 1);
        QVERIFY(failed.at(0).at(0).toString().contains(QStringLiteral("events.jsonl")));
    }

    void resumedRun_dropsTheStepsThatAreDoneAgain()
    {
        RunTrace trace = traceOf(syntheticRun(30, 100));
        RunStarted resumed = startedEvent("run 14", 100);
        resumed.first_step = 20;
        trace.apply(resumed);
        QCOMPARE(trace.rows(), std::size_t(20));
        trace.apply(stepEvent(21, 100, 0.5));
        QCOMPARE(trace.rows(), std::size_t(21));
        QCOMPARE(trace.value("reward", 20), 0.5);
    }

    void earlierSteps_areJoinedInFrontOfAResumedRun()
    {
        const RunTrace earlier = traceOf(syntheticRun(30, 100));
        RunStarted resumed = startedEvent("run 14", 100);
        resumed.first_step = 20;
        RunTrace trace = traceOf({ resumed, stepEvent(21, 100, 0.5), stepEvent(22, 100, 0.6) });
        trace.prepend(earlier);
        QCOMPARE(trace.rows(), std::size_t(22));
        QCOMPARE(trace.stepOf(0), 1);
        QCOMPARE(trace.stepOf(21), 22);
        QCOMPARE(trace.value("reward", 21), 0.6);
        QCOMPARE(trace.point("reward", {}, 21).seconds, 22 * 1.5);
    }

    void markupInCompletions_staysText()
    {
        TrainingSession session;
        RunPage page(session);
        page.resize(1180, 740);
        page.show();
        session.start(scripted([](RunControl&, EventSink& sink) {
            sink.publish(startedEvent("run", 5));
            CompletionsSampled sampled = sampledEvent(1);
            sampled.groups[0].prompt = "<h1>big</h1>";
            sampled.groups[0].completions[0].text = "<b>bold</b><img src=\"/etc/passwd\">";
            sink.publish(sampled);
            sink.publish(LogLine{ .level = "warning", .text = "<script>x</script>" });
            sink.publish(finishedEvent("stopped"));
        }));
        QTRY_COMPARE(session.state(), TrainingSession::State::finished);
        QCOMPARE(textOf(page, "newestPrompt"), QStringLiteral("<h1>big</h1>"));
        QCOMPARE(textOf(page, "newestCompletion"),
            QStringLiteral("<b>bold</b><img src=\"/etc/passwd\">"));
        for (const QLabel* label : page.findChildren<QLabel*>())
            QVERIFY2(label->text().isEmpty() || label->textFormat() == Qt::PlainText,
                qPrintable(label->text()));
        const auto* console = page.findChild<QPlainTextEdit*>(QStringLiteral("console"));
        QTRY_COMPARE(console->toPlainText(), QStringLiteral("warning: <script>x</script>"));
    }

    void completionOfAMegabyteInOneLine_isCutNotFrozen()
    {
        TrainingSession session;
        RunPage page(session);
        page.resize(1180, 740);
        page.show();
        auto* tabs = page.findChild<QTabBar*>(QStringLiteral("runTabs"));
        session.start(scripted([](RunControl&, EventSink& sink) {
            sink.publish(startedEvent("run", 5));
            CompletionsSampled sampled = sampledEvent(1);
            sampled.groups[0].completions[0].text = std::string(1 << 20, 'x');
            sink.publish(sampled);
            sink.publish(LogLine{ .level = "info", .text = std::string(1 << 20, 'y') });
            sink.publish(finishedEvent("stopped"));
        }));
        tabs->setCurrentIndex(tabs->count() - 1);
        QTRY_COMPARE(session.state(), TrainingSession::State::finished);
        const auto* console = page.findChild<QPlainTextEdit*>(QStringLiteral("console"));
        QTRY_VERIFY(console->toPlainText().size() > 1000);
        QVERIFY(console->toPlainText().size() < 80 * 1024);
        for (QTextBlock block = console->document()->begin(); block.isValid(); block = block.next())
            QVERIFY(block.length() <= 1002);
        QVERIFY(textOf(page, "newestCompletion").size() <= 301);
    }

    void olderRun_staysShownWhileALiveOneGoesOn()
    {
        QTemporaryDir folder;
        {
            auto log = EventLog::open(folder.path().toStdString());
            play(syntheticRun(7, 7), **log);
        }
        TrainingSession session;
        RunPage page(session);
        page.show();
        session.start(scripted([](RunControl& control, EventSink& sink) {
            sink.publish(startedEvent("live", 100));
            std::int64_t step = 0;
            while (!control.stopRequested()) {
                if (step < 50)
                    sink.publish(stepEvent(++step, 100, 0.5));
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
            sink.publish(finishedEvent("stopped"));
        }));
        QTRY_VERIFY(page.trace().rows() > 2);
        page.showRun(folder.path().toStdString());
        QTRY_COMPARE(page.trace().rows(), std::size_t(7));
        QTRY_COMPARE(session.status().step(), 50);
        QCOMPARE(page.trace().rows(), std::size_t(7));
        page.showLiveRun();
        QCOMPARE(page.trace().rows(), std::size_t(50));
        session.stop();
        QTRY_VERIFY(!session.isActive());
    }

    void health_namesEqualRewardsTruncationAndCollapse()
    {
        std::vector<Event> events{ startedEvent("bad", 50) };
        for (int step = 1; step <= 30; ++step) {
            StepFinished event = stepEvent(step, 50, 0.1);
            event.metrics["frac_reward_zero_std"] = 0.9;
            event.metrics["completions/clipped_ratio"] = 0.6;
            event.metrics["entropy"] = step == 1 ? 1.0 : 0.01;
            if (step == 12)
                event.metrics["loss"] = std::nan("");
            events.push_back(event);
        }
        const auto notes = healthOf(traceOf(events));
        QVERIFY(hasFinding(
            notes, HealthNote::Level::bad, QStringLiteral("90 % of groups had equal rewards")));
        QVERIFY(hasFinding(
            notes, HealthNote::Level::bad, QStringLiteral("60 % of completions were cut")));
        QVERIFY(hasFinding(
            notes, HealthNote::Level::watch, QStringLiteral("Entropy has fallen to 0.01")));
        QVERIFY(hasFinding(notes, HealthNote::Level::bad,
            QStringLiteral("Steps with a loss or gradient that is not a number: 1")));
        QVERIFY(!hasFinding(notes, HealthNote::Level::good, QStringLiteral("Learning")));
    }

    void healthOfALearningRun_isGood()
    {
        const auto notes = healthOf(traceOf(syntheticRun(150, 400)));
        QVERIFY(hasFinding(notes, HealthNote::Level::good, QStringLiteral("Learning: reward +")));
        QVERIFY(hasFinding(
            notes, HealthNote::Level::good, QStringLiteral("Held-out accuracy 21 % → 84 %")));
        QVERIFY(
            hasFinding(notes, HealthNote::Level::good, QStringLiteral("No completion was cut")));
    }
};

QTEST_MAIN(TestRunPage)
#include "tst_run_page.moc"
