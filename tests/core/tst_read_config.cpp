#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/config/validate.h"

#include <QTest>

#include <algorithm>
#include <random>

using zen::Severity;
using zen::YamlDocument;

namespace {

constexpr const char* kGood = "dataset: gsm8k\nval_size: 0.1\nrewards: [number_equal]\n";

zen::ReadConfig read(const std::string& text)
{
    return zen::readConfig(YamlDocument::fromText(text));
}

const zen::Diagnostic* find(const zen::Diagnostics& findings, const std::string& key, int line)
{
    for (const zen::Diagnostic& finding : findings)
        if (finding.key == key && finding.line == line)
            return &finding;
    return nullptr;
}

std::string allText(const zen::Diagnostics& findings)
{
    std::string text;
    for (const zen::Diagnostic& finding : findings)
        text += zen::toText(finding) + "\n";
    return text;
}

zen::Overrides parse(std::vector<std::string> arguments)
{
    return zen::parseOverrides(arguments);
}

} // namespace

class TestReadConfig : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void emptyFile_givesDefaultsAndSaysWhatIsMissing()
    {
        const zen::ReadConfig result = read("");
        QCOMPARE(result.config, zen::TrainingConfig{});
        QVERIFY(find(result.diagnostics, "dataset", 0));
        QVERIFY(find(result.diagnostics, "rewards", 0));
    }

    void values_landInTheirSections()
    {
        const zen::ReadConfig result
            = read("stage: grpo\nlora_rank: 64\nlearning_rate: 2e-5\n"
                   "lora_target: q_proj,v_proj\nbf16: true\nquantization: 4bit\n"
                   "dataset: [a.jsonl, b]\nrewards:\n  - {type: number_equal, name: acc, "
                   "field: answer, extract: ['####', last_number], weight: 2}\n"
                   "  - type: overlong\n    max: 1024\n    cache: 256\n");
        QVERIFY2(!zen::hasErrors(result.diagnostics), allText(result.diagnostics).c_str());
        const zen::TrainingConfig& config = result.config;
        QCOMPARE(config.algorithm.stage, zen::Stage::grpo);
        QCOMPARE(config.adapter.lora_rank, std::int64_t{ 64 });
        QCOMPARE(config.optimizer.learning_rate, 2e-5);
        QCOMPARE(config.adapter.lora_target, (std::vector<std::string>{ "q_proj", "v_proj" }));
        QVERIFY(config.memory.bf16);
        QCOMPARE(config.memory.quantization, zen::Quantization::nf4);
        QCOMPARE(config.data.dataset, (std::vector<std::string>{ "a.jsonl", "b" }));
        QCOMPARE(config.algorithm.rewards.size(), std::size_t{ 2 });
        const zen::RewardTermSpec& first = config.algorithm.rewards[0];
        QCOMPARE(first.name, std::string("acc"));
        QCOMPARE(first.weight, 2.0);
        QCOMPARE(first.line, 9);
        QCOMPARE(
            first.parameters.at("extract"), (std::vector<std::string>{ "####", "last_number" }));
        QCOMPARE(config.algorithm.rewards[1].name, std::string("overlong"));
        QCOMPARE(config.algorithm.rewards[1].line, 10);
        QCOMPARE(
            config.algorithm.rewards[1].parameters.at("max"), std::vector<std::string>{ "1024" });
    }

    void allErrors_areReportedAtOnce()
    {
        const zen::ReadConfig result = read(
            "lora_rnk: 4\nlearning_rate: .nan\nstage: ppo\ncutoff_len: 8\nbf16: perhaps\ntop_p: "
            "1.5\n"
            "dataset: {a: b}\nrewards:\n  - {type: nmber_equal}\n  - {type: exact, feild: x}\n"
            "lora_target: [q_prj]\n");
        const zen::Diagnostics& all = result.diagnostics;
        const zen::Diagnostic* unknown = find(all, "lora_rnk", 1);
        QVERIFY2(unknown && unknown->message.find("`lora_rank`") != std::string::npos,
            allText(all).c_str());
        QVERIFY(unknown->fix);
        QCOMPARE(unknown->fix->edits.back(), (zen::Edit{ "lora_rank", "4" }));
        QVERIFY(find(all, "learning_rate", 2));
        QVERIFY(find(all, "stage", 3));
        QVERIFY(find(all, "cutoff_len", 4));
        QVERIFY(find(all, "bf16", 5));
        QVERIFY(find(all, "top_p", 6));
        QVERIFY(find(all, "dataset", 7));
        QVERIFY2(find(all, "rewards", 9)->message.find("number_equal") != std::string::npos,
            allText(all).c_str());
        QVERIFY2(find(all, "rewards", 10)->message.find("field") != std::string::npos,
            allText(all).c_str());
        const zen::Diagnostic* target = find(all, "lora_target", 11);
        QVERIFY(target && target->fix && target->fix->edits.front().value == "q_proj");
        QCOMPARE(std::count_if(all.begin(), all.end(),
                     [](const zen::Diagnostic& each) { return each.severity == Severity::error; }),
            std::ptrdiff_t{ 10 });
    }

    void everyBrokenReward_isReported()
    {
        const zen::ReadConfig result
            = read("dataset: a\nrewards:\n  - {weight: 1}\n  - {type: exact, weight: x}\n"
                   "  - {type: exact}\n  - {type: [a]}\n");
        for (int line : { 3, 4, 6 })
            QVERIFY2(
                find(result.diagnostics, "rewards", line), allText(result.diagnostics).c_str());
        QCOMPARE(std::count_if(result.diagnostics.begin(), result.diagnostics.end(),
                     [](const zen::Diagnostic& each) { return each.severity == Severity::error; }),
            std::ptrdiff_t{ 3 });
    }

    void brokenSyntax_givesTheFindingAlone()
    {
        const zen::ReadConfig result = read("lora_rank: [4\nstage: gspo\n");
        QCOMPARE(result.diagnostics.size(), std::size_t{ 1 });
        QVERIFY(result.diagnostics.front().line > 0);
    }

    void aliases_areTranslated()
    {
        const zen::ReadConfig result = read(std::string(kGood)
            + "gspo_group_size: 16\ngspo_beta: 0.04\ngspo_clip_epsilon: 0.0003\n"
              "gspo_sequence_level: false\ngspo_normalize_rewards: false\nmax_new_tokens: 300\n"
              "quantization_bit: 4\ndouble_quantization: true\ntorch_dtype: bf16\n"
              "importance_sampling_level: token\n");
        const zen::TrainingConfig& config = result.config;
        QCOMPARE(config.batch.num_generations, std::int64_t{ 16 });
        QCOMPARE(config.algorithm.beta, 0.04);
        QCOMPARE(*config.algorithm.epsilon, 0.0003);
        QCOMPARE(*config.algorithm.importance_sampling_level, zen::ImportanceLevel::token);
        QCOMPARE(config.algorithm.scale_rewards, zen::ScaleRewards::none);
        QCOMPARE(*config.batch.max_completion_length, std::int64_t{ 300 });
        QCOMPARE(config.memory.quantization, zen::Quantization::nf4);
        QVERIFY(config.memory.bnb_4bit_use_double_quant);
        QCOMPARE(config.memory.dtype, zen::WeightType::bfloat16);
    }

    void fieldGivenTwice_isWarningOrError()
    {
        const zen::ReadConfig same = read(std::string(kGood) + "beta: 0.1\ngspo_beta: 0.1\n");
        QCOMPARE(find(same.diagnostics, "gspo_beta", 5)->severity, Severity::warning);
        const zen::ReadConfig differs = read(std::string(kGood) + "beta: 0.1\ngspo_beta: 0.2\n");
        QCOMPARE(find(differs.diagnostics, "gspo_beta", 5)->severity, Severity::error);
        QCOMPARE(differs.config.algorithm.beta, 0.1);
    }

    void keysWithoutEffect_areWarnings()
    {
        const zen::ReadConfig result = read(std::string(kGood)
            + "do_train: true\noverwrite_cache: true\nplot_loss: true\nddp_timeout: "
              "9\nuse_ref_model: true\n");
        QVERIFY(!zen::hasErrors(result.diagnostics));
        for (int line = 4; line <= 8; ++line)
            QVERIFY(std::any_of(result.diagnostics.begin(), result.diagnostics.end(),
                [&](const zen::Diagnostic& each) {
                    return each.line == line && each.severity == Severity::warning
                        && each.message.find("no effect here: ") != std::string::npos;
                }));
    }

    void ruleOnDefault_hasNoLine_ruleOnGivenKey_hasItsLine()
    {
        const zen::ReadConfig result = read(std::string(kGood) + "# note\nnum_generations: 7\n");
        const zen::Diagnostic* finding = find(result.diagnostics, "num_generations", 5);
        QVERIFY2(finding, allText(result.diagnostics).c_str());
        QVERIFY(finding->fix);
    }

    void everyFix_removesItsFinding()
    {
        const std::string text
            = "dataset: a\neval_strategy: steps\nnum_generations: 7\nepsilon: 0.25\n"
              "loss_type: dapo\ntop_p: 0.9\ntop_k: 50\nquantization: 4bit\n"
              "finetuning_type: full\nlora_rnk: 9\ndo_train: true\nmax_steps: 0\n"
              "cutoff_len: 64\nmax_new_tokens: 64\nwarmup_steps: 3\nwarmup_ratio: 0.1\n"
              "bf16: true\ndtype: float32\nlora_target: [q_proj, v_prj]\ndelta: 1.1\n"
              "steps_per_generation: 3\ngradient_accumulation_steps: 2\ntemplate: qwen\n";
        YamlDocument document = YamlDocument::fromText(text);
        int fixed = 0;
        for (int round = 0; round < 60; ++round) {
            const zen::Diagnostics findings = zen::readConfig(document).diagnostics;
            const auto next = std::find_if(findings.begin(), findings.end(),
                [](const zen::Diagnostic& each) { return each.fix.has_value(); });
            if (next == findings.end())
                break;
            ++fixed;
            for (const zen::Edit& edit : next->fix->edits)
                QVERIFY2(zen::setField(document, edit), edit.key.c_str());
            const zen::Diagnostics after = zen::readConfig(document).diagnostics;
            QVERIFY2(std::none_of(after.begin(), after.end(),
                         [&](const zen::Diagnostic& each) {
                             return each.key == next->key && each.message == next->message;
                         }),
                zen::toText(*next).c_str());
        }
        QVERIFY(fixed >= 15);
        const zen::Diagnostics last = zen::readConfig(document).diagnostics;
        QVERIFY2(!zen::hasErrors(last), (document.text() + allText(last)).c_str());
    }

    void setField_usesTheSpellingOfTheFile()
    {
        YamlDocument document = YamlDocument::fromText(
            "gspo_group_size: 8 # group\nquantization_bit: 4 # bits\nbf16: true\nseed: 1\n");
        QVERIFY(zen::setField(document, { "num_generations", "16" }));
        QVERIFY(zen::setField(document, { "quantization", "\"none\"" }));
        QVERIFY(zen::setField(document, { "dtype", "float32" }));
        QVERIFY(zen::setField(document, { "lora_rank", "4" }));
        QCOMPARE(document.text(),
            std::string("gspo_group_size: 16 # group\nquantization: \"none\"\n"
                        "bf16: false\ndtype: float32\nseed: 1\nlora_rank: 4\n"));
        QVERIFY(zen::setField(document, { "bf16", "true" }));
        QVERIFY(document.text().find("bf16: true\ndtype: bfloat16\n") != std::string::npos);
        QVERIFY(zen::setField(document, { "num_generations", {} }));
        QVERIFY(document.text().find("group") == std::string::npos);
    }

    void overrides_acceptEverySpelling_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("value");
        QTest::newRow("two words") << QStringList{ "--lora_rank", "8" } << "lora_rank"
                                   << "8";
        QTest::newRow("equals") << QStringList{ "--lora_rank=8" } << "lora_rank"
                                << "8";
        QTest::newRow("no dashes") << QStringList{ "lora_rank=8" } << "lora_rank"
                                   << "8";
        QTest::newRow("kebab") << QStringList{ "--lora-rank", "8" } << "lora_rank"
                               << "8";
        QTest::newRow("kebab equals") << QStringList{ "learning-rate=1e-6" } << "learning_rate"
                                      << "1.0e-06";
        QTest::newRow("flag") << QStringList{ "--bf16" } << "bf16"
                              << "true";
        QTest::newRow("flag off") << QStringList{ "--bf16", "false" } << "bf16"
                                  << "false";
        QTest::newRow("negative") << QStringList{ "--max_steps", "-1" } << "max_steps"
                                  << "-1";
        QTest::newRow("alias") << QStringList{ "--quantization_bit", "4" } << "quantization"
                               << "4bit";
        QTest::newRow("alias flag")
            << QStringList{ "--gspo_sequence_level" } << "importance_sampling_level"
            << "sequence";
        QTest::newRow("text") << QStringList{ "--system_prompt", "a: b # c" } << "system_prompt"
                              << "\"a: b # c\"";
        QTest::newRow("equals inside") << QStringList{ "--run_name=a=b" } << "run_name"
                                       << "a=b";
        QTest::newRow("empty") << QStringList{ "--run_name=" } << "run_name"
                               << "\"\"";
        QTest::newRow("list") << QStringList{ "--lora_target", "q_proj,v_proj" } << "lora_target"
                              << "[q_proj, v_proj]";
        QTest::newRow("yaml list") << QStringList{ "lora_target=[q_proj]" } << "lora_target"
                                   << "q_proj";
        QTest::newRow("word that is no")
            << QStringList{ "--eval_strategy", "no" } << "eval_strategy"
            << "\"no\"";
        QTest::newRow("number as text") << QStringList{ "--run_name", "007" } << "run_name"
                                        << "\"007\"";
    }
    void overrides_acceptEverySpelling()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, key);
        QFETCH(QString, value);
        std::vector<std::string> words;
        for (const QString& word : arguments)
            words.push_back(word.toStdString());
        const zen::Overrides overrides = zen::parseOverrides(words);
        QVERIFY2(overrides.diagnostics.empty(), allText(overrides.diagnostics).c_str());
        QCOMPARE(overrides.edits.size(), std::size_t{ 1 });
        QCOMPARE(overrides.edits.front(), (zen::Edit{ key.toStdString(), value.toStdString() }));
    }

    void overrides_optionalCanBeCleared()
    {
        const zen::Overrides overrides = parse({ "--lora_alpha", "null" });
        QCOMPARE(overrides.edits.front(), (zen::Edit{ "lora_alpha", {} }));
    }

    void badOverrides_nameTheArgument()
    {
        const zen::Overrides overrides = parse({ "--lora_rnk", "8", "--lora_rank", "many", "--seed",
            "--bf16", "stray", "--learning_rate=.nan", "--do_train", "true", "-x", "--" });
        const std::string text = allText(overrides.diagnostics);
        for (const char* part :
            { "did you mean --lora_rank", "--lora_rank many", "--seed needs a value", "`stray`",
                "--learning_rate=.nan", "--do_train is accepted", "`-x`", "`--`" })
            QVERIFY2(
                text.find(part) != std::string::npos, (std::string(part) + "\n" + text).c_str());
        QCOMPARE(overrides.edits, (std::vector<zen::Edit>{ { "bf16", "true" } }));
    }

    void overrides_areWrittenIntoTheDocument()
    {
        YamlDocument document = YamlDocument::fromText(
            std::string("# mine\n") + kGood + "per_device_train_batch_size: 8  # rows\n");
        const zen::ReadConfig result = zen::readConfig(document,
            parse({ "--per_device_train_batch_size", "2", "gradient_accumulation_steps=2",
                "--per_device_train_batch_size=4" }));
        QVERIFY2(!zen::hasErrors(result.diagnostics), allText(result.diagnostics).c_str());
        QCOMPARE(result.config.batch.per_device_train_batch_size, std::int64_t{ 4 });
        QCOMPARE(document.text(),
            std::string("# mine\n") + kGood
                + "per_device_train_batch_size: 4  # rows\ngradient_accumulation_steps: 2\n");
        QCOMPARE(zen::readConfig(document).config, result.config);
    }

    void writtenConfig_readsBackEqual()
    {
        std::mt19937 random(11);
        const std::vector<std::string> texts = { "plain", "a: b", "no", "1e3", "", "é # x", "it's",
            "tab\there", "two\nlines", "'", "\\d+" };
        for (int round = 0; round < 200; ++round) {
            zen::TrainingConfig config;
            for (const zen::Field& row : zen::schema()) {
                if (random() % 3 != 0)
                    continue;
                switch (row.type) {
                case zen::FieldType::boolean:
                    row.set(config, random() % 2 == 0);
                    break;
                case zen::FieldType::integer:
                    row.set(config,
                        static_cast<std::int64_t>(row.minimum) + 1
                            + static_cast<std::int64_t>(random() % 15));
                    break;
                case zen::FieldType::real:
                    row.set(config,
                        row.minimum
                            + (std::min(row.maximum, row.minimum + 2) - row.minimum)
                                * (0.001 + 0.998 * random() / 4294967295.0));
                    break;
                case zen::FieldType::text:
                case zen::FieldType::path:
                    row.set(config, texts[random() % texts.size()]);
                    break;
                case zen::FieldType::choice:
                    row.set(config, std::string(row.choices[random() % row.choices.size()]));
                    break;
                case zen::FieldType::text_list:
                    row.set(config,
                        std::vector<std::string>(random() % 4, texts[random() % texts.size()]));
                    break;
                case zen::FieldType::rewards:
                    row.set(config,
                        std::vector<zen::RewardTermSpec>(random() % 3,
                            { texts[random() % 3], "regex", 0.5,
                                { { "pattern", { texts[random() % texts.size()] } },
                                    { "flags", { "a", texts[random() % texts.size()] } } },
                                0 }));
                    break;
                }
            }
            for (const bool all_fields : { false, true }) {
                const std::string text = zen::writeConfig(config, all_fields);
                const YamlDocument document = YamlDocument::fromText(text);
                QVERIFY2(document.check().empty(), (text + allText(document.check())).c_str());
                const zen::ReadConfig result = zen::readConfig(document);
                if (!(result.config == config))
                    QFAIL((text + "---\n" + zen::writeConfig(result.config, all_fields)
                        + allText(result.diagnostics))
                              .c_str());
            }
        }
    }

    void writtenConfig_isGrouped()
    {
        zen::TrainingConfig config;
        config.adapter.lora_rank = 4;
        config.optimizer.learning_rate = 3e-5;
        QCOMPARE(zen::writeConfig(config),
            std::string(
                "### Model\nmodel_name_or_path: zen/starter\n\n### Adapter\nlora_rank: 4\n\n"
                "### Algorithm\nstage: gspo\n\n### Optimiser\nlearning_rate: 3.0e-05\n\n"
                "### Evaluation and saving\noutput_dir: runs/latest\n"));
    }

    void resolve_fillsByStageAndLevel()
    {
        zen::TrainingConfig config;
        config.batch.gradient_accumulation_steps = 2;
        config.adapter.lora_rank = 12;
        const zen::TrainingConfig gspo = zen::resolve(config);
        QCOMPARE(*gspo.adapter.lora_alpha, std::int64_t{ 24 });
        QCOMPARE(*gspo.algorithm.importance_sampling_level, zen::ImportanceLevel::sequence);
        QCOMPARE(*gspo.algorithm.epsilon, 3e-4);
        QCOMPARE(*gspo.algorithm.epsilon_high, 4e-4);
        QCOMPARE(*gspo.algorithm.loss_type, zen::LossType::grpo);
        QCOMPARE(*gspo.batch.steps_per_generation, std::int64_t{ 8 });
        QCOMPARE(*gspo.batch.max_completion_length, std::int64_t{ 1024 });
        QVERIFY(!gspo.algorithm.delta);
        QCOMPARE(zen::resolve(gspo), gspo);
        QCOMPARE(zen::generationBatchSize(config), std::int64_t{ 64 });
        QCOMPARE(zen::generationBatchSize(gspo), std::int64_t{ 64 });
        QCOMPARE(zen::completionsPerStep(config), std::int64_t{ 16 });

        config.algorithm.stage = zen::Stage::grpo;
        const zen::TrainingConfig grpo = zen::resolve(config);
        QCOMPARE(*grpo.algorithm.importance_sampling_level, zen::ImportanceLevel::token);
        QCOMPARE(*grpo.algorithm.epsilon, 0.2);
        QCOMPARE(*grpo.algorithm.epsilon_high, 0.28);
        QCOMPARE(*grpo.batch.steps_per_generation, std::int64_t{ 2 });

        config.algorithm.epsilon = 0.1;
        config.batch.steps_per_generation = 6;
        config.memory.bf16 = true;
        config.memory.load_in_4bit = true;
        const zen::TrainingConfig given = zen::resolve(config);
        QCOMPARE(*given.algorithm.epsilon, 0.1);
        QCOMPARE(*given.algorithm.epsilon_high, 0.1);
        QCOMPARE(*given.batch.steps_per_generation, std::int64_t{ 6 });
        QCOMPARE(given.memory.dtype, zen::WeightType::bfloat16);
        QCOMPARE(given.memory.quantization, zen::Quantization::nf4);
        QCOMPARE(zen::resolve(given), given);
    }

    void mutatedConfig_neverCrashes()
    {
        const std::string base = std::string(kGood)
            + "stage: gspo\nlora_rank: 4\nlora_target: [q_proj, v_proj]\nlearning_rate: 1.0e-05\n"
              "quantization_bit: 4\nnum_generations: 8\nrewards2:\n  - {type: regex, pattern: 'a', "
              "flags: [dotall]}\n";
        std::mt19937 random(3);
        const std::string alphabet = "ab:-#[]{}\"' \n\t|>&*!0123456789.e+_";
        for (int round = 0; round < 3000; ++round) {
            std::string text = base;
            for (unsigned n = 1 + random() % 8; n-- > 0;) {
                const std::size_t at = random() % text.size();
                if (random() % 2)
                    text.insert(at, 1, alphabet[random() % alphabet.size()]);
                else
                    text.erase(at, 1 + random() % 4);
            }
            const zen::ReadConfig result = read(text);
            if (!zen::hasErrors(result.diagnostics)) {
                const std::string written = zen::writeConfig(result.config);
                QVERIFY2(read(written).config == result.config, written.c_str());
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestReadConfig)
#include "tst_read_config.moc"
