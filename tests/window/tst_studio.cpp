#include "app/studio/studio_window.h"
#include "scripted_job.h"
#include "ui/export/export_page.h"
#include "ui/form/configure_page.h"
#include "ui/plots/metric_plot.h"
#include "ui/run/run_page.h"
#include "ui/shell/run_strip.h"
#include "ui/shell/wheel_guard.h"
#include "ui/tiers/tiers_page.h"

#include <QAbstractButton>
#include <QAction>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QPushButton>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <thread>

using namespace zen;
using namespace zen::test;
using namespace zen::ui;

namespace {

template <class T> T* child(QWidget& parent, const char* name)
{
    return parent.findChild<T*>(QLatin1String(name));
}

void type(QLineEdit& edit, const QString& text)
{
    edit.setFocus();
    edit.selectAll();
    QTest::keyClicks(&edit, text);
}

/// A run that learns: a step every few milliseconds, until it is asked to stop.
void learn(RunControl& control, EventSink& sink)
{
    sink.publish(startedEvent("test", 400));
    std::int64_t step = 0;
    while (!control.stopRequested() && step < 400) {
        control.waitWhilePaused();
        ++step;
        sink.publish(PhaseChanged{ Phase::generating, step, 0.5 });
        sink.publish(stepEvent(step, 400, static_cast<double>(step) / 400));
        if (step % 10 == 0)
            sink.publish(sampledEvent(step));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    sink.publish(finishedEvent("stopped"));
}

std::size_t pointsOf(RunPage& page, const std::string& metric)
{
    for (const MetricPlot* plot : page.findChildren<MetricPlot*>())
        if (plot->description().metric == metric)
            return plot->series().size();
    return 0;
}

} // namespace

class TestStudio : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_settings = std::make_unique<QSettings>(
            m_folder->filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
        m_themes = std::make_unique<ThemeSource>(*qApp);
        m_window = newWindow();
    }
    void cleanup()
    {
        m_window.reset();
        m_themes.reset();
        m_settings.reset();
    }

    void menus_haveTheirShortcuts()
    {
        QStringList shortcuts;
        for (QAction* menu : m_window->menuBar()->actions())
            for (QAction* action : menu->menu()->actions())
                if (!action->shortcut().isEmpty())
                    shortcuts += action->shortcut().toString();
        for (const char* wanted : { "Ctrl+N", "Ctrl+O", "Ctrl+S", "Ctrl+Shift+S", "Ctrl+R",
                 "Ctrl+.", "Ctrl+E", "Ctrl+F", "Ctrl+Z", "Ctrl+1", "Ctrl+8", "F11" })
            QVERIFY2(shortcuts.contains(QLatin1String(wanted)), wanted);
        QCOMPARE(shortcuts.removeDuplicates(), 0);
    }

    void helpMenu_citesThePapers()
    {
        QStringList texts;
        for (QAction* menu : m_window->menuBar()->actions())
            for (QAction* action : menu->menu()->actions())
                texts += action->text();
        QVERIFY(texts.join(QLatin1Char('\n')).contains(QStringLiteral("2507.18071")));
        QVERIFY(texts.join(QLatin1Char('\n')).contains(QStringLiteral("2402.03300")));
    }

    void everyPage_canBeShownInBothThemes()
    {
        for (const ThemeMode mode : { ThemeMode::light, ThemeMode::dark }) {
            m_themes->setMode(mode);
            for (int number = 0; number < 8; ++number) {
                m_window->showPage(static_cast<PageId>(number));
                QCOMPARE(m_window->currentPage()->id(), static_cast<PageId>(number));
                QVERIFY(!m_window->grab().isNull());
            }
        }
    }

    /// The whole way: tier, presets, edits, start, watch, pause, resume, stop, export, reload.
    void wholeWay()
    {
        auto* tiers = child<TiersPage>(*m_window, "tiersPage");
        tiers->selectTier("nano");
        child<QPushButton>(*m_window, "configureButton")->click();
        QCOMPARE(m_window->currentPage()->id(), PageId::configure);
        child<QAbstractButton>(*m_window, "preset_consumer")->click();
        child<QAbstractButton>(*m_window, "preset_high_quality")->click();
        QCOMPARE(m_window->config().config().adapter.lora_rank, 32);
        type(*child<QLineEdit>(*m_window, "field_lora_rank"), QStringLiteral("24"));
        type(*child<QLineEdit>(*m_window, "field_temperature"), QStringLiteral("0.9"));
        QCOMPARE(m_window->config().config().adapter.lora_rank, 24);
        QCOMPARE(m_window->config().config().sampling.temperature, 0.9);

        auto* start = child<QPushButton>(*m_window, "startButton");
        QVERIFY(start->isEnabled());
        start->click();
        QCOMPARE(m_window->currentPage()->id(), PageId::run);
        QVERIFY(m_window->strip().state().active);
        QVERIFY(!start->isEnabled());
        auto* page = child<RunPage>(*m_window, "runPage");
        for (const char* metric : { "reward", "loss", "policy/ppl" })
            QTRY_VERIFY_WITH_TIMEOUT(pointsOf(*page, metric) >= 3, 10000);
        QTRY_VERIFY(m_window->strip().state().reward.has_value());

        child<QPushButton>(*m_window, "pauseButton")->click();
        QTRY_COMPARE(
            child<QPushButton>(*m_window, "pauseButton")->text(), QStringLiteral("Resume"));
        QTest::qWait(100);
        const std::size_t paused_at = pointsOf(*page, "reward");
        QTest::qWait(200);
        QCOMPARE(pointsOf(*page, "reward"), paused_at);
        child<QPushButton>(*m_window, "pauseButton")->click();
        QTRY_VERIFY_WITH_TIMEOUT(pointsOf(*page, "reward") > paused_at + 3, 10000);

        child<QPushButton>(*m_window, "stopButton")->click();
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->training().isActive(), 10000);
        QVERIFY(!m_window->strip().state().active);
        QVERIFY(start->isEnabled());

        m_window->showPage(PageId::export_config);
        const QString path = m_folder->filePath(QStringLiteral("exported.yaml"));
        QVERIFY(child<ExportPage>(*m_window, "exportPage")->exportTo(path));
        const TrainingConfig before = m_window->config().config();
        QVERIFY(m_window->config().open(path));
        QVERIFY(m_window->config().config() == before);
    }

    void start_handsOverExactlyTheText()
    {
        QVERIFY(m_window->config().setField("lora_rank", "7"));
        m_window->showPage(PageId::configure);
        child<QPushButton>(*m_window, "startButton")->click();
        QCOMPARE(QString::fromStdString(m_started.config_yaml), m_window->config().text());
        QCOMPARE(m_started.config.adapter.lora_rank, 7);
    }

    void errors_blockTheStart()
    {
        QVERIFY(m_window->config().setField("num_generations", "1"));
        auto* start = child<QPushButton>(*m_window, "startButton");
        QVERIFY(!start->isEnabled());
        QVERIFY(start->toolTip().contains(QStringLiteral("1 error")));
        QVERIFY(child<QPushButton>(*m_window, "findingsButton")
                    ->text()
                    .startsWith(QStringLiteral("1 error")));
    }

    void unsavedEditsAndPage_surviveARestart()
    {
        m_window->openTier(*std::next(m_window->catalogue().tiers.begin()));
        QVERIFY(m_window->config().setField("lora_rank", "48"));
        m_window->showPage(PageId::configure);
        const QString text = m_window->config().text();
        QVERIFY(m_window->close());
        m_window = newWindow();
        m_window->restoreLastTime();
        QCOMPARE(m_window->config().text(), text);
        QVERIFY(m_window->config().isDirty());
        QCOMPARE(m_window->currentPage()->id(), PageId::configure);
        QVERIFY(m_window->windowTitle().contains(QStringLiteral("gspo_qwen3_nano_0.6b.yaml")));
    }

    void everyControl_hasANameAndDisabledOnesSayWhy()
    {
        for (const QAbstractButton* button : m_window->findChildren<QAbstractButton*>()) {
            if (!button->isVisibleTo(m_window.get())
                || button->objectName().startsWith(QStringLiteral("qt_")))
                continue;
            QVERIFY2(!button->accessibleName().isEmpty() || !button->text().isEmpty()
                    || !button->toolTip().isEmpty(),
                qPrintable(button->objectName()));
        }
    }

private:
    std::unique_ptr<StudioWindow> newWindow()
    {
        auto window = std::make_unique<StudioWindow>(
            *m_themes, *m_settings, m_folder->filePath(QStringLiteral("unsaved")));
        window->setBeginRun([this](TrainingSession& session, const TrainerOptions& options) {
            m_started = options;
            return session.start(scripted(learn));
        });
        child<ConfigurePage>(*window, "configurePage")->setStartCheck([](const TrainingConfig&) {
            return Diagnostics{};
        });
        window->show();
        return window;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QSettings> m_settings;
    std::unique_ptr<ThemeSource> m_themes;
    std::unique_ptr<StudioWindow> m_window;
    TrainerOptions m_started;
};

QTEST_MAIN(TestStudio)
#include "tst_studio.moc"
