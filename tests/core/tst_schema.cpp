#include "core/config/read_config.h"
#include "core/config/schema.h"

#include <QFile>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

using zen::Field;
using zen::FieldType;
using zen::FieldValue;

namespace {

const Field& field(std::string_view key)
{
    const Field* found = zen::findField(key);
    if (!found)
        qFatal("no field %s", std::string(key).c_str());
    return *found;
}

/// A value that differs from the default.
FieldValue otherValue(const Field& row)
{
    switch (row.type) {
    case FieldType::boolean:
        return !std::get<bool>(zen::defaultValue(row));
    case FieldType::integer:
        return static_cast<std::int64_t>(row.minimum) + 3;
    case FieldType::real:
        return (row.minimum + std::min(row.maximum, row.minimum + 1)) / 2 + 0.015625;
    case FieldType::text:
    case FieldType::path:
        return std::string("some thing: 1e3 # é");
    case FieldType::choice:
        return std::string(row.choices.back());
    case FieldType::text_list:
        return std::vector<std::string>{ "no", "b c", "d,e", "" };
    case FieldType::rewards:
        return std::vector<zen::RewardTermSpec>{
            { "fmt", "regex", 0.25,
                { { "pattern", { "^\\d+: 'x'$" } }, { "flags", { "dotall", "multiline" } } }, 0 },
            { "overlong", "overlong", 1.0, { { "max", { "1024" } }, { "cache", { "256" } } }, 0 }
        };
    }
    return {};
}

} // namespace

class TestSchema : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyRow_isComplete()
    {
        std::set<std::string_view> keys;
        for (const Field& row : zen::schema()) {
            const std::string name(row.key);
            QVERIFY2(keys.insert(row.key).second, name.c_str());
            QVERIFY2(!row.label.empty() && !row.group.empty() && row.get && row.set, name.c_str());
            QVERIFY2(row.help.size() > 20 && row.help.back() == '.', name.c_str());
            QVERIFY2(row.help.find('!') == std::string_view::npos, name.c_str());
            for (const std::string_view alias : row.aliases)
                QVERIFY2(keys.insert(alias).second, std::string(alias).c_str());
            if (row.type == FieldType::integer || row.type == FieldType::real)
                QVERIFY2(row.minimum < row.maximum, name.c_str());
            if (row.type == FieldType::choice)
                QVERIFY2(row.choices.size() >= 2, name.c_str());
        }
    }

    void everyField_getsWhatWasSet()
    {
        for (const Field& row : zen::schema()) {
            zen::TrainingConfig config;
            row.set(config, otherValue(row));
            QVERIFY2(row.get(config) == otherValue(row), std::string(row.key).c_str());
            QVERIFY2(!(config == zen::TrainingConfig{}), std::string(row.key).c_str());
            row.set(config, zen::defaultValue(row));
            QVERIFY2(config == zen::TrainingConfig{}, std::string(row.key).c_str());
            QCOMPARE(row.optional, std::holds_alternative<std::monostate>(zen::defaultValue(row)));
        }
    }

    void everyValue_survivesYaml()
    {
        for (const Field& row : zen::schema()) {
            for (const FieldValue& value : { otherValue(row), zen::defaultValue(row) }) {
                if (std::holds_alternative<std::monostate>(value))
                    continue;
                const auto read = zen::parseValue(row, zen::toYaml(value));
                QVERIFY2(read, (std::string(row.key) + ": " + zen::toYaml(value)).c_str());
                QVERIFY2(*read == value, zen::toYaml(value).c_str());
            }
        }
    }

    void defaults_areInRange()
    {
        for (const Field& row : zen::schema()) {
            const FieldValue value = zen::defaultValue(row);
            if (!std::holds_alternative<std::monostate>(value))
                QVERIFY2(zen::parseValue(row, zen::toYaml(value)), std::string(row.key).c_str());
        }
    }

    void keysOfTheSeedAndOfTrl_areKnown()
    {
        for (const char* key :
            { "model_name_or_path", "template", "stage", "finetuning_type", "lora_rank",
                "lora_alpha", "lora_dropout", "lora_target", "dataset", "dataset_dir", "cutoff_len",
                "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs",
                "max_steps", "learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps",
                "weight_decay", "max_grad_norm", "bf16", "gradient_checkpointing", "quantization",
                "load_in_4bit", "bnb_4bit_compute_dtype", "temperature", "top_p", "top_k", "min_p",
                "logging_steps", "save_steps", "save_total_limit", "eval_strategy", "eval_steps",
                "val_size", "output_dir", "seed", "report_to", "deepspeed", "num_generations",
                "max_completion_length", "beta", "epsilon", "epsilon_high", "num_iterations",
                "steps_per_generation", "loss_type", "importance_sampling_level", "scale_rewards",
                "mask_truncated_completions", "rewards" })
            QVERIFY2(zen::findField(key) && zen::findField(key)->key == key, key);
    }

    void aliases_findTheirField_data()
    {
        QTest::addColumn<QString>("alias");
        QTest::addColumn<QString>("key");
        QTest::newRow("1") << "gspo_group_size"
                           << "num_generations";
        QTest::newRow("2") << "grpo_group_size"
                           << "num_generations";
        QTest::newRow("3") << "gspo_beta"
                           << "beta";
        QTest::newRow("4") << "grpo_beta"
                           << "beta";
        QTest::newRow("5") << "gspo_clip_epsilon"
                           << "epsilon";
        QTest::newRow("6") << "grpo_clip_range"
                           << "epsilon";
        QTest::newRow("7") << "max_new_tokens"
                           << "max_completion_length";
        QTest::newRow("8") << "quantization_bit"
                           << "quantization";
        QTest::newRow("9") << "torch_dtype"
                           << "dtype";
        QTest::newRow("10") << "double_quantization"
                            << "bnb_4bit_use_double_quant";
    }
    void aliases_findTheirField()
    {
        QFETCH(QString, alias);
        QFETCH(QString, key);
        QCOMPARE(std::string(field(alias.toStdString()).key), key.toStdString());
    }

    void misspeltKey_findsNearest_data()
    {
        QTest::addColumn<QString>("wrong");
        QTest::addColumn<QString>("right");
        QTest::newRow("letter missing") << "lora_rnk"
                                        << "lora_rank";
        QTest::newRow("letters swapped") << "lora_rakn"
                                         << "lora_rank";
        QTest::newRow("plural") << "warmup_ratios"
                                << "warmup_ratio";
        QTest::newRow("camel") << "learningRate"
                               << "learning_rate";
        QTest::newRow("alias") << "gspo_group_sise"
                               << "gspo_group_size";
        QTest::newRow("one word of it") << "rank"
                                        << "lora_rank";
        QTest::newRow("kebab") << "top-p"
                               << "top_p";
        QTest::newRow("nothing near") << "vision_resolution"
                                      << "";
        QTest::newRow("short") << "x"
                               << "";
        QTest::newRow("very long") << QString(5000, 'a') << "";
    }
    void misspeltKey_findsNearest()
    {
        QFETCH(QString, wrong);
        QFETCH(QString, right);
        QCOMPARE(zen::nearestKey(wrong.toStdString()), right.toStdString());
    }

    void text_isQuotedWhereReadersDiffer_data()
    {
        // Each row was read back with PyYAML 6.0 (YAML 1.1): plain ones as this very string.
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("yaml");
        const auto row
            = [](const char* text, const char* yaml) { QTest::newRow(text) << text << yaml; };
        row("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B");
        row("zen/starter", "zen/starter");
        row("./runs/a b", "./runs/a b");
        row("4bit", "4bit");
        row("C:/x", "C:/x");
        row("no", "\"no\"");
        row("Off", "\"Off\"");
        row("y", "\"y\"");
        row("null", "\"null\"");
        row("none", "\"none\"");
        row("~", "\"~\"");
        row("", "\"\"");
        row("1e3", "\"1e3\"");
        row("1e-5", "\"1e-5\"");
        row("017", "\"017\"");
        row("0x1F", "\"0x1F\"");
        row("1_000", "\"1_000\"");
        row("12:30:00", "\"12:30:00\"");
        row("2025-01-31", "\"2025-01-31\"");
        row(".inf", "\".inf\"");
        row("-.5", "\"-.5\"");
        row("<<", "\"<<\"");
        row("a: b", "\"a: b\"");
        row("a:", "\"a:\"");
        row("a #b", "\"a #b\"");
        row("#a", "\"#a\"");
        row("- a", "\"- a\"");
        row("[a", "\"[a\"");
        row("a, b", "\"a, b\"");
        row("{a}", "\"{a}\"");
        row("*a", "\"*a\"");
        row("&a", "\"&a\"");
        row("!a", "\"!a\"");
        row("%a", "\"%a\"");
        row("@a", "\"@a\"");
        row("'a'", "\"'a'\"");
        row("it's", "it's");
        row(" a", "\" a\"");
        row("a ", "\"a \"");
        row("say \"a\"", "'say \"a\"'");
        row("\\boxed{}", "'\\boxed{}'");
        row("a\nb", "\"a\\nb\"");
        row("a\tb", "\"a\\tb\"");
    }
    void text_isQuotedWhereReadersDiffer()
    {
        QFETCH(QString, text);
        QFETCH(QString, yaml);
        QCOMPARE(QString::fromStdString(zen::toYaml(text.toStdString())), yaml);
        const auto read = zen::parseValue(field("run_name"), yaml.toStdString());
        QVERIFY(read && *read == FieldValue(text.toStdString()));
    }

    void randomText_survivesInLists()
    {
        std::mt19937 random(19);
        const std::vector<std::string> letters = { "a", "n", "o", "0", "1", "e", ".", "-", "+", ":",
            "_", "#", "'", "\"", "[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "%", "@", "`",
            "~", "=", "<", "?", "\\", " ", "/", "\t", "\n", "é", "\u2028", "\u0085" };
        for (int round = 0; round < 3000; ++round) {
            std::vector<std::string> texts(2);
            for (std::string& text : texts)
                for (unsigned n = random() % 7; n-- > 0;)
                    text += letters[random() % letters.size()];
            const std::string yaml = zen::toYaml(texts);
            const auto read = zen::parseValue(field("dataset"), yaml);
            QVERIFY2(read && *read == FieldValue(texts), yaml.c_str());
            const auto one = zen::parseValue(field("run_name"), zen::toYaml(texts.front()));
            QVERIFY2(one && *one == FieldValue(texts.front()), zen::toYaml(texts.front()).c_str());
        }
    }

    void reals_areFloatsForEveryReader_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("yaml");
        QTest::newRow("1") << 1e-5 << "1.0e-05";
        QTest::newRow("2") << 2.5e-5 << "2.5e-05";
        QTest::newRow("3") << 3e-4 << "3.0e-04";
        QTest::newRow("4") << 0.2 << "0.2";
        QTest::newRow("5") << 3.0 << "3.0";
        QTest::newRow("6") << 0.0 << "0.0";
        QTest::newRow("7") << -1.5 << "-1.5";
        QTest::newRow("8") << 1e300 << "1.0e+300";
        QTest::newRow("9") << 0.1 + 0.2 << "0.30000000000000004";
        QTest::newRow("10") << 5e-324 << "5.0e-324";
    }
    void reals_areFloatsForEveryReader()
    {
        QFETCH(double, value);
        QFETCH(QString, yaml);
        QCOMPARE(QString::fromStdString(zen::toYaml(value)), yaml);
    }

    void goodValues_areRead_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("yaml");
        QTest::addColumn<QString>("canonical");
        const auto row = [](const char* key, const char* yaml, const char* canonical) {
            QTest::addRow("%s: %s", key, yaml) << key << yaml << canonical;
        };
        row("learning_rate", "1e-5", "1.0e-05");
        row("learning_rate", "0.001", "0.001");
        row("learning_rate", "5E-6", "5.0e-06");
        row("learning_rate", ".5", "0.5");
        row("num_train_epochs", "3", "3.0");
        row("max_steps", "-1", "-1");
        row("seed", "+7", "7");
        row("bf16", "yes", "true");
        row("bf16", "Off", "false");
        row("quantization", "4bit", "4bit");
        row("quantization", "'4bit'", "4bit");
        row("quantization", "nf4", "4bit");
        row("quantization", "null", "\"none\"");
        row("dtype", "bf16", "bfloat16");
        row("eval_strategy", "no", "\"no\"");
        row("eval_strategy", "false", "\"no\"");
        row("scale_rewards", "true", "group");
        row("scale_rewards", "false", "\"none\"");
        row("lora_target", "all", "all");
        row("lora_target", "q_proj,v_proj", "[q_proj, v_proj]");
        row("lora_target", "q_proj, v_proj", "[q_proj, v_proj]");
        row("lora_target", "[q_proj, v_proj]", "[q_proj, v_proj]");
        row("lora_target", "- q_proj\n- v_proj", "[q_proj, v_proj]");
        row("report_to", "tensorboard", "tensorboard");
        row("report_to", "['tensorboard', wandb]", "[tensorboard, wandb]");
        row("dataset", "null", "[]");
        row("resume_from_checkpoint", "null", "\"\"");
        row("lora_alpha", "null", "");
        row("rewards", "[think_format]", "  - {type: think_format, weight: 1.0}");
        row("rewards", "- type: exact\n  weight: 0.5", "  - {type: exact, weight: 0.5}");
    }
    void goodValues_areRead()
    {
        QFETCH(QString, key);
        QFETCH(QString, yaml);
        QFETCH(QString, canonical);
        const auto value = zen::parseValue(field(key.toStdString()), yaml.toStdString());
        QVERIFY2(value, value ? "" : value.error().message.c_str());
        QCOMPARE(QString::fromStdString(zen::toYaml(*value)), canonical);
    }

    void badValues_sayWhatIsAllowed_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("yaml");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* key, const char* yaml, const char* says) {
            QTest::addRow("%s: %s", key, yaml) << key << yaml << says;
        };
        row("lora_rank", "0", "1 to 1024");
        row("lora_rank", "2000", "1 to 1024");
        row("lora_rank", "eight", "not a whole number");
        row("lora_rank", "8.0", "write 8");
        row("lora_rank", "8.5", "not a whole number");
        row("lora_rank", "1e3", "write 1000");
        row("lora_rank", "017", "leading zero");
        row("lora_rank", "0x10", "not a whole number");
        row("lora_rank", "1_0", "underscores");
        row("lora_rank", "\"8\"", "leave out the quotes");
        row("lora_rank", "99999999999999999999", "too large");
        row("lora_rank", "[8]", "a list");
        row("lora_rank", "{a: 8}", "a mapping");
        row("lora_rank", "null", "missing");
        row("lora_rank", "true", "not a whole number");
        row("learning_rate", ".nan", "not a finite number");
        row("learning_rate", "nan", "not a finite number");
        row("learning_rate", "-.inf", "not a finite number");
        row("learning_rate", "1e999", "too large");
        row("learning_rate", "0", "more than 0.0");
        row("learning_rate", "2", "at most 1.0");
        row("learning_rate", "1,5", "not a number");
        row("learning_rate", "1e", "not a number");
        row("learning_rate", "'1e-5'", "leave out the quotes");
        row("top_p", "1.1", "at most 1.0");
        row("bf16", "maybe", "neither true nor false");
        row("bf16", "1", "neither true nor false");
        row("bf16", "'true'", "leave out the quotes");
        row("stage", "ppo", "gspo, grpo or sft");
        row("quantization", "8", "none or 4bit");
        row("run_name", "[a]", "a list");
        row("lora_target", "{a: b}", "a mapping");
        row("lora_target", "[[a]]", "a list in a list");
        row("rewards", "number_equal", "a list of rewards");
        row("rewards", "[{weight: 1}]", "needs a type");
        row("rewards", "[{type: exact, weight: .nan}]", "not a finite number");
        row("rewards", "[{type: exact, weight: '1'}]", "leave out the quotes");
        row("rewards", "[{type: [exact]}]", "one value");
        row("rewards", "[{type: exact, field: {a: b}}]", "a mapping");
        row("rewards", "[[exact]]", "a mapping");
    }
    void badValues_sayWhatIsAllowed()
    {
        QFETCH(QString, key);
        QFETCH(QString, yaml);
        QFETCH(QString, says);
        const auto value = zen::parseValue(field(key.toStdString()), yaml.toStdString());
        QVERIFY(!value);
        QVERIFY2(value.error().message.find(says.toStdString()) != std::string::npos,
            value.error().message.c_str());
    }

    void reference_isUpToDate()
    {
        QFile file(QStringLiteral(ZEN_SOURCE_DIR "/configs/REFERENCE.md"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const std::string text = zen::schemaAsMarkdown();
        if (file.readAll().toStdString() != text) {
            QFile fresh(QStringLiteral(ZEN_BINARY_DIR "/REFERENCE.md"));
            QVERIFY(fresh.open(QIODevice::WriteOnly));
            fresh.write(text.data(), static_cast<qint64>(text.size()));
            QFAIL(
                qPrintable("configs/REFERENCE.md is stale: copy " + fresh.fileName() + " over it"));
        }
    }
};

QTEST_GUILESS_MAIN(TestSchema)
#include "tst_schema.moc"
