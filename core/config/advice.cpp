#include "core/config/schema.h"
#include "core/config/validate.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace zen {

namespace {

constexpr double kSmallBillions = 5; ///< up to here the seed recommends GSPO
constexpr double kLargeBillions = 14;
constexpr double kMixtureBillions = 70; ///< the seed's mixture of experts
constexpr std::int64_t kManyTokens = 16384; ///< of one micro-batch
constexpr std::int64_t kSmallGroup = 4;

bool looksLikeMixture(const std::string& model)
{
    std::string name = model;
    std::transform(name.begin(), name.end(), name.begin(),
        [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name.find("moe") != std::string::npos || name.find("-a3b") != std::string::npos
        || name.find("-a22b") != std::string::npos || name.find("-a20b") != std::string::npos;
}

class Advisor {
public:
    explicit Advisor(const TrainingConfig& config)
        : m_config(resolve(config))
        , m_billions(statedBillions(config.model.model_name_or_path))
        , m_is_mixture(looksLikeMixture(config.model.model_name_or_path))
    {
    }

    Diagnostics advise()
    {
        adviseOnModel();
        adviseOnAdapter();
        adviseOnBatch();
        if (m_config.algorithm.stage != Stage::sft) {
            adviseOnAlgorithm();
            adviseOnSampling();
            adviseOnMeasuring();
        }
        if (!m_config.run.deepspeed.empty())
            add("deepspeed", "is kept for export: one process trains here");
        return std::move(m_findings);
    }

private:
    void add(std::string key, std::string message, std::optional<Fix> fix = {})
    {
        m_findings.push_back(
            { Severity::advice, 0, 0, std::move(key), std::move(message), std::move(fix) });
    }

    static Fix use(std::string key, const FieldValue& value)
    {
        const std::string yaml = toYaml(value);
        return { "Use " + yaml, { { std::move(key), yaml } } };
    }

    void adviseOnModel()
    {
        if (m_billions >= kLargeBillions)
            add("model_name_or_path",
                "start small: try data and rewards on Zen Nano first, then scale up step by step");
    }

    void adviseOnAdapter()
    {
        if (m_config.adapter.finetuning_type == FinetuningType::full && m_billions > 0)
            add("finetuning_type",
                "LoRA tunes efficiently without touching the model's weights; full needs several "
                "times the memory",
                use("finetuning_type", std::string("lora")));
    }

    void adviseOnBatch()
    {
        const BatchSection& batch = m_config.batch;
        const std::int64_t rows = batch.per_device_train_batch_size;
        if (m_billions > 0 && rows > 1 && rows * m_config.data.cutoff_len > kManyTokens) {
            const std::int64_t fewer = rows % 2 == 0 ? rows / 2 : 1;
            const std::int64_t accumulation = batch.gradient_accumulation_steps * rows / fewer;
            add("per_device_train_batch_size",
                "balance speed and memory: memory grows with the micro-batch, accumulation costs "
                "none",
                Fix{ "Use " + std::to_string(fewer) + " x " + std::to_string(accumulation),
                    { { "per_device_train_batch_size", std::to_string(fewer) },
                        { "gradient_accumulation_steps", std::to_string(accumulation) } } });
        }
    }

    void adviseOnAlgorithm()
    {
        const bool is_gspo = m_config.algorithm.stage == Stage::gspo;
        const auto stage = [](const char* name) { return use("stage", std::string(name)); };
        if (m_is_mixture && !is_gspo)
            add("stage", "GSPO keeps mixtures of experts stable", stage("gspo"));
        else if (m_billions > 0 && m_billions < kSmallBillions && !is_gspo)
            add("stage", "GSPO is steadier for small models", stage("gspo"));
        else if (!m_is_mixture && m_billions >= kSmallBillions && m_billions < kMixtureBillions
            && is_gspo)
            add("stage", "GRPO is efficient for mid-size models", stage("grpo"));
        const BatchSection& batch = m_config.batch;
        if (is_gspo
            && *batch.steps_per_generation * batch.num_iterations
                <= batch.gradient_accumulation_steps)
            add("steps_per_generation",
                "every update is on-policy, so the ratio is 1 and nothing is clipped; GSPO works "
                "with several updates a "
                "generation",
                use("steps_per_generation", 4 * batch.gradient_accumulation_steps));
        if (batch.num_generations >= 2 && batch.num_generations < kSmallGroup)
            add("num_generations", "a group this small gives noisy advantages; 8 is usual");
    }

    void adviseOnSampling()
    {
        const SamplingSection& sampling = m_config.sampling;
        if (sampling.top_p < 1)
            add("top_p", "RL learns best from the full distribution (1.0).", use("top_p", 1.0));
        if (sampling.top_k > 0)
            add("top_k", "RL learns best from the full distribution (0).",
                use("top_k", std::int64_t{ 0 }));
        if (sampling.min_p > 0)
            add("min_p", "RL learns best from the full distribution (0.0).", use("min_p", 0.0));
        if (sampling.temperature < 0.3)
            add("temperature",
                "completions of a group will hardly differ, and there is nothing to compare",
                use("temperature", 1.0));
    }

    void adviseOnMeasuring()
    {
        if (m_config.data.val_size == 0 && m_config.data.eval_dataset.empty())
            add("val_size",
                "hold out some rows, so that loss, perplexity and accuracy can be tracked on what "
                "is not trained on",
                Fix{ "Hold out 5 %", { { "val_size", "0.05" } } });
    }

    TrainingConfig m_config;
    double m_billions = 0;
    bool m_is_mixture = false;
    Diagnostics m_findings;
};

} // namespace

double statedBillions(const std::string& model_name_or_path)
{
    double found = 0;
    const std::string& name = model_name_or_path;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool is_digit = name[i] >= '0' && name[i] <= '9';
        const bool starts = i == 0
            || (!std::isalnum(static_cast<unsigned char>(name[i - 1])) && name[i - 1] != '.');
        if (!is_digit || !starts)
            continue;
        std::size_t end = i;
        while (end < name.size() && ((name[end] >= '0' && name[end] <= '9') || name[end] == '.'))
            ++end;
        const bool is_count = end < name.size() && (name[end] == 'B' || name[end] == 'b')
            && (end + 1 == name.size() || !std::isalnum(static_cast<unsigned char>(name[end + 1])));
        if (is_count)
            if (const Result<double> value = parseReal(std::string_view(name).substr(i, end - i)))
                found = std::max(found, *value);
        i = end;
    }
    return found;
}

Diagnostics adviceFor(const TrainingConfig& config)
{
    return Advisor(config).advise();
}

} // namespace zen
