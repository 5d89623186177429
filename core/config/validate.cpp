#include "core/config/validate.h"

#include "core/base/nearest_word.h"
#include "core/config/reporters.h"
#include "core/config/schema.h"
#include "core/config/validate_rewards.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace zen {

namespace {

constexpr auto kTargets = std::to_array<std::string_view>(
    { "all", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" });
// Sequence ratios stay within about 1e-3 of 1, token ratios within about 0.1: a range beyond these
// belongs to the other level (training-spec 1.3).
constexpr double kWideForSequence = 0.02;
constexpr double kNarrowForToken = 0.01;

class Rules {
public:
    explicit Rules(const TrainingConfig& config)
        : m_config(resolve(config))
        , m_given(config)
        , m_is_rl(config.algorithm.stage != Stage::sft)
    {
    }

    Diagnostics check()
    {
        checkData();
        checkLengths();
        checkAdapter();
        checkMemory();
        checkOptimizer();
        checkEvaluation();
        checkReporters();
        if (m_is_rl) {
            checkGroups();
            checkClipping();
            addAll(rewardFindings(m_config.algorithm.rewards));
        }
        addAll(adviceFor(m_given));
        return std::move(m_findings);
    }

private:
    void add(Severity severity, std::string key, std::string message, std::optional<Fix> fix = {})
    {
        m_findings.push_back(
            { severity, 0, 0, std::move(key), std::move(message), std::move(fix) });
    }

    void addAll(const Diagnostics& findings)
    {
        m_findings.insert(m_findings.end(), findings.begin(), findings.end());
    }

    void error(std::string key, std::string message, std::optional<Fix> fix = {})
    {
        add(Severity::error, std::move(key), std::move(message), std::move(fix));
    }

    void warn(std::string key, std::string message, std::optional<Fix> fix = {})
    {
        add(Severity::warning, std::move(key), std::move(message), std::move(fix));
    }

    static Fix use(std::string key, const FieldValue& value)
    {
        const std::string yaml = toYaml(value);
        return { "Use " + yaml, { { std::move(key), yaml } } };
    }

    void checkData()
    {
        const DataSection& data = m_config.data;
        if (data.dataset.empty())
            error("dataset",
                "is missing: name a dataset of dataset_info.json, or the path of a .json or .jsonl "
                "file");
        for (const std::string& name : data.dataset)
            if (name == "your_domain_data")
                warn("dataset",
                    "your_domain_data is a placeholder: put the name or path of your own data "
                    "here");
        if (data.val_size >= 1 && std::floor(data.val_size) != data.val_size)
            error("val_size", "is a share below 1 or a whole number of rows",
                use("val_size", std::floor(data.val_size)));
        if (data.val_size > 0 && !data.eval_dataset.empty())
            warn("val_size", "has no effect, as eval_dataset is held out",
                Fix{ "Remove it", { { "val_size", {} } } });
        const std::string& name = m_config.model.template_name;
        if (name != "qwen3")
            warn("template",
                "`" + name + "` is not built in: conversations are written as qwen3 does",
                use("template", std::string("qwen3")));
    }

    void checkLengths()
    {
        const std::int64_t context = m_config.data.cutoff_len;
        const std::int64_t completion = *m_config.batch.max_completion_length;
        if (completion >= context)
            error(m_given.batch.max_completion_length ? "max_completion_length" : "cutoff_len",
                "a completion of " + std::to_string(completion)
                    + " tokens leaves no room for the prompt in a context of "
                    + std::to_string(context),
                use("max_completion_length", std::max<std::int64_t>(1, context / 2)));
    }

    void checkAdapter()
    {
        const AdapterSection& adapter = m_config.adapter;
        const bool is_full = adapter.finetuning_type == FinetuningType::full;
        if (is_full && m_config.memory.quantization != Quantization::none)
            error("finetuning_type", kFullNeedsWholeWeights,
                use("finetuning_type", std::string("lora")));
        if (is_full && !m_config.model.adapter_name_or_path.empty())
            error("adapter_name_or_path",
                "an adapter can only be continued with finetuning_type: lora",
                use("finetuning_type", std::string("lora")));
        if (is_full)
            return;
        if (adapter.lora_target.empty())
            error("lora_target", "is empty: name at least one projection, or all",
                use("lora_target", std::string("all")));
        for (const std::string& target : adapter.lora_target)
            if (std::find(kTargets.begin(), kTargets.end(), target) == kTargets.end())
                checkUnknownTarget(target);
        if (adapter.lora_target.size() > 1
            && std::count(adapter.lora_target.begin(), adapter.lora_target.end(), "all") > 0)
            warn("lora_target", "all already means every projection",
                use("lora_target", std::string("all")));
    }

    void checkUnknownTarget(const std::string& target)
    {
        const std::string nearest = nearestWord(target, kTargets);
        std::optional<Fix> fix;
        if (!nearest.empty()) {
            std::vector<std::string> corrected = m_config.adapter.lora_target;
            std::replace(corrected.begin(), corrected.end(), target, nearest);
            fix = use("lora_target", corrected);
        }
        error("lora_target",
            "`" + target
                + "` is no projection of Qwen3: allowed are all, q_proj, k_proj, v_proj, o_proj, "
                  "gate_proj, "
                  "up_proj and down_proj",
            fix);
    }

    void checkMemory()
    {
        const MemorySection& memory = m_given.memory;
        if (memory.bf16 && memory.dtype == WeightType::float32)
            error("bf16", "says bfloat16, while dtype says float32: keep one",
                Fix{ "Remove bf16", { { "bf16", {} } } });
        if (memory.bnb_4bit_use_double_quant && m_config.memory.quantization == Quantization::none)
            warn("bnb_4bit_use_double_quant", "has no effect without quantization: 4bit",
                use("quantization", std::string("4bit")));
    }

    void checkOptimizer()
    {
        const OptimizerSection& optimizer = m_config.optimizer;
        if (optimizer.max_steps == 0)
            error("max_steps", "0 would train nothing: -1 lets the epochs decide",
                use("max_steps", std::int64_t{ -1 }));
        if (optimizer.warmup_steps > 0 && optimizer.warmup_ratio > 0)
            warn("warmup_ratio", "has no effect, as warmup_steps is given",
                Fix{ "Remove it", { { "warmup_ratio", {} } } });
        if (optimizer.max_steps > 0 && optimizer.warmup_steps >= optimizer.max_steps)
            warn("warmup_steps", "the run ends before the warm-up does");
        const bool is_full = m_config.adapter.finetuning_type == FinetuningType::full;
        if (m_is_rl && optimizer.learning_rate > (is_full ? 1e-4 : 5e-3))
            warn("learning_rate",
                "is very high for reinforcement learning"
                    + std::string(is_full ? " of all weights" : "") + ": the policy may collapse",
                use("learning_rate", is_full ? 1e-6 : 1e-5));
    }

    void checkEvaluation()
    {
        const bool holds_out = m_config.data.val_size > 0 || !m_config.data.eval_dataset.empty();
        if (m_config.run.eval_strategy != EvalStrategy::no && !holds_out)
            warn("eval_strategy",
                "nothing is held out to evaluate on: set val_size or eval_dataset",
                Fix{ "Hold out 5 %", { { "val_size", "0.05" } } });
    }

    void checkReporters()
    {
        const auto isOneOf = [](const auto& names, const std::string& name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        for (const std::string& target : m_config.run.report_to) {
            if (target == "none" || target == "all" || isOneOf(kReporters, target))
                continue;
            const bool is_foreign = isOneOf(kForeignReporters, target);
            const std::string near = std::string(nearestWord(target, kReporters));
            warn("report_to",
                "`" + target
                    + (is_foreign ? "` is kept for export and not used here"
                                  : "` is no reporter that this program knows")
                    + "; tensorboard, csv, jsonl and trainer_log are written into the run folder",
                use("report_to", withReporter(target, is_foreign ? "" : near)));
        }
    }

    /// report_to with one name replaced, or left out.
    std::vector<std::string> withReporter(const std::string& old, const std::string& fresh) const
    {
        std::vector<std::string> names = m_config.run.report_to;
        std::erase(names, old);
        if (!fresh.empty())
            names.push_back(fresh);
        if (names.empty())
            names.emplace_back("none");
        return names;
    }

    void checkGroups()
    {
        const BatchSection& batch = m_config.batch;
        const std::int64_t group = batch.num_generations;
        const std::int64_t generation = generationBatchSize(m_config);
        if (group < 2) {
            error("num_generations",
                "a completion is judged against others of its prompt: at least 2",
                use("num_generations", std::int64_t{ 8 }));
            return;
        }
        if (generation % group != 0)
            error("num_generations",
                std::to_string(group)
                    + " completions a prompt do not divide the generation batch of "
                    + std::to_string(generation) + " ("
                    + std::to_string(batch.per_device_train_batch_size) + " completions x "
                    + std::to_string(*batch.steps_per_generation) + " micro-batches)",
                groupFix());
        const std::int64_t micro_batches = *batch.steps_per_generation * batch.num_iterations;
        const std::int64_t accumulation = batch.gradient_accumulation_steps;
        if (micro_batches % accumulation != 0)
            error("steps_per_generation",
                "a generation of " + std::to_string(*batch.steps_per_generation)
                    + " micro-batches is not used up by whole steps of "
                    + std::to_string(accumulation),
                use("steps_per_generation",
                    accumulation
                        * std::max<std::int64_t>(
                            1, (*batch.steps_per_generation + accumulation / 2) / accumulation)));
    }

    /// A smaller group if one fits well, else more accumulation.
    Fix groupFix() const
    {
        const std::int64_t group = m_config.batch.num_generations;
        const std::int64_t generation = generationBatchSize(m_config);
        std::int64_t best = 0;
        for (std::int64_t size = 4; size <= std::min<std::int64_t>(generation, 2 * group); ++size)
            if (generation % size == 0
                && (best == 0 || std::abs(size - group) < std::abs(best - group)))
                best = size;
        if (best != 0)
            return use("num_generations", best);
        TrainingConfig larger = m_given;
        larger.batch.steps_per_generation.reset();
        while (generationBatchSize(larger) % group != 0)
            ++larger.batch.gradient_accumulation_steps;
        Fix fix = use("gradient_accumulation_steps", larger.batch.gradient_accumulation_steps);
        fix.label = "Accumulate " + std::to_string(larger.batch.gradient_accumulation_steps);
        if (m_given.batch.steps_per_generation)
            fix.edits.push_back({ "steps_per_generation", {} });
        return fix;
    }

    void checkClipping()
    {
        const AlgorithmSection& algorithm = m_config.algorithm;
        const bool is_sequence = algorithm.importance_sampling_level == ImportanceLevel::sequence;
        const double low = *algorithm.epsilon;
        const double high = *algorithm.epsilon_high;
        if (high < low)
            error("epsilon_high", formatReal(high) + " is below epsilon (" + formatReal(low) + ")",
                use("epsilon_high", low));
        if (algorithm.delta && *algorithm.delta <= 1 + high)
            error("delta", "must exceed 1 + epsilon_high = " + formatReal(1 + high),
                Fix{ "Remove it", { { "delta", {} } } });
        const auto ranges = [](double epsilon, double epsilon_high) {
            const std::string text = formatReal(epsilon) + " and " + formatReal(epsilon_high);
            return Fix{ "Use " + text,
                { { "epsilon", formatReal(epsilon) },
                    { "epsilon_high", formatReal(epsilon_high) } } };
        };
        if (is_sequence && std::max(low, high) > kWideForSequence)
            warn("epsilon",
                "a clip range of " + formatReal(std::max(low, high))
                    + " never acts on sequence ratios, which stay within about 0.001 of 1",
                ranges(3e-4, 4e-4));
        if (!is_sequence && std::min(low, high) < kNarrowForToken)
            warn("epsilon",
                "a clip range of " + formatReal(std::min(low, high))
                    + " cuts off nearly every token ratio",
                ranges(0.2, 0.28));
        if (is_sequence && algorithm.loss_type != LossType::grpo)
            warn("loss_type", "averages over tokens, which weights sequence ratios by length",
                use("loss_type", std::string("grpo")));
        if (algorithm.beta > 0 && m_config.adapter.finetuning_type == FinetuningType::full)
            warn("beta",
                "needs a second copy of all weights as the reference, as there is no adapter to "
                "switch off",
                use("beta", 0.0));
    }

    TrainingConfig m_config;
    const TrainingConfig& m_given;
    bool m_is_rl = true;
    Diagnostics m_findings;
};

} // namespace

Diagnostics validate(const TrainingConfig& config)
{
    return Rules(config).check();
}

} // namespace zen
