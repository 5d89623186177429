#include "ui/form/fit_advice.h"

#include "core/plan/memory_plan.h"

#include <vector>

namespace zen::ui {

namespace {

struct Candidate {
    TrainingConfig config;
    Fix fix;
};

std::vector<Candidate> candidatesFor(const TrainingConfig& config)
{
    std::vector<Candidate> result;
    if (!config.memory.gradient_checkpointing) {
        TrainingConfig next = config;
        next.memory.gradient_checkpointing = true;
        result.push_back({ next,
            { "Turn on gradient checkpointing", { { "gradient_checkpointing", "true" } } } });
    }
    for (std::int64_t batch = config.batch.per_device_train_batch_size,
                      accumulation = config.batch.gradient_accumulation_steps;
         batch % 2 == 0 && batch > 1;) {
        batch /= 2;
        accumulation *= 2;
        TrainingConfig next = config;
        next.batch.per_device_train_batch_size = batch;
        next.batch.gradient_accumulation_steps = accumulation;
        result.push_back({ next,
            { "Use micro-batches of " + std::to_string(batch),
                { { "per_device_train_batch_size", std::to_string(batch) },
                    { "gradient_accumulation_steps", std::to_string(accumulation) } } } });
    }
    if (resolve(config).memory.quantization == Quantization::none
        && config.adapter.finetuning_type == FinetuningType::lora) {
        TrainingConfig next = config;
        next.memory.quantization = Quantization::nf4;
        result.push_back(
            { next, { "Keep the weights in 4 bits", { { "quantization", "4bit" } } } });
    }
    return result;
}

} // namespace

std::optional<Fix> changeThatFits(
    const TrainingConfig& config, const Qwen3Shape& shape, std::uint64_t free_bytes)
{
    if (free_bytes == 0 || planMemory(config, shape).peak() <= free_bytes)
        return std::nullopt;
    for (Candidate& candidate : candidatesFor(config))
        if (planMemory(candidate.config, shape).peak() <= free_bytes)
            return std::move(candidate.fix);
    return std::nullopt;
}

} // namespace zen::ui
