// What a run has learnt, as files for other programs, from the History page and the Run page.
#include "app/studio/studio_window.h"
#include "core/weights/checkpoint_folder.h"
#include "core/weights/gguf_reader.h"
#include "tests/core/export_samples.h"
#include "ui/export/model_export_dialog.h"
#include "ui/history/history_table.h"
#include "ui/run/run_page.h"

#include <QComboBox>
#include <QDir>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

using namespace zen;
using namespace zen::test;
using namespace zen::ui;

class TestModelExport : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        QDir::setCurrent(QStringLiteral(ZEN_SOURCE_DIR));
        m_folder = std::make_unique<QTemporaryDir>();
        writeModel(root() / "base", false, true);
        writeRun(run(), root() / "base");
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        m_settings = std::make_unique<QSettings>(
            m_folder->filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
        m_themes = std::make_unique<ThemeSource>(*qApp);
        m_window = std::make_unique<StudioWindow>(*m_themes, *m_settings, QString());
        m_window->config().startFrom(
            QStringLiteral("output_dir: %1\n").arg(m_folder->filePath(QStringLiteral("runs/next"))),
            {});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }
    void cleanup()
    {
        m_window.reset();
        m_themes.reset();
        m_settings.reset();
    }

    void gguf_isWrittenFromTheHistory()
    {
        ModelExportDialog* dialog = openFromHistory();
        QVERIFY(dialog);
        choose(dialog, "modelFormat", "gguf");
        const auto* numbers = dialog->findChild<QComboBox*>(QStringLiteral("modelNumbers"));
        QStringList types;
        for (int i = 0; i < numbers->count(); ++i)
            types += numbers->itemText(i);
        QCOMPARE(types.join(QLatin1Char('|')),
            QStringLiteral("As stored|32 bits (f32), exact and large|16 bits (bf16), half the size|"
                           "16 bits (f16), for older programs|8 bits (q8_0), a quarter"));
        choose(dialog, "modelNumbers", "q8_0");
        const QString place = edit(dialog)->text();
        QCOMPARE(place, QString::fromStdString((run() / "exports/gguf-q8_0").string()));
        QVERIFY(label(dialog, "modelCommand").contains(QStringLiteral("--to gguf")));
        QVERIFY(label(dialog, "modelCommand").contains(QStringLiteral("--dtype q8_0")));
        click(dialog, "startModelExport");
        QTRY_COMPARE_WITH_TIMEOUT(dialog->work().state(), ModelExport::State::done, 30'000);
        QVERIFY(GgufFile::open(run() / "exports/gguf-q8_0/My-run-q8_0.gguf").has_value());
        for (const char* name : { "Modelfile", "README.md" })
            QVERIFY2(QFile::exists(place + QLatin1Char('/') + QLatin1String(name)), name);
        QVERIFY(label(dialog, "modelExportDetail").contains(QStringLiteral("Modelfile")));
        QVERIFY(button(dialog, "openModelFolder")->isVisible());
        QVERIFY(!button(dialog, "startModelExport")->isVisible());
    }

    void mergedModel_isWrittenFromTheRunPage()
    {
        m_window->showRunFolder(QString::fromStdString(run().string()));
        auto* from_run = m_window->findChild<QPushButton*>(QStringLiteral("exportRun"));
        QTRY_VERIFY(from_run->isVisible());
        QTest::mouseClick(from_run, Qt::LeftButton);
        auto* dialog = m_window->findChild<ModelExportDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        const QString place = m_folder->filePath(QStringLiteral("somewhere else"));
        edit(dialog)->setFocus();
        edit(dialog)->selectAll();
        QTest::keyClicks(edit(dialog), place);
        choose(dialog, "modelNumbers", "f32"); // keeps the place that was typed
        QCOMPARE(edit(dialog)->text(), place);
        click(dialog, "startModelExport");
        QTRY_COMPARE_WITH_TIMEOUT(dialog->work().state(), ModelExport::State::done, 30'000);
        QVERIFY(openCheckpoint(place.toStdString()).has_value());
        QCOMPARE(readJson(fs::path(place.toStdString()) / "config.json")["torch_dtype"]
                     .get<std::string>(),
            std::string("float32"));

        choose(dialog, "modelFormat", "peft"); // another choice is another export
        QCOMPARE(dialog->work().state(), ModelExport::State::idle);
        QVERIFY(!dialog->findChild<QComboBox*>(QStringLiteral("modelNumbers"))->isEnabled());
        QVERIFY(!button(dialog, "startModelExport")->isEnabled()); // the place exists by now
        QVERIFY(button(dialog, "startModelExport")
                    ->toolTip()
                    .contains(QStringLiteral("exists already")));
        QVERIFY(label(dialog, "modelExportDetail").contains(QStringLiteral("exists already")));
        QTest::keyClicks(edit(dialog), QStringLiteral(" 2"));
        click(dialog, "startModelExport");
        QTRY_COMPARE_WITH_TIMEOUT(dialog->work().state(), ModelExport::State::done, 30'000);
        QVERIFY(QFile::exists(place + QStringLiteral(" 2/adapter_config.json")));
    }

    void cancel_leavesNothing()
    {
        std::atomic<int> asked{ 0 };
        m_window->setWriteModel([&asked](WeightExportOptions options) {
            const auto is_cancelled = options.is_cancelled;
            options.is_cancelled = [is_cancelled, &asked] {
                ++asked;
                for (int i = 0; i < 5000 && !is_cancelled(); ++i) // as a large tensor would take
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                return is_cancelled();
            };
            return exportWeights(options);
        });
        ModelExportDialog* dialog = openFromHistory();
        QVERIFY(dialog);
        click(dialog, "startModelExport");
        QTRY_VERIFY(asked > 0);
        QVERIFY(dialog->findChild<QProgressBar*>()->isVisible());
        QVERIFY(!dialog->findChild<QComboBox*>(QStringLiteral("modelFormat"))->isEnabled());
        QTest::keyClick(dialog, Qt::Key_Escape); // cancels, and the dialog stays
        QVERIFY(dialog->isVisible());
        QTRY_COMPARE_WITH_TIMEOUT(dialog->work().state(), ModelExport::State::stopped, 20'000);
        QCOMPARE(label(dialog, "modelExportWords"), QStringLiteral("Cancelled"));
        QVERIFY(QDir(QString::fromStdString((run() / "exports").string()))
                    .isEmpty(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot));
        QVERIFY(button(dialog, "startModelExport")->isEnabled()); // once more
        QTest::keyClick(dialog, Qt::Key_Escape);
        QTRY_VERIFY(!m_window->findChild<ModelExportDialog*>());
    }

    void windowClosedInMidExport_leavesNothing()
    {
        std::atomic<bool> started{ false };
        m_window->setWriteModel([&started](WeightExportOptions options) {
            const auto is_cancelled = options.is_cancelled;
            options.is_cancelled = [is_cancelled, &started] { // asked between tensors
                started = true;
                while (!is_cancelled())
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                return true;
            };
            return exportWeights(options);
        });
        ModelExportDialog* dialog = openFromHistory();
        QVERIFY(dialog);
        click(dialog, "startModelExport");
        QTRY_VERIFY(started);
        const QDir exports(QString::fromStdString((run() / "exports").string()));
        const auto everything = QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot;
        QVERIFY(!exports.isEmpty(everything)); // what is half written lies there
        answer("answer_1"); // keep writing
        m_window->close();
        QVERIFY(m_window->isVisible());
        QVERIFY(dialog->work().isActive());
        answer("answer_0");
        m_window->close();
        QVERIFY(!m_window->isVisible());
        QVERIFY(!exports.isEmpty(everything)); // still: nobody has cancelled yet
        m_window.reset();
        QVERIFY(exports.exists());
        QVERIFY2(exports.isEmpty(everything),
            qPrintable(exports.entryList(everything).join(QLatin1Char(' '))));
    }

    void percentSignsInNames_stayAsTheyAre()
    {
        const fs::path odd = root() / "runs/5%2 of %1";
        fs::copy(run(), odd, fs::copy_options::recursive);
        fs::create_directories(odd / "exports/merged");
        fs::create_directories(odd / "exports/merged-2");
        const ModelExportDialog dialog(odd, exportWeights);
        QCOMPARE(
            edit(&dialog)->text(), QString::fromStdString((odd / "exports/merged-3").string()));
        QVERIFY(
            label(&dialog, "modelCommand").contains(QStringLiteral("5%2 of %1/exports/merged-3'")));
    }

    void missingBase_isSaidPlainly()
    {
        fs::remove_all(root() / "base");
        ModelExportDialog* dialog = openFromHistory();
        QVERIFY(dialog);
        click(dialog, "startModelExport");
        QTRY_COMPARE_WITH_TIMEOUT(dialog->work().state(), ModelExport::State::failed, 20'000);
        QCOMPARE(label(dialog, "modelExportWords"), QStringLiteral("Nothing was written"));
        QVERIFY(label(dialog, "modelExportDetail").contains(QStringLiteral("base")));
        QVERIFY(!fs::exists(run() / "exports/merged"));
    }

    void runWithoutWeights_saysWhyNot()
    {
        fs::remove_all(run() / "adapter");
        m_window->showPage(PageId::history);
        auto* table = m_window->findChild<HistoryTable*>();
        QTRY_COMPARE(table->model()->rowCount(), 1);
        auto* from_history = m_window->findChild<QPushButton*>(QStringLiteral("exportOldRun"));
        QTRY_VERIFY(from_history->toolTip().contains(QStringLiteral("neither an adapter")));
        QVERIFY(!from_history->isEnabled());
    }

private:
    fs::path root() const { return m_folder->path().toStdString(); }
    fs::path run() const { return root() / "runs/one"; }

    ModelExportDialog* openFromHistory() const
    {
        m_window->showPage(PageId::history);
        auto* from_history = m_window->findChild<QPushButton*>(QStringLiteral("exportOldRun"));
        if (!QTest::qWaitFor([from_history] { return from_history->isEnabled(); }))
            return nullptr;
        QTest::mouseClick(from_history, Qt::LeftButton);
        return m_window->findChild<ModelExportDialog*>();
    }
    static QPushButton* button(const QWidget* dialog, const char* name)
    {
        return dialog->findChild<QPushButton*>(QLatin1String(name));
    }
    static void click(const QWidget* dialog, const char* name)
    {
        QTest::mouseClick(button(dialog, name), Qt::LeftButton);
    }
    static QString label(const QWidget* dialog, const char* name)
    {
        return dialog->findChild<QLabel*>(QLatin1String(name))->text();
    }
    static QLineEdit* edit(const QWidget* dialog)
    {
        return dialog->findChild<QLineEdit*>(QStringLiteral("modelPlace"));
    }
    /// Clicks a button of the question that comes next.
    static void answer(const char* name)
    {
        QTimer::singleShot(50, qApp, [name] {
            QWidget* question = QApplication::activeModalWidget();
            if (!question || question->objectName() != QLatin1String("askDialog")) {
                answer(name);
                return;
            }
            click(question, name);
        });
    }
    /// Goes down the list with the arrow key, as a person does.
    static void choose(const QWidget* dialog, const char* name, const char* value)
    {
        auto* box = dialog->findChild<QComboBox*>(QLatin1String(name));
        box->setFocus();
        for (int i = 0; i < box->count() && box->currentData().toString() != QLatin1String(value);
             ++i)
            QTest::keyClick(box, Qt::Key_Down);
        QCOMPARE(box->currentData().toString(), QLatin1String(value));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QSettings> m_settings;
    std::unique_ptr<ThemeSource> m_themes;
    std::unique_ptr<StudioWindow> m_window;
};

QTEST_MAIN(TestModelExport)
#include "tst_model_export.moc"
