#include "app/studio/studio_window.h"
#include "core/base/durable_file.h"
#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"
#include "ui/export/export_page.h"
#include "ui/plots/metric_plot.h"
#include "ui/run/run_page.h"
#include "ui/shell/run_strip.h"
#include "ui/tiers/tiers_page.h"

#include <QAbstractButton>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>

using namespace zen;
using namespace zen::ui;

/// The real window, the real engine and the shipped starter model: what a newcomer does in the
/// first minutes.
class TestStudioTraining : public QObject {
    Q_OBJECT

private:
    template <class T> T* child(const char* name)
    {
        T* found = m_window->findChild<T*>(QLatin1String(name));
        if (!found)
            qFatal("no %s", name);
        return found;
    }

    void type(const char* field, const QString& text)
    {
        auto* edit = child<QLineEdit>(field);
        edit->setFocus();
        edit->selectAll();
        QTest::keyClicks(edit, text);
        QTest::keyClick(edit, Qt::Key_Return);
    }

    std::size_t points(const std::string& metric)
    {
        for (const MetricPlot* plot : child<RunPage>("runPage")->findChildren<MetricPlot*>())
            if (plot->description().metric == metric)
                return plot->series().size();
        return 0;
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_settings = std::make_unique<QSettings>(
            m_folder.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
        m_themes = std::make_unique<ThemeSource>(*qApp);
        m_window = std::make_unique<StudioWindow>(*m_themes, *m_settings, QString());
        m_window->resize(1280, 800);
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanupTestCase()
    {
        m_window.reset();
        m_themes.reset();
        m_settings.reset();
    }

    void starter_isChosenTunedTrainedAndExported()
    {
        const QString run = m_folder.filePath(QStringLiteral("run"));
        child<TiersPage>("tiersPage")->selectTier("starter");
        child<QPushButton>("configureButton")->click();
        child<QAbstractButton>("preset_this_machine_cpu")->click();
        child<QAbstractButton>("preset_fast_iteration")->click();
        QCOMPARE(m_window->config().config().adapter.lora_rank, 4);
        type("field_lora_rank", QStringLiteral("6"));
        type("field_temperature", QStringLiteral("0.9"));
        const std::vector<Edit> folder_edit{ { "output_dir", run.toStdString() } };
        QVERIFY(m_window->config().apply(QStringLiteral("Folder"), folder_edit));
        QCOMPARE(m_window->config().config().adapter.lora_rank, 6);
        QCOMPARE(m_window->config().config().sampling.temperature, 0.9);

        child<QPushButton>("startButton")->click();
        QVERIFY(m_window->training().isActive());
        for (const char* metric : { "reward", "loss", "policy/ppl" })
            QTRY_VERIFY_WITH_TIMEOUT(points(metric) >= 3, 120000);

        child<QPushButton>("pauseButton")->click();
        QTRY_COMPARE_WITH_TIMEOUT(
            m_window->training().state(), TrainingSession::State::paused, 30000);
        QTest::qWait(4000); // the step that was going on ends
        const std::size_t paused_at = points("reward");
        QTest::qWait(3000); // several steps' time
        QCOMPARE(points("reward"), paused_at);
        child<QPushButton>("pauseButton")->click();
        QTRY_VERIFY_WITH_TIMEOUT(points("reward") >= paused_at + 2, 60000);
        child<QPushButton>("stopButton")->click();
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->training().isActive(), 120000);

        const RunFolder folder{ run.toStdString() };
        const auto summary = readSummary(folder);
        QVERIFY2(summary.has_value(), summary ? "" : summary.error().message.c_str());
        QCOMPARE(summary->status, std::string("stopped"));
        QCOMPARE(static_cast<std::size_t>(summary->steps), points("reward"));
        QVERIFY(std::filesystem::exists(folder.adapter() / "adapter_model.safetensors"));
        QVERIFY(readFile(folder.configYaml())->find("lora_rank: 6") != std::string::npos);
        QVERIFY(!readEvents(folder.completionsJsonl()).empty());
    }

    void export_readsBackEqual()
    {
        m_window->showPage(PageId::export_config);
        const QString path = m_folder.filePath(QStringLiteral("exported.yaml"));
        QVERIFY(child<ExportPage>("exportPage")->exportTo(path));
        const TrainingConfig before = m_window->config().config();
        QVERIFY(m_window->config().open(path));
        QVERIFY(m_window->config().config() == before);
    }

private:
    QTemporaryDir m_folder;
    std::unique_ptr<QSettings> m_settings;
    std::unique_ptr<ThemeSource> m_themes;
    std::unique_ptr<StudioWindow> m_window;
};

QTEST_MAIN(TestStudioTraining)
#include "tst_studio_training.moc"
