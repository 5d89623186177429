#pragma once

#include "core/model/out_of_memory.h"
#include "core/rollout/generator.h"
#include "core/train/run_context.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace zen {

/// Memory ran out where nothing smaller can be tried. The trainer saves what there is and ends.
struct MemoryExhausted : RunError { };

/// Says what was tried, shows the plan as a table, and how to need less.
MemoryExhausted memoryExhausted(
    const TrainingConfig& resolved, const Qwen3Shape& shape, const std::string& tried);

/// A piece of work that may run out of memory.
struct MemoryUse {
    const TrainingConfig& config; ///< resolved
    const Qwen3& model;
    std::string name; ///< "rollout of step 3"
    std::function<void(const std::string&)> on_warning; ///< may be empty
};

/// Runs attempt(size); as long as memory runs out, `before_retry(next size)` and the same with half
/// of it. False when a size of `smallest` or less has failed, too.
template <class Attempt, class BeforeRetry>
bool retryInHalves(std::int64_t& size, std::int64_t smallest, const Attempt& attempt,
    const BeforeRetry& before_retry)
{
    for (;;) {
        try {
            attempt(size);
            return true;
        } catch (const std::exception& error) {
            if (!isOutOfMemory(error))
                throw;
        } // the attempt's tensors are gone from here on
        if (size <= smallest)
            return false;
        size = std::max<std::int64_t>(1, size / 2);
        before_retry(size);
    }
}

/// generate() with `rows` rows at a time at most, and with half of them as long as memory runs out
/// (`rows` stays lowered); which tokens a row gets does not depend on that. Throws MemoryExhausted
/// when one row at a time is too much.
std::vector<std::vector<Completion>> generateWithinMemory(const MemoryUse& use,
    const std::vector<std::vector<std::int64_t>>& prompts, GenerationOptions options,
    std::int64_t& rows);

/// How many tokens one forward pass of the update may hold: as configured, or less once memory has
/// run out; it never grows back.
class TokenBudget {
public:
    explicit TokenBudget(RunContext& context);

    std::int64_t tokens() const { return m_tokens; }

    /// Runs attempt(tokens), which adds gradients of a whole step. When memory runs out, what it
    /// added is cleared and it runs again with half the tokens, which gives the same loss (but for
    /// a mixture's router loss, which is taken of each part).
    /// @param largest_part tokens of the largest part that the budget leads to now
    /// @param longest_row  tokens of the longest row: fewer cannot be tried
    /// Throws MemoryExhausted when one row at a time is too much.
    template <class Attempt>
    void within(std::int64_t step, std::int64_t largest_part, std::int64_t longest_row,
        const Attempt& attempt)
    {
        std::int64_t size = std::min(m_tokens, largest_part);
        const bool done = retryInHalves(
            size, longest_row, [&](std::int64_t tokens) { attempt(std::max(tokens, longest_row)); },
            [&](std::int64_t next) { shrink(step, std::max(next, longest_row)); });
        if (!done)
            giveUp(step, longest_row);
    }

private:
    void shrink(std::int64_t step, std::int64_t tokens);
    [[noreturn]] void giveUp(std::int64_t step, std::int64_t longest_row) const;

    RunContext& m_context;
    std::int64_t m_tokens;
};

/// Gives memory that the last phase has freed back to the system, so that the next one finds it. A
/// small model's is kept: taking it again would cost more than its arithmetic.
void releaseIdleMemory(const Qwen3& model);

} // namespace zen
