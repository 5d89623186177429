#include "app/studio/studio_window.h"
#include "ui/export/export_page.h"
#include "ui/export/import_dialog.h"
#include "ui/export/lint_strip.h"
#include "ui/export/notes_list.h"
#include "ui/form/yaml_preview.h"

#include <QClipboard>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QFileDialog>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <memory>

using namespace zen;
using namespace zen::ui;

namespace {

/// Types a path into the file dialog that opens next, and accepts it.
void answerFileDialog(const QString& path)
{
    QTimer::singleShot(50, qApp, [path] {
        auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
        if (!dialog) {
            answerFileDialog(path);
            return;
        }
        auto* name = dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"));
        name->setText(path);
        QTest::keyClick(name, Qt::Key_Return);
    });
}

/// Clicks a button of the import dialog that opens next; `report` receives what it says.
void answerImportDialog(const char* button, QString* report)
{
    QTimer::singleShot(50, qApp, [button, report] {
        auto* dialog = qobject_cast<ImportDialog*>(QApplication::activeModalWidget());
        if (!dialog) {
            answerImportDialog(button, report);
            return;
        }
        *report = dialog->report();
        QTest::mouseClick(dialog->findChild<QPushButton*>(QLatin1String(button)), Qt::LeftButton);
    });
}

} // namespace

class TestExportWindow : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        QDir::setCurrent(QStringLiteral(ZEN_SOURCE_DIR)); // the shipped paths are relative to it
        QApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
        m_folder = std::make_unique<QTemporaryDir>();
        m_settings = std::make_unique<QSettings>(
            m_folder->filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
        m_themes = std::make_unique<ThemeSource>(*qApp);
        m_window = std::make_unique<StudioWindow>(
            *m_themes, *m_settings, m_folder->filePath(QStringLiteral("autosave")));
        m_window->show();
        QVERIFY(m_window->config().openTemplate(
            QStringLiteral(ZEN_SOURCE_DIR "/configs/starter_gspo.yaml")));
        m_window->showPage(PageId::export_config);
        m_page = m_window->findChild<ExportPage*>();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }
    void cleanup()
    {
        m_window.reset();
        m_themes.reset();
        m_settings.reset();
    }

    void choosingATool_showsItsFileNotesAndLint()
    {
        auto* tool = child<QComboBox>("exportTarget");
        const QString own = preview();
        QVERIFY(own.contains(QStringLiteral("rewards:")));
        QVERIFY(!child<LintStrip>("lintStrip")->isVisible());
        choose("trl");
        QCOMPARE(tool->currentText(), QStringLiteral("TRL (trl grpo)"));
        QVERIFY(preview().contains(QStringLiteral("use_peft: true")));
        QVERIFY(child<LintStrip>("lintStrip")->isVisible());
        QVERIFY(child<LintStrip>("lintStrip")
                    ->text()
                    .contains(QStringLiteral("every key and type is accepted")));
        QVERIFY(child<NotesList>("exportNotes")->text().contains(QStringLiteral("cutoff_len")));
        QCOMPARE(child<QLabel>("commandRun")->text(),
            QStringLiteral("CUDA_VISIBLE_DEVICES=0 trl grpo \\\n  --config starter_gspo.trl.yaml"));
        choose("llamafactory");
        QVERIFY(preview().contains(QStringLiteral("stage: sft")));
        QVERIFY(child<NotesList>("exportNotes")
                    ->text()
                    .contains(QStringLiteral("LLaMA-Factory has no GRPO")));
        choose("");
        QCOMPARE(preview(), own);
    }

    void preview_followsTheForm()
    {
        choose("gym");
        QVERIFY(preview().contains(QStringLiteral("lora_rank: 8")));
        QVERIFY(m_window->config().setField("lora_rank", "24"));
        QTRY_VERIFY(preview().contains(QStringLiteral("lora_rank: 24")));
        QVERIFY(child<QLabel>("commandOverrides")->text().contains(QStringLiteral("lora_rank=24")));
    }

    void lintStrip_namesWhatTheToolWouldRefuse()
    {
        choose("gym");
        QVERIFY(m_window->config().setField("template", "\"\"")); // the form lets it be empty
        QTRY_VERIFY(child<LintStrip>("lintStrip")->text().contains(QStringLiteral("template")));
    }

    void copy_takesTheShownText()
    {
        choose("axolotl");
        click("exportCopy");
        QCOMPARE(QGuiApplication::clipboard()->text(), m_page->exportedText());
        QVERIFY(QGuiApplication::clipboard()->text().contains(QStringLiteral("base_model:")));
    }

    void save_writesTheFileAndTheNextOneShowsTheDifferences()
    {
        choose("trl");
        auto* card = m_page->findChild<YamlPreview*>()->parentWidget();
        QVERIFY(shownIn(card, QStringLiteral("not exported before")));
        const QString path = m_folder->filePath(QStringLiteral("x.trl.yaml"));
        answerFileDialog(path);
        click("exportSave");
        QTRY_VERIFY(QFile::exists(path));
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCOMPARE(QString::fromUtf8(file.readAll()), m_page->exportedText());
        QVERIFY(shownIn(card, QStringLiteral("the same as the last export")));
        QVERIFY(m_window->config().setField("lora_rank", "24"));
        QTRY_VERIFY(shownIn(card, QStringLiteral("since the last export: lora_r")));
        QTRY_VERIFY(
            child<QLabel>("exportResult")->text().isEmpty()); // "Saved" was of the other text
    }

    void bundle_isSavedToANewFolder()
    {
        QVERIFY(!button("exportBundle")->isEnabled()); // this program needs none
        choose("axolotl");
        QVERIFY(button("exportBundle")->isEnabled());
        const QString path = m_folder->filePath(QStringLiteral("bundle"));
        QSignalSpy bundled(m_page, &ExportPage::bundled);
        answerFileDialog(path);
        click("exportBundle");
        QTRY_COMPARE_WITH_TIMEOUT(bundled.size(), 1, 20'000);
        for (const char* name : { "starter_gspo.axolotl.yaml", "zen_rewards.py", "README.md",
                 "ds_z3.json", "slurm.sh", "data/train.jsonl", "data/dataset_info.json" })
            QVERIFY2(QFile::exists(path + QLatin1Char('/') + QLatin1String(name)), name);
        m_page->bundleTo(path); // never over something
        QVERIFY(child<QLabel>("exportResult")->text().contains(QStringLiteral("exists already")));
    }

    void foreignFile_opensWithItsReport()
    {
        const QString path = m_folder->filePath(QStringLiteral("theirs.yaml"));
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("model_name_or_path: zenlm/zen-nano-0.6b\nstage: gspo\ndo_train: true\n"
                   "use_ref_model: true\ngspo_group_size: 16\ngspo_beta: 0.15\n"
                   "dataset: rows\ntemplate: qwen3\nplot_loss: true\noutput_dir: o\n");
        file.close();
        const QString before = m_window->config().text();
        QString report;
        answerImportDialog("importCancel", &report);
        m_window->openFile(path);
        QVERIFY(report.contains(QStringLiteral("A file for zenlm/gym")));
        QVERIFY(report.contains(QStringLiteral("use_ref_model · line 4: unknown to the tool")));
        QVERIFY(report.contains(QStringLiteral("gspo_beta · line 6: here beta")));
        QCOMPARE(m_window->config().text(), before);
        answerImportDialog("importOpen", &report);
        m_window->openFile(path);
        QCOMPARE(m_window->config().config().batch.num_generations, std::int64_t{ 16 });
        QCOMPARE(m_window->config().config().algorithm.beta, 0.15);
        QVERIFY(m_window->config().text().contains(QStringLiteral("# use_ref_model: true")));
        QVERIFY(m_window->config().path().isEmpty()); // saving asks for a place
        QVERIFY(m_window->config().isDirty());
        m_window->config().startFrom({}, {}); // so that closing asks nothing
    }

private:
    template <class T> T* child(const char* name) const
    {
        return m_page->findChild<T*>(QLatin1String(name));
    }
    QPushButton* button(const char* name) const
    {
        return m_window->findChild<QPushButton*>(QLatin1String(name));
    }
    void click(const char* name) const { QTest::mouseClick(button(name), Qt::LeftButton); }
    QString preview() const { return child<YamlPreview>("exportPreview")->toPlainText(); }

    /// Goes through the list with the arrow keys, as a person does.
    void choose(const char* target) const
    {
        auto* tool = child<QComboBox>("exportTarget");
        tool->setFocus();
        for (int i = 0; i < tool->count() && tool->currentIndex() > 0; ++i)
            QTest::keyClick(tool, Qt::Key_Up);
        for (int i = 0;
             i < tool->count() && tool->currentData().toString() != QLatin1String(target); ++i)
            QTest::keyClick(tool, Qt::Key_Down);
        QCOMPARE(tool->currentData().toString(), QLatin1String(target));
    }
    static bool shownIn(QWidget* card, const QString& words)
    {
        for (const QLabel* label : card->findChildren<QLabel*>())
            if (label->text().contains(words))
                return true;
        return false;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<QSettings> m_settings;
    std::unique_ptr<ThemeSource> m_themes;
    std::unique_ptr<StudioWindow> m_window;
    ExportPage* m_page = nullptr;
};

QTEST_MAIN(TestExportWindow)
#include "tst_export_window.moc"
