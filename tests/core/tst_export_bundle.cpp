#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/dataset_info.h"
#include "core/export/bundle.h"
#include "core/export/import_config.h"
#include "core/export/launch.h"
#include "core/export/lint.h"
#include "core/export/reward_module.h"
#include "core/reward/rubric.h"
#include "tests/core/target_samples.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace zen;

namespace {

QJsonObject jsonOf(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return QJsonDocument::fromJson(file.readAll()).object();
}

RewardTermSpec term(const std::string& type,
    std::map<std::string, std::vector<std::string>> parameters = {}, std::string name = {})
{
    RewardTermSpec spec;
    spec.type = type;
    spec.name = name.empty() ? type : std::move(name);
    spec.parameters = std::move(parameters);
    return spec;
}

std::vector<RewardTermSpec> everyReward()
{
    return { term("number_equal"),
        term("number_equal", { { "extract", { "last_number" } }, { "on", { "after_think" } } },
            "last"),
        term("exact"), term("exact", { { "normalize", { "lower", "strip" } } }, "any case"),
        term("regex",
            { { "pattern", { "^the \"x\"\\d+" } }, { "flags", { "ignorecase", "multiline" } } }),
        term("regex", { { "pattern", { "(^|[$]\\b|\\bx)\\d+$" } } }, "to the end"),
        term("contains", { { "text", { "a\x0b" } } }, "control"),
        term("contains", { { "text", { "tea", "12" } }, { "match", { "all" } } }),
        term("contains", {}, "gold in it"), term("think_format"), term("tags_once"),
        term("overlong", { { "max", { "8" } } }), term("repetition", { { "n", { "2" } } }) };
}

struct Case {
    const char* completion;
    const char* gold;
    std::vector<std::int64_t> ids;
};

std::vector<Case> cases()
{
    return { { "The answer is \\boxed{1{,}234}", "1234", { 1, 2, 3 } },
        { "<think>6*7</think>It is 42.", "#### 42", { 1, 2, 1, 2, 1 } },
        { "x = 3/4", "0.75", { 4 } }, { "It costs $1,234.50 in all", "1234.5", {} },
        { "about 50 %", "0.5", { 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
        { "a total of 2 1/2 cups", "2.5", { 5, 6, 7, 8, 5, 6, 7 } },
        { "\\boxed{\\dfrac{1}{2}}", "\\frac{1}{2}", { 9, 9 } }, { "H2O has 3 atoms", "3", { 1 } },
        { "so 7 cm^2", "7", { 1 } },
        { "first 5, then 6\n#### 11", "Tom has five and six which makes 11 in total", { 1 } },
        { "\\boxed{2x}", "2", { 1 } }, { "2 \\times 10^{3}", "2000", { 1 } },
        { "minus \\(-4\\)", "-4", { 1 } }, { "5-3", "3", { 1 } },
        { "<think>never ends 12", "12", { 1 } }, { "no number", "word", { 1 } }, { "", "5", {} },
        { "12", "", { 1 } }, { "tea for 12", "12", { 3, 3, 3 } },
        { "The \"X\"7\nfoo", "The \"X\"7\nfoo", { 1 } }, { " Paris ", "paris", { 1 } },
        { "<think>a</think><answer>b</answer>", "b", { 1, 2 } },
        { "<answer>b</answer><think>a</think>", "a", { 1, 2 } },
        { "<think><think>a</think>", "a", { 1, 2, 3, 4, 5, 6, 7 } }, { "3.0", "3", { 1 } },
        { "1e3", "1000", { 1 } }, { "on 1/2/2024", "2024", { 1 } },
        { "18, not 1 \\times 10^{999}", "18", { 1 } }, { "18, not 1e999", "18", { 1 } },
        { "18 or 1/0", "18", { 1 } }, { "#### #### 18\nso 5", "18", { 1 } },
        { "so -\n18", "18", { 1 } }, { "5 _-8}", "5", { 1 } }, { "x^\n2", "2", { 1 } },
        { "3 and .\xEF\xBC\x92", "3", { 1 } }, { "18\n", "18", { 1 } },
        { "it is $18", "18", { 1 } }, { "\xC3\xA9x18", "18", { 1 } }, { "a\x0b", "1", { 1 } } };
}

/// What the generated module gives for all cases: one list of scores a reward, null for unscored.
QJsonArray scoresByPython(const QString& folder, const QString& python)
{
    QJsonArray completions;
    QJsonArray golds;
    QJsonArray ids;
    for (const Case& one : cases()) {
        completions.append(
            QJsonArray{ QJsonObject{ { QStringLiteral("role"), QStringLiteral("assistant") },
                { QStringLiteral("content"), QString::fromUtf8(one.completion) } } });
        golds.append(QString::fromUtf8(one.gold));
        QJsonArray row;
        for (const std::int64_t id : one.ids)
            row.append(static_cast<qint64>(id));
        ids.append(row);
    }
    QStringList names;
    for (const RewardTermSpec& spec : everyReward()) {
        QString name = QString::fromStdString(spec.name);
        names += name.replace(QLatin1Char(' '), QLatin1Char('_'));
    }
    const QString script = QStringLiteral(
        "import json, sys, zen_rewards as z\n"
        "d = json.load(sys.stdin)\n"
        "print(json.dumps([getattr(z, n)(prompts=None, completions=d['c'], answer=d['g'], "
        "completion_ids=d['i']) for n in d['n']]))\n");
    QProcess process;
    process.setWorkingDirectory(folder);
    process.start(python, { QStringLiteral("-c"), script });
    process.write(QJsonDocument(QJsonObject{ { QStringLiteral("c"), completions },
                                    { QStringLiteral("g"), golds }, { QStringLiteral("i"), ids },
                                    { QStringLiteral("n"), QJsonArray::fromStringList(names) } })
                      .toJson());
    process.closeWriteChannel();
    process.waitForFinished();
    if (process.exitCode() != 0)
        qWarning("%s", process.readAllStandardError().constData());
    return QJsonDocument::fromJson(process.readAllStandardOutput()).array();
}

} // namespace

class TestExportBundle : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        qputenv("ZEN_RESOURCES", ZEN_SOURCE_DIR "/resources");
        QDir::setCurrent(QStringLiteral(ZEN_SOURCE_DIR)); // the shipped paths are relative to it
    }

    void bundle_isSelfContained_data()
    {
        QTest::addColumn<QByteArray>("target");
        for (const std::string_view name : kTargetNames)
            QTest::newRow(name.data()) << QByteArray(name.data(), static_cast<int>(name.size()));
    }
    void bundle_isSelfContained()
    {
        QFETCH(QByteArray, target);
        const Target tool = targetNamed(target.toStdString());
        TrainingConfig config = shippedConfig("starter_gspo");
        config.run.deepspeed = "configs/deepspeed/ds_z3_config.json";
        const auto bundle = makeBundle(config, tool, "run.yaml");
        QVERIFY2(bundle, bundle ? "" : bundle.error().message.c_str());
        QTemporaryDir parent;
        const QString folder = parent.filePath(QStringLiteral("bundle"));
        QVERIFY(writeBundle(*bundle, folder.toStdString()));
        QVERIFY(!writeBundle(*bundle, folder.toStdString())); // never over something
        const auto here
            = [&](const char* name) { return folder + QLatin1Char('/') + QLatin1String(name); };

        const auto yaml = YamlDocument::load(here("run.yaml").toStdString());
        QVERIFY(yaml);
        QVERIFY(lint(yaml->text(), tool).empty());
        const ImportedConfig back = importConfig(*yaml, tool, folder.toStdString());
        QVERIFY(QFile::exists(here(back.config.run.deepspeed.c_str())));
        const auto rows = jsonOf(here("data/dataset_info.json"));
        QCOMPARE(rows[QStringLiteral("train")][QStringLiteral("file_name")].toString(),
            QStringLiteral("train.jsonl"));
        // the rows are read by our own reader, by name and with the same answers
        DataSection data;
        data.dataset_dir = here("data").toStdString();
        const auto files = resolveDataset("train", data.dataset_dir);
        QVERIFY(files);
        const auto original
            = loadDatasetFile(ZEN_SOURCE_DIR "/resources/starter/train.jsonl", config.data);
        const auto copied = loadDatasetFile(files->front().path, data);
        QVERIFY2(copied, copied ? "" : copied.error().message.c_str());
        QCOMPARE(copied->rows.size(), original->rows.size());
        QCOMPARE(copied->rows[3].prompt, original->rows[3].prompt);
        QCOMPARE(copied->rows[3].response, original->rows[3].response);
        QCOMPARE(copied->rows[3].columns.at("answer"), original->rows[3].columns.at("answer"));

        const bool has_module = target == "trl" || target == "axolotl";
        QCOMPARE(QFile::exists(here("zen_rewards.py")), has_module);
        if (has_module)
            QCOMPARE(back.config.algorithm.rewards, config.algorithm.rewards);
        QFile readme(here("README.md"));
        QVERIFY(readme.open(QIODevice::ReadOnly));
        const QByteArray words = readme.readAll();
        QVERIFY(words.contains("run.yaml"));
        QVERIFY(words.contains("On one GPU") && words.contains("two machines"));
        QVERIFY(words.contains("zen/starter"));
        const bool needs_torchrun = target == "gym" || target == "llamafactory";
        QCOMPARE(words.contains("CUDA_VISIBLE_DEVICES=0 FORCE_TORCHRUN=1 "), needs_torchrun);
        QProcess shell;
        shell.start(QStringLiteral("bash"), { QStringLiteral("-n"), here("slurm.sh") });
        QVERIFY(shell.waitForFinished());
        QCOMPARE(shell.exitCode(), 0);
    }

    void deepspeedFiles_areWhatTheToolsShip()
    {
        const auto bundle
            = makeBundle(shippedConfig("starter_gspo"), targetNamed("gym"), "run.yaml");
        QVERIFY(bundle);
        const QString peers
            = QStringLiteral(ZEN_SOURCE_DIR "/../shared/data/peer-configs/deepspeed/");
        int seen = 0;
        for (const BundleFile& file : bundle->files) {
            if (!file.path.starts_with("ds_"))
                continue;
            const QJsonObject json
                = QJsonDocument::fromJson(QByteArray::fromStdString(file.bytes)).object();
            const QJsonObject zero = json[QStringLiteral("zero_optimization")].toObject();
            const int stage = file.path.find("z2") != std::string::npos ? 2 : 3;
            QCOMPARE(zero[QStringLiteral("stage")].toInt(), stage);
            QCOMPARE(zero.contains(QStringLiteral("offload_optimizer")),
                file.path.find("offload") != std::string::npos);
            for (const char* key : { "train_batch_size", "train_micro_batch_size_per_gpu",
                     "gradient_accumulation_steps", "gradient_clipping" })
                QCOMPARE(json[QLatin1String(key)].toString(), QStringLiteral("auto"));
            QString peer = QString::fromStdString(file.path);
            peer.replace(QStringLiteral(".json"), QStringLiteral("_config.json"));
            if (QFile::exists(peers + peer))
                QCOMPARE(json, jsonOf(peers + peer));
            ++seen;
        }
        QCOMPARE(seen, 4);
    }

    void ownDeepspeedFile_goesAlongAsItIs()
    {
        QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("ds_z3.json"));
        const std::string bytes = "{\n\"zero_optimization\": {\"stage\": 1}\n}\n";
        QVERIFY(writeDurably(file.toStdString(), bytes));
        TrainingConfig config = shippedConfig("starter_gspo");
        config.run.deepspeed = file.toStdString();
        const auto bundle = makeBundle(config, targetNamed("gym"), "run.yaml");
        QVERIFY(bundle);
        const auto named = std::count_if(bundle->files.begin(), bundle->files.end(),
            [&](const BundleFile& one) { return one.path == "ds_z3.json" && one.bytes == bytes; });
        QCOMPARE(named, 1);
        QVERIFY(bundle->yaml.find("deepspeed: ds_z3.json\n") != std::string::npos);
        QCOMPARE(std::count_if(bundle->files.begin(), bundle->files.end(),
                     [](const BundleFile& one) { return one.path.starts_with("ds_"); }),
            4);

        config.run.deepspeed = folder.filePath(QStringLiteral("none_z2.json")).toStdString();
        const auto without = makeBundle(config, targetNamed("gym"), "run.yaml");
        QVERIFY(without->yaml.find("deepspeed: ds_z2.json\n") != std::string::npos);
        QVERIFY(std::any_of(without->notes.begin(), without->notes.end(),
            [](const Diagnostic& note) { return note.key == "deepspeed"; }));
    }

    void missingData_isSaidAndTheBundleStillMade()
    {
        const auto bundle
            = makeBundle(shippedConfig("gspo_qwen3_nano_0.6b"), targetNamed("trl"), "run.yaml");
        QVERIFY(bundle);
        const bool is_said
            = std::any_of(bundle->notes.begin(), bundle->notes.end(), [](const Diagnostic& note) {
                  return note.message.find("gsm8k is not on this machine") != std::string::npos;
              });
        QVERIFY(is_said);
        TrainingConfig config = shippedConfig("starter_gspo");
        config.data.eval_dataset = { "held-out.jsonl" };
        const auto other = makeBundle(config, targetNamed("trl"), "run.yaml");
        QVERIFY(other);
        QVERIFY(std::any_of(other->notes.begin(), other->notes.end(), [](const Diagnostic& note) {
            return note.key == "eval_dataset"
                && note.message.find("held-out.jsonl is not on this machine") != std::string::npos;
        }));
    }

    void brokenRows_areAnError()
    {
        QTemporaryDir folder;
        const std::string file = folder.filePath(QStringLiteral("rows.jsonl")).toStdString();
        QVERIFY(writeDurably(file, "{\"prompt\": \"1 + 1\", \"answer\": \"2\"}\n{\"prompt\": \n"));
        for (const bool is_held_out : { false, true }) {
            TrainingConfig config = shippedConfig("starter_gspo");
            (is_held_out ? config.data.eval_dataset : config.data.dataset) = { file };
            const auto bundle = makeBundle(config, targetNamed("trl"), "run.yaml");
            QVERIFY(!bundle);
            QVERIFY2(bundle.error().message.find("rows.jsonl") != std::string::npos,
                bundle.error().message.c_str());
        }
    }

    void generatedRewards_scoreAsOurs()
    {
        const QString python = QStandardPaths::findExecutable(QStringLiteral("python3"));
        if (python.isEmpty())
            QSKIP("python3 is not installed");
        TrainingConfig config;
        config.algorithm.rewards = everyReward();
        const auto module = rewardModule(config);
        QVERIFY2(module, module ? "" : module.error().message.c_str());
        QTemporaryDir folder;
        QVERIFY(
            writeDurably(folder.filePath(QStringLiteral("zen_rewards.py")).toStdString(), *module));
        const auto again = readRewardModule(folder.path().toStdString());
        QVERIFY(again);
        QCOMPARE(*again, everyReward());

        const auto rubric = Rubric::build(config.algorithm.rewards);
        QVERIFY(rubric);
        const QJsonArray python_scores = scoresByPython(folder.path(), python);
        QCOMPARE(python_scores.size(), static_cast<qsizetype>(everyReward().size()));
        const std::vector<Case> all = cases();
        for (std::size_t row = 0; row < all.size(); ++row) {
            const std::map<std::string, std::string> columns{ { "answer", all[row].gold } };
            RewardInput input;
            input.completion = all[row].completion;
            input.completion_ids = all[row].ids;
            input.columns = &columns;
            const RewardScores ours = rubric->score(input);
            for (std::size_t i = 0; i < ours.terms.size(); ++i) {
                const bool by_ids
                    = everyReward()[i].type == "overlong" || everyReward()[i].type == "repetition";
                if (by_ids && all[row].ids.empty())
                    continue; // text without ids: unscored here, no tokens there
                const QJsonValue theirs
                    = python_scores[static_cast<qsizetype>(i)][static_cast<qsizetype>(row)];
                const std::string what = everyReward()[i].name + " of " + all[row].completion;
                QVERIFY2(theirs.isNull() == !ours.terms[i].has_value(), what.c_str());
                if (ours.terms[i])
                    QVERIFY2(std::abs(theirs.toDouble() - *ours.terms[i]) < 1e-12, what.c_str());
            }
        }
    }

    void patternThatPythonCannotRead_isNamed_data()
    {
        QTest::addColumn<QByteArray>("pattern");
        QTest::addColumn<QByteArray>("what");
        QTest::newRow("class of Unicode") << QByteArray("^\\p{Greek}+") << QByteArray("\\p");
        QTest::newRow("named class") << QByteArray("[[:alpha:]]") << QByteArray("[:");
        QTest::newRow("late flag") << QByteArray("a(?i)b") << QByteArray("(?i)");
        QTest::newRow("quoted") << QByteArray("\\Q.\\E") << QByteArray("\\Q");
    }
    void patternThatPythonCannotRead_isNamed()
    {
        QFETCH(QByteArray, pattern);
        QFETCH(QByteArray, what);
        TrainingConfig config;
        config.algorithm.rewards
            = { term("regex", { { "pattern", { pattern.toStdString() } } }, "letters") };
        const auto module = rewardModule(config);
        QVERIFY(!module);
        QVERIFY(module.error().message.find("letters") != std::string::npos);
        QVERIFY2(module.error().message.find(what.toStdString()) != std::string::npos,
            module.error().message.c_str());
    }

    void twoRewardsOfOnePythonName_areRefused()
    {
        TrainingConfig config;
        config.algorithm.rewards
            = { term("think_format", {}, "a b"), term("think_format", {}, "a-b") };
        QVERIFY(!rewardModule(config));
    }

    void overrides_haveEachToolsForm()
    {
        const TrainingConfig base = shippedConfig("gspo_qwen3_nano_0.6b");
        TrainingConfig config = base;
        config.adapter.lora_rank = 32;
        config.optimizer.learning_rate = 3e-6;
        const auto command = [&](const char* target) {
            return QString::fromStdString(
                overrideCommand(config, base, targetNamed(target), "x.yaml").value_or("none"));
        };
        QCOMPARE(
            command("gym"), QStringLiteral("gym train x.yaml learning_rate=3.0e-06 lora_rank=32"));
        QCOMPARE(command("llamafactory"),
            QStringLiteral("llamafactory-cli train x.yaml learning_rate=3.0e-06 lora_rank=32"));
        QCOMPARE(command("axolotl"),
            QStringLiteral("axolotl train x.yaml --learning-rate 3.0e-06 --lora-r 32"));
        QCOMPARE(command("trl"),
            QStringLiteral("trl grpo --config x.yaml --learning_rate 3.0e-06 --lora_r 32"));
        config.algorithm.rewards.clear();
        QVERIFY(!overrideCommand(config, base, targetNamed("axolotl"), "x.yaml"));
    }

    void textInACommand_arrivesAsItIs_data()
    {
        QTest::addColumn<QString>("text");
        QTest::newRow("quotes") << QStringLiteral("say \"hi\", it's");
        QTest::newRow("backslash") << QStringLiteral("a\\nb\\");
        QTest::newRow("lines") << QStringLiteral("one\ntwo \"three\"\n\\boxed{}");
        QTest::newRow("looks like true") << QStringLiteral("on");
    }
    void textInACommand_arrivesAsItIs()
    {
        QFETCH(QString, text);
        const TrainingConfig base = shippedConfig("gspo_qwen3_nano_0.6b");
        TrainingConfig config = base;
        config.data.system_prompt = text.toStdString();
        for (const char* target : { "gym", "llamafactory" }) {
            const auto command = overrideCommand(config, base, targetNamed(target), "x.yaml");
            QVERIFY(command);
            QProcess shell; // the shell's own reading of the words
            shell.start(QStringLiteral("bash"),
                { QStringLiteral("-c"),
                    QStringLiteral("set -- ") + QString::fromStdString(*command)
                        + QStringLiteral("\nprintf '%s' \"$4\"") });
            QVERIFY(shell.waitForFinished());
            const std::string word = shell.readAllStandardOutput().toStdString();
            const std::string key = "default_system=";
            QVERIFY2(word.starts_with(key), word.c_str());
            const ParsedYaml parsed = parseYaml(word.substr(key.size()));
            QVERIFY2(parsed.findings.empty(), word.c_str());
            QCOMPARE(parsed.root.text, text.toStdString());
            QVERIFY(text != QStringLiteral("on") || parsed.root.quoted);
        }
    }
};

QTEST_MAIN(TestExportBundle)
#include "tst_export_bundle.moc"
