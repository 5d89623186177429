#include "core/config/training_config.h"

#include <algorithm>

namespace zen {

namespace {

// GSPO, section 5.1 (arXiv:2507.18071).
constexpr double kSequenceEpsilon = 3e-4;
constexpr double kSequenceEpsilonHigh = 4e-4;
// DAPO, section 3.1 (arXiv:2503.14476).
constexpr double kTokenEpsilon = 0.2;
constexpr double kTokenEpsilonHigh = 0.28;
// So that a generation feeds four updates and the ratio differs from 1 (GSPO, section 5.1).
constexpr std::int64_t kGspoUpdatesPerGeneration = 4;

std::int64_t resolvedStepsPerGeneration(const TrainingConfig& config)
{
    const std::int64_t updates
        = config.algorithm.stage == Stage::gspo ? kGspoUpdatesPerGeneration : 1;
    return config.batch.steps_per_generation.value_or(
        config.batch.gradient_accumulation_steps * updates);
}

} // namespace

TrainingConfig resolve(TrainingConfig config)
{
    AdapterSection& adapter = config.adapter;
    adapter.lora_alpha = adapter.lora_alpha.value_or(2 * adapter.lora_rank);

    AlgorithmSection& algorithm = config.algorithm;
    algorithm.importance_sampling_level = algorithm.importance_sampling_level.value_or(
        algorithm.stage == Stage::gspo ? ImportanceLevel::sequence : ImportanceLevel::token);
    const bool is_sequence = algorithm.importance_sampling_level == ImportanceLevel::sequence;
    if (!algorithm.epsilon_high)
        algorithm.epsilon_high
            = algorithm.epsilon.value_or(is_sequence ? kSequenceEpsilonHigh : kTokenEpsilonHigh);
    if (!algorithm.epsilon)
        algorithm.epsilon = is_sequence ? kSequenceEpsilon : kTokenEpsilon;
    algorithm.loss_type = algorithm.loss_type.value_or(LossType::grpo);

    BatchSection& batch = config.batch;
    batch.max_completion_length = batch.max_completion_length.value_or(
        std::max<std::int64_t>(1, config.data.cutoff_len / 2));
    batch.steps_per_generation = resolvedStepsPerGeneration(config);

    MemorySection& memory = config.memory;
    memory.micro_batch_tokens = memory.micro_batch_tokens.value_or(
        batch.per_device_train_batch_size * config.data.cutoff_len);
    if (memory.bf16 && memory.dtype == WeightType::automatic)
        memory.dtype = WeightType::bfloat16;
    memory.bf16 = memory.dtype == WeightType::bfloat16;
    if (memory.load_in_4bit)
        memory.quantization = Quantization::nf4;
    memory.load_in_4bit = memory.quantization == Quantization::nf4;
    return config;
}

std::int64_t generationBatchSize(const TrainingConfig& config)
{
    return config.batch.per_device_train_batch_size * resolvedStepsPerGeneration(config);
}

std::int64_t rowsAtOnce(const TrainingConfig& config)
{
    constexpr std::int64_t kMost = 256;
    return config.batch.rollout_rows > 0 ? config.batch.rollout_rows : kMost;
}

std::int64_t evaluationRows(const TrainingConfig& config)
{
    const std::int64_t rows = std::min(config.batch.per_device_eval_batch_size, rowsAtOnce(config));
    if (config.algorithm.stage == Stage::sft)
        return rows;
    const std::int64_t context = config.data.cutoff_len;
    const std::int64_t completion
        = std::min(context, config.batch.max_completion_length.value_or(context / 2));
    const std::int64_t group = std::max<std::int64_t>(1, config.batch.num_generations);
    const std::int64_t together = std::min(generationBatchSize(config), rowsAtOnce(config));
    const std::int64_t prompts = (together + group - 1) / group;
    const std::int64_t cached = together * completion + prompts * (context - completion);
    return std::max<std::int64_t>(1, std::min(rows, cached / std::max<std::int64_t>(1, context)));
}

std::int64_t completionsPerStep(const TrainingConfig& config)
{
    return config.batch.per_device_train_batch_size * config.batch.gradient_accumulation_steps;
}

} // namespace zen
