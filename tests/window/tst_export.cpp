#include "ui/export/command_line.h"
#include "ui/export/export_page.h"
#include "ui/export/import_dialog.h"
#include "ui/form/yaml_preview.h"

#include <QClipboard>
#include <QComboBox>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QProcess>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace zen;
using namespace zen::ui;

namespace {

/// What a shell makes of a line: its arguments, one each.
QStringList asShellReads(const QString& line)
{
    QProcess shell;
    shell.start(QStringLiteral("/bin/sh"),
        { QStringLiteral("-c"),
            QStringLiteral("for a in ") + line
                + QStringLiteral("; do printf '%s\\0' \"$a\"; done") });
    shell.waitForFinished();
    QStringList words = QString::fromUtf8(shell.readAllStandardOutput()).split(QChar(u'\0'));
    words.removeLast();
    return words;
}

} // namespace

class TestExport : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void quoting_survivesAShell()
    {
        for (const QString& text : { QStringLiteral("plain-1.0"), QStringLiteral("two words"),
                 QStringLiteral("it's"), QStringLiteral("$(id) `id` \"x\" \\ *"), QString() })
            QCOMPARE(asShellReads(shellQuoted(text)), QStringList{ text });
    }

    void arguments_giveTheConfigurationAgain()
    {
        TrainingConfig base;
        TrainingConfig config = base;
        config.adapter.lora_rank = 32;
        config.adapter.lora_target = { "q_proj", "v_proj" };
        config.sampling.temperature = 0.7;
        config.optimizer.learning_rate = 1e-6;
        config.memory.gradient_checkpointing = true;
        config.data.system_prompt = "It's: \"quoted\" # yes";
        config.data.dataset = { "a.jsonl" };
        const auto arguments = argumentsFor(config, base);
        QVERIFY(arguments);
        std::vector<std::string> words;
        for (const QString& word : asShellReads(QString(*arguments).remove(QStringLiteral("\\\n"))))
            words.push_back(word.toStdString());
        YamlDocument document;
        const ReadConfig read = readConfig(document, parseOverrides(words));
        QCOMPARE(read.config.adapter, config.adapter);
        QCOMPARE(read.config.data, config.data);
        QCOMPARE(read.config, config);
    }

    void rewards_cannotBeArguments()
    {
        TrainingConfig config;
        RewardTermSpec exact;
        exact.name = exact.type = "exact";
        config.algorithm.rewards.push_back(exact);
        QVERIFY(!argumentsFor(config, TrainingConfig{}));
        QCOMPARE(
            argumentsFor(TrainingConfig{}, TrainingConfig{}), std::optional<QString>(QString()));
    }

    void everyFormOfTheFile_readsBackEqual()
    {
        const Catalogue catalogue = loadCatalogue();
        QTemporaryDir folder;
        for (const Tier& tier : catalogue.tiers) {
            ConfigSession session;
            QVERIFY(session.openTemplate(
                QString::fromStdString((catalogue.config_folder / tier.config_file).string())));
            QVERIFY(session.setField("lora_rank", "12"));
            ExportPage page(session, catalogue);
            auto* form = page.findChild<QComboBox*>(QStringLiteral("exportForm"));
            for (int index = 0; index < form->count(); ++index) {
                form->setCurrentIndex(index);
                const QString path = folder.filePath(
                    QStringLiteral("%1-%2.yaml").arg(QString::fromStdString(tier.id)).arg(index));
                QVERIFY2(page.exportTo(path), tier.id.c_str());
                ConfigSession again;
                QVERIFY(again.open(path));
                QCOMPARE(again.config(), session.config());
            }
        }
    }

    void unwritablePlace_isSaidAndNothingIsLost()
    {
        const Catalogue catalogue = loadCatalogue();
        ConfigSession session;
        session.startFrom(QStringLiteral("lora_rank: 4\n"), {});
        ExportPage page(session, catalogue);
        QVERIFY(!page.exportTo(QStringLiteral("/proc/nowhere/x.yaml")));
        QVERIFY(page.findChild<QLabel*>(QStringLiteral("exportResult"))
                    ->text()
                    .contains(QStringLiteral("/proc/nowhere")));
    }

    void commands_nameTheFileAndTheChanges()
    {
        const Catalogue catalogue = loadCatalogue();
        ConfigSession session;
        QVERIFY(session.openTemplate(QString::fromStdString(
            (catalogue.config_folder / "gspo_qwen3_nano_0.6b.yaml").string())));
        ExportPage page(session, catalogue);
        page.show();
        const auto command = [&page](const char* name) {
            return page.findChild<QLabel*>(QLatin1String(name))->text();
        };
        QCOMPARE(command("commandRun"),
            QStringLiteral("./studio train configs/gspo_qwen3_nano_0.6b.yaml"));
        QCOMPARE(command("commandOverrides"),
            QStringLiteral("gym train configs/gspo_qwen3_nano_0.6b.yaml"));
        QVERIFY(session.setField("lora_rank", "32"));
        QTRY_COMPARE(command("commandOverrides"),
            QStringLiteral("gym train configs/gspo_qwen3_nano_0.6b.yaml \\\n  --lora_rank 32"));
        QVERIFY(command("commandParallel")
                    .startsWith(QStringLiteral("CUDA_VISIBLE_DEVICES=0,1 gym train ")));
    }

    void hiddenPage_waitsUntilItIsShown()
    {
        const Catalogue catalogue = loadCatalogue();
        ConfigSession session;
        session.startFrom(QStringLiteral("lora_rank: 4\n"), QStringLiteral("one.yaml"));
        ExportPage page(session, catalogue);
        page.refresh();
        const auto* command = page.findChild<QLabel*>(QStringLiteral("commandRun"));
        const auto* preview = page.findChild<YamlPreview*>(QStringLiteral("exportPreview"));
        const QString before = preview->toPlainText();
        QSignalSpy settled(&session, &ConfigSession::settled);
        QVERIFY(session.setField("lora_rank", "32"));
        QTRY_VERIFY(settled.count() > 0);
        QCoreApplication::processEvents();
        QCOMPARE(preview->toPlainText(), before);
        QTemporaryDir folder;
        QVERIFY(page.exportTo(folder.filePath(QStringLiteral("x.yaml")))); // what is, not what was
        ConfigSession again;
        QVERIFY(again.open(folder.filePath(QStringLiteral("x.yaml"))));
        QCOMPARE(again.config().adapter.lora_rank, std::int64_t{ 32 });
        QVERIFY(session.setField("lora_rank", "64"));
        QVERIFY(!preview->toPlainText().contains(QStringLiteral("lora_rank: 64")));
        session.startFrom(QStringLiteral("lora_rank: 64\n"), QStringLiteral("two.yaml"));
        QVERIFY(!command->text().contains(QStringLiteral("two.yaml")));
        page.show();
        QVERIFY(preview->toPlainText().contains(QStringLiteral("lora_rank: 64")));
        QVERIFY(command->text().contains(QStringLiteral("two.yaml")));
    }

    void percentSignsInNames_stayAsTheyAre()
    {
        const Catalogue catalogue = loadCatalogue();
        QTemporaryDir folder;
        const QString path = folder.filePath(QStringLiteral("5%2 of %1 %3.yaml"));
        ConfigSession session;
        session.startFrom(QStringLiteral("per_device_train_batch_size: 16\n"
                                         "gradient_accumulation_steps: 3\n"),
            {});
        QVERIFY(session.saveAs(path));
        ExportPage page(session, catalogue);
        const QString command = page.findChild<QLabel*>(QStringLiteral("commandParallel"))->text();
        QVERIFY2(command.contains(QStringLiteral("5%2 of %1 %3.yaml'")), qPrintable(command));
        QVERIFY2(command.contains(QStringLiteral("--per_device_train_batch_size 8 ")),
            qPrintable(command));
        QVERIFY2(command.endsWith(QStringLiteral("--gradient_accumulation_steps 3")),
            qPrintable(command));
        const ImportedConfig imported{};
        const ImportDialog dialog(QStringLiteral("%2-%1.yaml"), imported, Target{});
        QCOMPARE(dialog.findChild<QLabel*>(QStringLiteral("importWords"))->text(),
            QStringLiteral("%2-%1.yaml opens as a new configuration; the file itself stays as it "
                           "is. 0 of its 0 keys are settings here."));
    }

    void foldedCommand_keepsOptionsBesideTheirValues()
    {
        QCOMPARE(foldedCommand(QStringLiteral("a --config x.yaml"), 40),
            QStringLiteral("a --config x.yaml"));
        QCOMPARE(
            foldedCommand(QStringLiteral("aa bb --deepspeed ds_z3.json --num_processes 2"), 29),
            QStringLiteral("aa bb \\\n  --deepspeed ds_z3.json \\\n  --num_processes 2"));
        QCOMPARE(foldedCommand(QStringLiteral("aa 'x y  z' \"p q\" b"), 16),
            QStringLiteral("aa 'x y  z' \\\n  \"p q\" b"));
        const QString two_lines = QStringLiteral("a \\\n  b");
        QCOMPARE(foldedCommand(two_lines, 4), two_lines);
    }

    void copy_putsTheShownTextOnTheClipboard()
    {
        const Catalogue catalogue = loadCatalogue();
        ConfigSession session;
        session.startFrom(QStringLiteral("lora_rank: 4 # mine\n"), {});
        ExportPage page(session, catalogue);
        page.stripActions()->findChild<QPushButton*>(QStringLiteral("exportCopy"))->click();
        QCOMPARE(QGuiApplication::clipboard()->text(), session.text());
    }
};

QTEST_MAIN(TestExport)
#include "tst_export.moc"
