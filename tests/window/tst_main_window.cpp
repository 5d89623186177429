#include "ui/shell/empty_state.h"
#include "ui/shell/main_window.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/rail.h"
#include "ui/shell/run_strip.h"

#include <QAbstractButton>
#include <QLabel>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QUrl>

using namespace zen::ui;

namespace {

class TestPage : public Page {
public:
    TestPage(PageId id, const QString& title)
        : Page(id, title, QStringLiteral("tiers"))
    {
        m_button = new QPushButton(QStringLiteral("Go"));
        setStripActions(actionRow({ m_button }, this));
        setStripMessage(title + QStringLiteral(" says"));
    }
    void refresh() override { ++refreshed; }
    void say(const QString& words) { setStripMessage(words); }
    QPushButton* m_button = nullptr;
    int refreshed = 0;
};

} // namespace

class TestMainWindow : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void rail_showsOnePageAtATime()
    {
        MainWindow window;
        auto* first = new TestPage(PageId::tiers, QStringLiteral("One"));
        auto* second = new TestPage(PageId::run, QStringLiteral("Two"));
        window.addPage(first);
        window.addPage(second);
        window.show();
        QCOMPARE(window.currentPage(), first);
        QSignalSpy shown(&window, &MainWindow::pageShown);
        auto* button = window.findChild<QAbstractButton*>(QStringLiteral("rail_1"));
        QTest::mouseClick(button, Qt::LeftButton);
        QCOMPARE(window.currentPage(), second);
        QCOMPARE(shown.count(), 1);
        QCOMPARE(second->refreshed, 1);
        QVERIFY(button->isChecked());
        QVERIFY(second->m_button->isVisible());
        QVERIFY(!first->m_button->isVisible());
        window.showPage(PageId::chat); // not there: nothing happens
        QCOMPARE(window.currentPage(), second);
    }

    void strip_isThePagesUntilARunIsActive()
    {
        MainWindow window;
        auto* page = new TestPage(PageId::tiers, QStringLiteral("One"));
        window.addPage(page);
        window.show();
        auto* message = window.findChild<QLabel*>(QStringLiteral("stripMessage"));
        QCOMPARE(message->text(), QStringLiteral("One says"));
        page->say(QStringLiteral("changed"));
        QCOMPARE(message->text(), QStringLiteral("changed"));
        RunStripState state;
        state.active = true;
        state.phase = QStringLiteral("Generating");
        state.step = 184;
        state.total = 400;
        state.eta = QStringLiteral("3 min 12 s");
        state.rollout_tokens_per_second = 4310;
        state.memory_now = 410'000'000;
        state.memory_planned = 440'000'000;
        state.reward = 0.74;
        state.can_pause = state.can_stop = true;
        window.strip().setState(state);
        const auto text = [&window](const char* name) {
            return window.findChild<QLabel*>(QLatin1String(name))->text();
        };
        QVERIFY(!message->isVisible());
        QCOMPARE(text("stripPhase"), QStringLiteral("Generating"));
        QCOMPARE(text("stripStep"), QStringLiteral("step 184 / 400"));
        QCOMPARE(text("stripReward"), QStringLiteral("0.74"));
        QCOMPARE(text("stripLoss"), QStringLiteral("–"));
        QCOMPARE(text("stripMemory"), QStringLiteral("0.41 of 0.44 GB planned"));
        QCOMPARE(window.strip().findChild<QProgressBar*>()->value(), 460);
        window.strip().setState({});
        QVERIFY(message->isVisible());
    }

    void pauseAndStop_areSignalledAndSayWhyNot()
    {
        RunStrip strip;
        strip.show();
        RunStripState state;
        state.active = true;
        state.can_pause = state.can_stop = true;
        strip.setState(state);
        auto* pause = strip.findChild<QPushButton*>(QStringLiteral("pauseButton"));
        auto* stop = strip.findChild<QPushButton*>(QStringLiteral("stopButton"));
        QSignalSpy paused(&strip, &RunStrip::pauseClicked), stopped(&strip, &RunStrip::stopClicked);
        pause->click();
        stop->click();
        QCOMPARE(paused.count(), 1);
        QCOMPARE(stopped.count(), 1);
        state.paused = true;
        strip.setState(state);
        QCOMPARE(pause->text(), QStringLiteral("Resume"));
        state.can_pause = false;
        state.why_not = QStringLiteral("The run is loading.");
        strip.setState(state);
        QVERIFY(!pause->isEnabled());
        QVERIFY(pause->toolTip().contains(QStringLiteral("loading")));
    }

    void stripOfAWildRun_keepsItsHeight()
    {
        RunStrip strip;
        RunStripState state;
        state.active = true;
        state.phase = QString(300, QLatin1Char('x'));
        state.reward = -1e300;
        state.loss = std::numeric_limits<double>::quiet_NaN();
        state.perplexity = std::numeric_limits<double>::infinity();
        state.step = 900;
        state.total = 100;
        strip.resize(1200, strip.height());
        strip.setState(state);
        QCOMPARE(
            strip.findChild<QLabel*>(QStringLiteral("stripLoss"))->text(), QStringLiteral("–"));
        QCOMPARE(strip.findChild<QProgressBar*>()->value(), 1000);
    }

    void window_asksBeforeItCloses()
    {
        MainWindow window;
        window.addPage(new TestPage(PageId::tiers, QStringLiteral("One")));
        window.show();
        bool may_close = false;
        window.setMayClose([&may_close] { return may_close; });
        QVERIFY(!window.close());
        QVERIFY(window.isVisible());
        may_close = true;
        QVERIFY(window.close());
    }

    void droppedFiles_areHandedOn()
    {
        struct OpenWindow : MainWindow {
            using MainWindow::dropEvent;
        } window;
        window.show();
        QSignalSpy dropped(&window, &MainWindow::filesDropped);
        QMimeData data;
        data.setUrls({ QUrl::fromLocalFile(QStringLiteral("/tmp/a.yaml")),
            QUrl(QStringLiteral("https://example.org/x")) });
        QDropEvent event(QPointF(10, 10), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        window.dropEvent(&event);
        QCOMPARE(dropped.count(), 1);
        QCOMPARE(
            dropped.first().first().toStringList(), QStringList{ QStringLiteral("/tmp/a.yaml") });
    }

    void emptyState_showsAllOfItsText()
    {
        const QString words
            = QStringLiteral("Every run is kept with its settings, curves and completions. Start "
                             "one and it appears here, newest first.");
        EmptyState state(QStringLiteral("history"), QStringLiteral("No runs yet"), words);
        state.resize(900, 500);
        state.show();
        QVERIFY(QTest::qWaitForWindowExposed(&state));
        for (const QLabel* label : state.findChildren<QLabel*>())
            if (label->text() == words)
                QVERIFY(label->height() >= label->heightForWidth(label->width()));
    }
};

QTEST_MAIN(TestMainWindow)
#include "tst_main_window.moc"
