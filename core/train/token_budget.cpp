#include "core/train/token_budget.h"

#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"
#include "core/plan/memory_plan.h"

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <algorithm>

namespace zen {

MemoryExhausted memoryExhausted(
    const TrainingConfig& config, const Qwen3Shape& shape, const std::string& tried)
{
    const Machine machine = thisMachine();
    std::string advice = "Lower cutoff_len or lora_rank";
    if (!config.memory.gradient_checkpointing)
        advice += ", or set gradient_checkpointing: true";
    if (config.memory.quantization == Quantization::none)
        advice += ", or quantization: 4bit";
    return { { fmt::format("{}.\n{}This machine has {}, {} of it free now. {}.", tried,
        planText(planMemory(config, shape)), formatBytes(machine.memory_total_bytes),
        formatBytes(machine.memory_available_bytes), advice) } };
}

std::vector<std::vector<Completion>> generateWithinMemory(const MemoryUse& use,
    const std::vector<std::vector<std::int64_t>>& prompts, GenerationOptions options,
    std::int64_t& rows)
{
    releaseIdleMemory(use.model);
    std::vector<std::vector<Completion>> completions;
    std::int64_t now = std::min(
        rows, static_cast<std::int64_t>(prompts.size()) * options.completions_per_prompt);
    const auto attempt = [&](std::int64_t size) {
        options.max_rows = size;
        completions = generate(use.model, prompts, options);
    };
    const auto before_retry = [&](std::int64_t size) {
        rows = size;
        releaseIdleMemory(use.model);
        if (use.on_warning)
            use.on_warning(
                fmt::format("memory ran out in the {}; it runs again with {} completions at a time",
                    use.name, size));
    };
    if (!retryInHalves(now, 1, attempt, before_retry))
        throw memoryExhausted(use.config, use.model.shape(),
            fmt::format("memory ran out in the {}, even with one completion at a time", use.name));
    return completions;
}

TokenBudget::TokenBudget(RunContext& context)
    : m_context(context)
    , m_tokens(*context.config.memory.micro_batch_tokens)
{
}

void TokenBudget::shrink(std::int64_t step, std::int64_t tokens)
{
    for (const at::Tensor& parameter : m_context.policy.model.trainableParameters())
        if (parameter.grad().defined())
            parameter.grad().zero_();
    m_tokens = tokens;
    const Qwen3& model = m_context.policy.model;
    releaseIdleMemory(model);
    const bool by_part
        = model.shape().isMoe() && m_context.config.algorithm.router_aux_loss_coef > 0;
    m_context.reporter.warning(fmt::format(
        "step {}: memory ran out in the update; it runs again with at most {} tokens at a time, "
        "which gives the same loss{} (micro_batch_tokens)",
        step, tokens, by_part ? " but for the router's, which is taken of each part" : ""));
}

void TokenBudget::giveUp(std::int64_t step, std::int64_t longest_row) const
{
    throw memoryExhausted(m_context.config, m_context.policy.model.shape(),
        fmt::format("memory ran out in the update of step {}, even with one row of {} tokens at a "
                    "time",
            step, longest_row));
}

void releaseIdleMemory(const Qwen3& model)
{
    if (model.shape().parameters() <= kSmallModel)
        return;
    Scratch::releaseOfAllThreads();
    returnFreedMemory();
}

} // namespace zen
