#include "core/config/yaml_scalar.h"
#include "core/export/import_config.h"
#include "core/export/lint.h"
#include "core/export/target_values.h"
#include "core/export/translate.h"
#include "tests/core/target_samples.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QTest>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

using namespace zen;

namespace {

const QString kAcceptedKeys = QStringLiteral(ZEN_SOURCE_DIR "/../shared/data/accepted-keys/");

/// Every key of a tool as a list states it, and how the tool reads a file.
struct KeyList {
    QString version;
    QJsonObject keys; ///< with a type as Python writes it
    int count = 0; ///< keys on the first level, the launcher's too
    NumberReading reading = NumberReading::yaml11;
    bool converts = false;
};

QJsonObject jsonOf(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return QJsonDocument::fromJson(file.readAll()).object();
}

/// The program's own lists write types as `str|null`; the same words in Python.
QJsonObject inPython(QJsonObject keys)
{
    for (const QString& name : keys.keys()) {
        QJsonObject key = keys[name].toObject();
        QString type = key[QStringLiteral("type")].toString();
        type.replace(QLatin1String("null"), QLatin1String("None"));
        type.replace(
            QLatin1String("any"), QLatin1String("bool | int | float | str | None | dict | list"));
        key[QStringLiteral("type")] = type;
        if (key.contains(QStringLiteral("keys")))
            key[QStringLiteral("keys")] = inPython(key[QStringLiteral("keys")].toObject());
        keys[name] = key;
    }
    return keys;
}

KeyList shippedList(const QString& target)
{
    const QJsonObject json
        = jsonOf(QStringLiteral(ZEN_SOURCE_DIR "/resources/targets/%1.keys.json").arg(target));
    KeyList list;
    list.version = json[QStringLiteral("version")].toString();
    list.keys = inPython(json[QStringLiteral("keys")].toObject());
    list.count = static_cast<int>(list.keys.size());
    if (json[QStringLiteral("floats")].toString() == QLatin1String("omegaconf"))
        list.reading = NumberReading::omegaconf;
    list.converts = json[QStringLiteral("conversion")].toString() != QLatin1String("none");
    return list;
}

/// The tool's whole list with its sources, where it is at hand; else without any key.
KeyList fullList(const QString& target)
{
    const QJsonObject json = jsonOf(kAcceptedKeys
        + (target == QLatin1String("trl") ? QStringLiteral("trl_grpo") : target)
        + QStringLiteral(".json"));
    KeyList list;
    list.version = json[QStringLiteral("version")].toString();
    list.keys = json[QStringLiteral("keys")].toObject();
    list.count = static_cast<int>(
        list.keys.size() + json[QStringLiteral("launcher_keys")].toObject().size());
    if (json[QStringLiteral("yaml_reader")].toString().contains(QStringLiteral("OmegaConf")))
        list.reading = NumberReading::omegaconf;
    list.converts = json[QStringLiteral("value_conversion")].toString() != QLatin1String("none");
    return list;
}

/// The shipped list of each tool, and the full one where it is at hand.
std::vector<std::pair<QString, KeyList>> listsOf(const QString& target)
{
    std::vector<std::pair<QString, KeyList>> lists{ { QStringLiteral("shipped"),
        shippedList(target) } };
    if (KeyList full = fullList(target); full.count > 0)
        lists.emplace_back(QStringLiteral("full"), std::move(full));
    return lists;
}

QString text(std::string_view word)
{
    return QString::fromUtf8(word.data(), static_cast<int>(word.size()));
}

/// A type as Python writes it, against the kind that a loader gives: an independent, coarser check.
bool pythonTypeTakes(const QString& type, ScalarKind kind, bool converts)
{
    const auto has = [&](const char* word) {
        return QRegularExpression(QStringLiteral("\\b%1\\b").arg(QLatin1String(word)))
            .match(type)
            .hasMatch();
    };
    switch (kind) {
    case ScalarKind::boolean:
        return has("bool");
    case ScalarKind::integer:
        return has("int") || has("float");
    case ScalarKind::real:
        return has("float");
    case ScalarKind::null:
        return has("None") || has("Optional");
    case ScalarKind::date:
        return false;
    case ScalarKind::text:
        break;
    }
    return has("str") || has("Literal") || has("SchedulerType") || has("QuantizationMethod")
        || has("RLType") || has("ChatTemplate") || (converts && (has("int") || has("float")));
}

/// Every key of a mapping is in the list, with a type that it takes.
QStringList problemsOf(const YamlNode& mapping, const QJsonObject& keys, NumberReading reading,
    bool converts, const QString& prefix = {})
{
    QStringList problems;
    for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
        const QString name = QString::fromStdString(mapping.keys[i].text);
        const YamlNode& value = mapping.items[i];
        if (!keys.contains(name)) {
            problems += prefix + name + QStringLiteral(": unknown");
            continue;
        }
        const QJsonObject key = keys[name].toObject();
        QString type = key[QStringLiteral("type")].toString();
        for (const auto& more : key[QStringLiteral("also_accepts")].toArray())
            type += QStringLiteral(" | ") + more.toString();
        if (value.kind == YamlNode::Kind::mapping) {
            if (key.contains(QStringLiteral("keys")))
                problems += problemsOf(value, key[QStringLiteral("keys")].toObject(), reading,
                    converts, prefix + name + QLatin1Char('.'));
            else if (!type.contains(QStringLiteral("dict")))
                problems += prefix + name + QStringLiteral(": a mapping for ") + type;
        } else if (value.kind == YamlNode::Kind::sequence) {
            if (!type.contains(QStringLiteral("list")))
                problems += prefix + name + QStringLiteral(": a list for ") + type;
        } else if (!pythonTypeTakes(type, scalarKind(value, reading), converts)) {
            problems += prefix + name + QStringLiteral(": ") + QString::fromStdString(value.text)
                + QStringLiteral(" for ") + type;
        } else if (const QJsonArray choices = key[QStringLiteral("choices")].toArray();
                   !choices.isEmpty() && !key.contains(QStringLiteral("pattern"))
                   && scalarKind(value, reading) == ScalarKind::text
                   && !choices.contains(QString::fromStdString(value.text))) {
            problems += prefix + name + QStringLiteral(": no such choice");
        }
    }
    return problems;
}

std::set<std::string> notedKeys(const Diagnostics& notes)
{
    std::set<std::string> keys;
    for (const Diagnostic& note : notes)
        keys.insert(note.key);
    return keys;
}

QString listed(const Diagnostics& findings)
{
    QString text;
    for (const Diagnostic& finding : findings)
        text += QString::fromStdString(toText(finding)) + QLatin1Char('\n');
    return text;
}

} // namespace

class TestExportTargets : public QObject {
    Q_OBJECT

private:
    void everyPair()
    {
        QTest::addColumn<QString>("target");
        QTest::addColumn<QString>("config");
        for (const std::string_view target : kTargetNames)
            for (const std::string& config : shippedConfigs()) {
                const QString to
                    = QString::fromUtf8(target.data(), static_cast<int>(target.size()));
                const QString from = QString::fromStdString(config);
                QTest::newRow(qPrintable(from + QStringLiteral(" -> ") + to)) << to << from;
            }
    }

private Q_SLOTS:
    void everyOwnKey_isTranslatedOrNamedAsLost()
    {
        for (const std::string_view name : kTargetNames) {
            const Target target = targetNamed(name);
            for (const Field& field : schema()) {
                const auto isOwn = [&](const auto& entry) { return entry.own == field.key; };
                const bool is_twin = field.key == "bf16" || field.key == "load_in_4bit";
                const bool is_known = is_twin
                    || std::any_of(target.rows.begin(), target.rows.end(), isOwn)
                    || std::any_of(target.lost.begin(), target.lost.end(), isOwn);
                QVERIFY2(is_known,
                    qPrintable(QStringLiteral("%1: %2").arg(QString::fromStdString(target.name),
                        QString::fromUtf8(field.key.data(), static_cast<int>(field.key.size())))));
            }
            for (const TargetRow& row : target.rows)
                QVERIFY2(target.accepted.find(row.key), row.key.c_str());
            for (const FixedEntry& entry : target.fixed)
                QVERIFY2(target.accepted.find(entry.key), entry.key.c_str());
        }
    }

    void shippedConfigurations_passTheLinter_data() { everyPair(); }
    void shippedConfigurations_passTheLinter()
    {
        QFETCH(QString, target);
        QFETCH(QString, config);
        const Target tool = targetNamed(target.toStdString());
        const TargetConfig exported = translate(shippedConfig(config.toStdString()), tool);
        const Diagnostics findings = lint(exported.yaml, tool);
        QVERIFY2(findings.empty(), qPrintable(listed(findings)));
    }

    void shippedConfigurations_passTheToolsOwnKeyList_data() { everyPair(); }
    void shippedConfigurations_passTheToolsOwnKeyList()
    {
        QFETCH(QString, target);
        QFETCH(QString, config);
        const Target tool = targetNamed(target.toStdString());
        const TargetConfig exported = translate(shippedConfig(config.toStdString()), tool);
        const ParsedYaml parsed = parseYaml(exported.yaml);
        QVERIFY(parsed.findings.empty());
        for (const auto& [name, list] : listsOf(target)) {
            QVERIFY2(list.count > 100, qPrintable(name));
            const QStringList problems
                = problemsOf(parsed.root, list.keys, list.reading, list.converts);
            QVERIFY2(problems.isEmpty(),
                qPrintable(name + QLatin1Char('\n') + problems.join(QLatin1Char('\n'))));
        }
    }

    void wrongValues_areFoundByTheKeyLists()
    {
        for (const std::string_view name : kTargetNames)
            for (const auto& [which, list] : listsOf(text(name))) {
                const ParsedYaml parsed
                    = parseYaml("learning_rate: [1]\nnever_heard_of: 1\ngradient_accumulation_"
                                "steps: many\n");
                QVERIFY(parsed.findings.empty());
                const QStringList problems
                    = problemsOf(parsed.root, list.keys, list.reading, list.converts);
                const QString said = problems.join(QLatin1Char('\n'));
                QVERIFY2(said.contains(QStringLiteral("learning_rate: a list")), qPrintable(said));
                QVERIFY2(
                    said.contains(QStringLiteral("never_heard_of: unknown")), qPrintable(said));
            }
    }

    void acceptedKeys_areThoseOfTheLists()
    {
        for (const std::string_view name : kTargetNames) {
            const Target tool = targetNamed(name);
            for (const auto& [which, list] : listsOf(text(name))) {
                QCOMPARE(QString::fromStdString(tool.accepted.version), list.version);
                QCOMPARE(tool.accepted.reading, list.reading);
                QCOMPARE(tool.accepted.conversion != ValueConversion::none, list.converts);
                for (const QString& key : list.keys.keys())
                    QVERIFY2(tool.accepted.keys.contains(key.toStdString()), qPrintable(key));
                QCOMPARE(tool.accepted.keys.size(), static_cast<std::size_t>(list.count));
            }
        }
    }

    void roundTrip_keepsWhatIsNotNoted_data()
    {
        everyPair();
        for (const std::string_view target : kTargetNames) {
            const QString to = QString::fromUtf8(target.data(), static_cast<int>(target.size()));
            QTest::newRow(qPrintable(QStringLiteral("unusual -> ") + to)) << to << QString();
        }
    }
    void roundTrip_keepsWhatIsNotNoted()
    {
        QFETCH(QString, target);
        QFETCH(QString, config);
        const Target tool = targetNamed(target.toStdString());
        const TrainingConfig own
            = config.isEmpty() ? unusualConfig() : shippedConfig(config.toStdString());
        const TargetConfig exported = translate(own, tool);
        const ImportedConfig back = importConfig(YamlDocument::fromText(exported.yaml), tool, {});
        const std::set<std::string> noted = notedKeys(exported.notes);
        for (const ForeignKey& key : back.keys)
            QVERIFY2(key.fate == KeyFate::taken || key.fate == KeyFate::without_effect
                    || key.key.find("reward") != std::string::npos,
                qPrintable(QString::fromStdString(key.key + ": " + key.why)));
        const TrainingConfig wanted = resolve(own);
        const TrainingConfig got = resolve(back.config);
        const bool is_sft = got.algorithm.stage == Stage::sft;
        for (const Field& field : schema()) {
            const std::string key(field.key);
            if (noted.contains(key) || (is_sft && field.rl_only) || key == "dataset_dir")
                continue;
            if (field.get(own) == defaultValue(field))
                continue;
            QVERIFY2(field.get(wanted) == field.get(got),
                qPrintable(QString::fromStdString(
                    key + ": " + toYaml(field.get(wanted)) + " became " + toYaml(field.get(got)))));
        }
    }

    void roundTrip_losesOnlyWhatEachToolCannotSay()
    {
        // Written down by hand, so that a row that is lost from a table is noticed.
        const std::set<std::string> trl{ "rewards", "dataset", "warmup_ratio",
            "adapter_name_or_path", "cutoff_len" };
        QCOMPARE(notedKeys(translate(unusualConfig(), targetNamed("trl")).notes), trl);
        const std::set<std::string> axolotl{ "rewards", "dataset", "steps_per_generation",
            "save_total_limit" };
        QCOMPARE(notedKeys(translate(unusualConfig(), targetNamed("axolotl")).notes), axolotl);
        const std::set<std::string> gym{ "rewards", "epsilon_high", "num_generations", "dataset",
            "steps_per_generation", "num_iterations", "loss_type", "multi_objective_aggregation",
            "mask_truncated_completions", "min_p", "log_completions" };
        QCOMPARE(notedKeys(translate(unusualConfig(), targetNamed("gym")).notes), gym);
        const Diagnostics llamafactory
            = translate(unusualConfig(), targetNamed("llamafactory")).notes;
        QVERIFY(notedKeys(llamafactory).contains("stage"));
        QVERIFY(notedKeys(llamafactory).contains("rewards"));
    }

    void unusualConfiguration_passesEveryLinter()
    {
        for (const std::string_view name : kTargetNames) {
            const Target tool = targetNamed(name);
            const Diagnostics findings = lint(translate(unusualConfig(), tool).yaml, tool);
            QVERIFY2(findings.empty(), qPrintable(listed(findings)));
        }
    }

    void defaultsThatDiffer_areWritten()
    {
        TrainingConfig config;
        config.data.dataset = { "rows" };
        const std::string gym = translate(config, targetNamed("gym")).yaml;
        QVERIFY(gym.find("do_train: true") != std::string::npos);
        QVERIFY(gym.find("lora_rank: 16") != std::string::npos); // 8 there
        QVERIFY(gym.find("gspo_beta: 0.0") != std::string::npos); // 0.1 there
        QVERIFY(gym.find("use_ref_model") == std::string::npos);
        const std::string axolotl = translate(config, targetNamed("axolotl")).yaml;
        QVERIFY(axolotl.find("warmup_ratio: 0.0") != std::string::npos); // 3 % of the steps there
        const std::string trl = translate(config, targetNamed("trl")).yaml;
        QVERIFY(trl.find("loss_type: grpo") != std::string::npos); // dapo there
        QVERIFY(trl.find("dtype: auto") != std::string::npos); // float32 there
        QVERIFY(trl.find("gradient_checkpointing: false") != std::string::npos); // true there
        QVERIFY(trl.find("seed") == std::string::npos); // 42 in both
    }

    void wordsThatLoadersTurnIntoSomethingElse_areQuoted()
    {
        TrainingConfig config = shippedConfig("gspo_qwen3_nano_0.6b");
        config.run.run_name = "off";
        config.run.output_dir = "2024-01-01";
        config.algorithm.scale_rewards = ScaleRewards::none;
        for (const std::string_view name : kTargetNames) {
            const Target tool = targetNamed(name);
            const std::string yaml = translate(config, tool).yaml;
            QVERIFY2(yaml.find("\"off\"") != std::string::npos, tool.name.c_str());
            QVERIFY(yaml.find("output_dir: \"2024-01-01\"") != std::string::npos);
            QVERIFY2(lint(yaml, tool).empty(), qPrintable(listed(lint(yaml, tool))));
        }
    }

    void evaluationForAxolotl_holdsWholeGroups()
    {
        const Target axolotl = targetNamed("axolotl");
        TrainingConfig config = shippedConfig("gspo_qwen3_coder");
        config.batch.num_generations = 4;
        config.batch.per_device_eval_batch_size = 6;
        const std::string yaml = translate(config, axolotl).yaml;
        QVERIFY(yaml.find("eval_batch_size: 8\n") != std::string::npos);
        // without it, a batch is micro_batch_size there: 2 completions are no group of 4
        YamlDocument edited = YamlDocument::fromText(yaml);
        QVERIFY(edited.remove("eval_batch_size"));
        const Diagnostics findings = lint(edited.text(), axolotl);
        QCOMPARE(findings.size(), std::size_t{ 1 });
        QCOMPARE(findings.front().key, std::string("eval_batch_size"));
    }

    void evaluationForTrl_needsASplitOfItsOwn()
    {
        const Target trl = targetNamed("trl");
        TrainingConfig config = shippedConfig("gspo_qwen3_eco_4b");
        const std::string split = translate(config, trl).yaml;
        QVERIFY(split.find("test_split_size: 0.05\n") != std::string::npos);
        QVERIFY(split.find("eval_strategy: steps\n") != std::string::npos);
        config.data.eval_dataset = { "held-out.jsonl" }; // a second file is no split there
        const TargetConfig exported = translate(config, trl);
        QVERIFY(exported.yaml.find("\neval_strategy") == std::string::npos);
        QVERIFY(notedKeys(exported.notes).contains("eval_strategy"));
        YamlDocument edited = YamlDocument::fromText(split);
        QVERIFY(edited.remove("test_split_size"));
        const Diagnostics findings = lint(edited.text(), trl);
        QCOMPARE(findings.size(), std::size_t{ 1 });
        QCOMPARE(findings.front().key, std::string("eval_strategy"));
    }

    void unknownTarget_isRefusedWithTheKnownOnes()
    {
        const auto target = loadTarget("verl");
        QVERIFY(!target);
        QVERIFY(target.error().message.find("llamafactory") != std::string::npos);
    }
};

QTEST_MAIN(TestExportTargets)
#include "tst_export_targets.moc"
