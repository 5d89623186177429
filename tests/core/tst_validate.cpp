#include "core/config/validate.h"

#include <QTest>

#include <algorithm>
#include <functional>

using zen::Severity;
using zen::TrainingConfig;

namespace {

/// A run that nothing is to be said about.
TrainingConfig sound()
{
    TrainingConfig config;
    config.data.dataset = { "gsm8k" };
    config.data.val_size = 0.05;
    config.algorithm.rewards = { { "number_equal", "number_equal", 1.0, {}, 3 } };
    return config;
}

struct Case {
    const char* name;
    std::function<void(TrainingConfig&)> change;
    Severity severity;
    const char* key;
    const char* says;
    const char* fix; ///< the value of the first edit; nullptr: none
};

const std::vector<Case>& cases()
{
    static const std::vector<Case> list = {
        { "no dataset", [](auto& c) { c.data.dataset.clear(); }, Severity::error, "dataset",
            "missing", nullptr },
        { "placeholder", [](auto& c) { c.data.dataset = { "your_domain_data" }; },
            Severity::warning, "dataset", "placeholder", nullptr },
        { "half rows", [](auto& c) { c.data.val_size = 2.5; }, Severity::error, "val_size",
            "whole number", "2.0" },
        { "foreign reporter", [](auto& c) { c.run.report_to = { "wandb" }; }, Severity::warning,
            "report_to", "kept for export", "\"none\"" },
        { "misspelt reporter",
            [](auto& c) {
                c.run.report_to = { "csv", "tensorbord" };
            },
            Severity::warning, "report_to", "`tensorbord`", "[csv, tensorboard]" },
        { "no rewards", [](auto& c) { c.algorithm.rewards.clear(); }, Severity::error, "rewards",
            "missing",
            "  - {type: number_equal, weight: 1.0}\n  - {type: think_format, weight: 0.1}" },
        { "unknown reward", [](auto& c) { c.algorithm.rewards[0].type = "exakt"; }, Severity::error,
            "rewards", "`exact`", nullptr },
        { "unknown parameter", [](auto& c) { c.algorithm.rewards[0].parameters["fild"] = { "x" }; },
            Severity::error, "rewards", "`field`", nullptr },
        { "one name twice", [](auto& c) { c.algorithm.rewards.push_back(c.algorithm.rewards[0]); },
            Severity::error, "rewards", "name", nullptr },
        { "zero weights", [](auto& c) { c.algorithm.rewards[0].weight = 0; }, Severity::error,
            "rewards", "every weight is 0", nullptr },
        { "group of one", [](auto& c) { c.batch.num_generations = 1; }, Severity::error,
            "num_generations", "at least 2", "8" },
        { "group does not divide", [](auto& c) { c.batch.num_generations = 12; }, Severity::error,
            "num_generations", "generation batch of 32", "8" },
        { "generation too small",
            [](auto& c) {
                c.algorithm.stage = zen::Stage::grpo;
                c.batch.per_device_train_batch_size = 1;
            },
            Severity::error, "num_generations", "generation batch of 1 ", "8" },
        { "generation not used up",
            [](auto& c) {
                c.batch.gradient_accumulation_steps = 4;
                c.batch.steps_per_generation = 6;
            },
            Severity::error, "steps_per_generation", "whole steps of 4", "8" },
        { "no room for prompt", [](auto& c) { c.batch.max_completion_length = 2048; },
            Severity::error, "max_completion_length", "no room", "1024" },
        { "range upside down",
            [](auto& c) {
                c.algorithm.epsilon = 3e-4;
                c.algorithm.epsilon_high = 1e-4;
            },
            Severity::error, "epsilon_high", "below epsilon", "3.0e-04" },
        { "delta too low",
            [](auto& c) {
                c.algorithm.stage = zen::Stage::grpo;
                c.algorithm.delta = 1.28;
            },
            Severity::error, "delta", "1.28", nullptr },
        { "full in 4 bits",
            [](auto& c) {
                c.adapter.finetuning_type = zen::FinetuningType::full;
                c.memory.load_in_4bit = true;
            },
            Severity::error, "finetuning_type", "4-bit", "lora" },
        { "full with adapter",
            [](auto& c) {
                c.adapter.finetuning_type = zen::FinetuningType::full;
                c.model.adapter_name_or_path = "x";
            },
            Severity::error, "adapter_name_or_path", "lora", "lora" },
        { "two types",
            [](auto& c) {
                c.memory.bf16 = true;
                c.memory.dtype = zen::WeightType::float32;
            },
            Severity::error, "bf16", "float32", nullptr },
        { "unknown target",
            [](auto& c) {
                c.adapter.lora_target = { "q_proj", "k_prj" };
            },
            Severity::error, "lora_target", "k_prj", "[q_proj, k_proj]" },
        { "no target", [](auto& c) { c.adapter.lora_target.clear(); }, Severity::error,
            "lora_target", "empty", "all" },
        { "no steps", [](auto& c) { c.optimizer.max_steps = 0; }, Severity::error, "max_steps",
            "nothing", "-1" },
        { "token mean", [](auto& c) { c.algorithm.loss_type = zen::LossType::dapo; },
            Severity::warning, "loss_type", "length", "grpo" },
        { "token range on sequences", [](auto& c) { c.algorithm.epsilon = 0.2; }, Severity::warning,
            "epsilon", "never acts", "3.0e-04" },
        { "sequence range on tokens",
            [](auto& c) {
                c.algorithm.stage = zen::Stage::grpo;
                c.algorithm.epsilon = 3e-4;
            },
            Severity::warning, "epsilon", "cuts off", "0.2" },
        { "nothing held out",
            [](auto& c) {
                c.data.val_size = 0;
                c.run.eval_strategy = zen::EvalStrategy::steps;
            },
            Severity::warning, "eval_strategy", "held out", "0.05" },
        { "held out twice", [](auto& c) { c.data.eval_dataset = { "x" }; }, Severity::warning,
            "val_size", "eval_dataset", nullptr },
        { "two warm-ups",
            [](auto& c) {
                c.optimizer.warmup_steps = 5;
                c.optimizer.warmup_ratio = 0.1;
            },
            Severity::warning, "warmup_ratio", "warmup_steps", nullptr },
        { "other template", [](auto& c) { c.model.template_name = "llama3"; }, Severity::warning,
            "template", "qwen3", "qwen3" },
        { "very high rate", [](auto& c) { c.optimizer.learning_rate = 0.1; }, Severity::warning,
            "learning_rate", "collapse", "1.0e-05" },
        { "reference of all weights",
            [](auto& c) {
                c.algorithm.beta = 0.1;
                c.adapter.finetuning_type = zen::FinetuningType::full;
            },
            Severity::warning, "beta", "second copy", "0.0" },
        { "top p", [](auto& c) { c.sampling.top_p = 0.9; }, Severity::advice, "top_p",
            "RL learns best from the full distribution (1.0)", "1.0" },
        { "top k", [](auto& c) { c.sampling.top_k = 20; }, Severity::advice, "top_k",
            "full distribution", "0" },
        { "min p", [](auto& c) { c.sampling.min_p = 0.1; }, Severity::advice, "min_p",
            "full distribution", "0.0" },
        { "cold", [](auto& c) { c.sampling.temperature = 0.1; }, Severity::advice, "temperature",
            "compare", "1.0" },
        { "small model with GRPO",
            [](auto& c) {
                c.model.model_name_or_path = "Qwen/Qwen3-0.6B";
                c.algorithm.stage = zen::Stage::grpo;
            },
            Severity::advice, "stage", "small models", "gspo" },
        { "mixture with GRPO",
            [](auto& c) {
                c.model.model_name_or_path = "Qwen/Qwen3-30B-A3B";
                c.algorithm.stage = zen::Stage::grpo;
            },
            Severity::advice, "stage", "mixtures", "gspo" },
        { "mid-size with GSPO", [](auto& c) { c.model.model_name_or_path = "Qwen/Qwen3-8B"; },
            Severity::advice, "stage", "mid-size", "grpo" },
        { "large model", [](auto& c) { c.model.model_name_or_path = "Qwen/Qwen3-32B"; },
            Severity::advice, "model_name_or_path", "start small", nullptr },
        { "GSPO on-policy", [](auto& c) { c.batch.steps_per_generation = 1; }, Severity::advice,
            "steps_per_generation", "on-policy", "4" },
        { "big micro-batch",
            [](auto& c) {
                c.model.model_name_or_path = "Qwen/Qwen3-4B";
                c.data.cutoff_len = 8192;
            },
            Severity::advice, "per_device_train_batch_size", "memory", "4" },
        { "full of a large model",
            [](auto& c) {
                c.model.model_name_or_path = "Qwen/Qwen3-4B";
                c.adapter.finetuning_type = zen::FinetuningType::full;
            },
            Severity::advice, "finetuning_type", "LoRA", "lora" },
        { "nothing held out, no evaluation", [](auto& c) { c.data.val_size = 0; }, Severity::advice,
            "val_size", "hold out", "0.05" },
        { "tiny group", [](auto& c) { c.batch.num_generations = 2; }, Severity::advice,
            "num_generations", "noisy", nullptr },
        { "deepspeed", [](auto& c) { c.run.deepspeed = "x.json"; }, Severity::advice, "deepspeed",
            "export", nullptr },
    };
    return list;
}

} // namespace

class TestValidate : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void soundRun_hasNoFinding()
    {
        const zen::Diagnostics findings = zen::validate(sound());
        QVERIFY2(findings.empty(), findings.empty() ? "" : zen::toText(findings.front()).c_str());
        TrainingConfig sft = sound();
        sft.algorithm.stage = zen::Stage::sft;
        sft.algorithm.rewards.clear();
        sft.batch.num_generations = 7;
        sft.sampling.top_p = 0.9;
        QVERIFY(zen::validate(sft).empty());
    }

    void eachRule_saysWhatToChange_data()
    {
        QTest::addColumn<int>("index");
        for (std::size_t i = 0; i < cases().size(); ++i)
            QTest::newRow(cases()[i].name) << static_cast<int>(i);
    }
    void eachRule_saysWhatToChange()
    {
        QFETCH(int, index);
        const Case& one = cases()[static_cast<std::size_t>(index)];
        TrainingConfig config = sound();
        one.change(config);
        const zen::Diagnostics findings = zen::validate(config);
        std::string all;
        for (const zen::Diagnostic& finding : findings)
            all += zen::toText(finding) + "\n";
        const auto found
            = std::find_if(findings.begin(), findings.end(), [&](const zen::Diagnostic& each) {
                  return each.severity == one.severity && each.key == one.key
                      && each.message.find(one.says) != std::string::npos;
              });
        QVERIFY2(found != findings.end(), all.c_str());
        if (one.fix) {
            QVERIFY2(found->fix && !found->fix->label.empty(), all.c_str());
            QCOMPARE(found->fix->edits.front().value.value_or("(removed)"), std::string(one.fix));
        }
        if (one.severity != Severity::error)
            QVERIFY2(!zen::hasErrors(findings), all.c_str());
    }

    void rewardFindings_carryTheirLine()
    {
        TrainingConfig config = sound();
        config.algorithm.rewards[0].type = "nonsense";
        QCOMPARE(zen::validate(config).front().line, 3);
    }

    void statedSize_isReadFromTheName_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<double>("billions");
        QTest::newRow("1") << "Qwen/Qwen3-0.6B-Instruct" << 0.6;
        QTest::newRow("2") << "Qwen/Qwen3-30B-A3B" << 30.0;
        QTest::newRow("3") << "Qwen/Qwen3-72B-MoE-Instruct" << 72.0;
        QTest::newRow("4") << "zen/starter" << 0.0;
        QTest::newRow("5") << "models/qwen3-4b" << 4.0;
        QTest::newRow("6") << "/data/v3/8bit" << 0.0;
        QTest::newRow("7") << "" << 0.0;
    }
    void statedSize_isReadFromTheName()
    {
        QFETCH(QString, model);
        QFETCH(double, billions);
        QCOMPARE(zen::statedBillions(model.toStdString()), billions);
    }
};

QTEST_GUILESS_MAIN(TestValidate)
#include "tst_validate.moc"
