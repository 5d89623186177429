#include "core/train/token_budget.h"

#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/model/scratch.h"
#include "core/plan/memory_plan.h"

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

namespace zen {

namespace {

/// Parts of the messages of c10's CPU and CUDA allocators, of oneDNN and of cuBLAS.
constexpr std::array<std::string_view, 5> kMessages
    = { "can't allocate memory", "not enough memory", "out of memory", "could not create a memory",
          "CUBLAS_STATUS_ALLOC_FAILED" };

/// Smaller models (64 MB of float32) keep what they have freed.
constexpr std::int64_t kSmallModel = 16'000'000;

} // namespace

bool isOutOfMemory(const std::exception& error)
{
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr
        || dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr)
        return true;
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    const std::string_view text
        = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
    return std::any_of(kMessages.begin(), kMessages.end(),
        [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

MemoryExhausted memoryExhausted(const RunContext& context, const std::string& tried)
{
    const TrainingConfig& config = context.config;
    const Machine machine = thisMachine();
    std::string advice = "Lower cutoff_len or lora_rank";
    if (!config.memory.gradient_checkpointing)
        advice += ", or set gradient_checkpointing: true";
    if (config.memory.quantization == Quantization::none)
        advice += ", or quantization: 4bit";
    return { { fmt::format("{}.\n{}This machine has {}, {} of it free now. {}.", tried,
        planText(planMemory(config, context.policy.model.shape())),
        formatBytes(machine.memory_total_bytes), formatBytes(machine.memory_available_bytes),
        advice) } };
}

TokenBudget::TokenBudget(RunContext& context)
    : m_context(context)
    , m_tokens(context.config.memory.micro_batch_tokens.value_or(
          context.config.batch.per_device_train_batch_size * context.config.data.cutoff_len))
{
}

void TokenBudget::shrink(std::int64_t step, std::int64_t tokens)
{
    for (const at::Tensor& parameter : m_context.policy.model.trainableParameters())
        if (parameter.grad().defined())
            parameter.grad().zero_();
    m_tokens = tokens;
    releaseIdleMemory(m_context.policy.model);
    m_context.reporter.warning(fmt::format(
        "step {}: memory ran out in the update; it runs again with at most {} tokens at a time, "
        "which gives the same loss (micro_batch_tokens)",
        step, tokens));
}

void TokenBudget::giveUp(std::int64_t step, std::int64_t longest_row) const
{
    throw memoryExhausted(m_context,
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
