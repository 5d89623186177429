#pragma once

#include "core/model/qwen3.h"
#include "core/rollout/rollout.h"
#include "core/rollout/sampling.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace zen {

struct GenerationOptions {
    SamplingOptions sampling;
    std::int64_t completions_per_prompt = 1;
    std::int64_t max_new_tokens = 256;
    std::vector<std::int64_t> eos_ids;
    std::int64_t vocabulary_limit = 0; ///< ids from here on have no token; 0: the whole vocabulary
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    std::uint64_t first_row = 0; ///< global row of the first completion
    std::int64_t cache_tokens = 0; ///< of each row, held from the start; 0: as tokens are written
    std::int64_t max_rows = 256; ///< rows decoded at the same time; more are taken in turns
    bool use_adapter = true;
    /// Called after each decoded position with the number of finished rows; return false to stop
    /// early (rest truncated).
    std::function<bool(std::size_t finished, std::size_t total, std::int64_t position)> on_progress;
    /// Called for every token of row 0 (chat streaming).
    std::function<void(std::int64_t id)> on_token;
};

/// Completions for every prompt, grouped by prompt; each prompt is prefilled once and its cache
/// shared by its group. Text, rewards and advantages are left empty. Finished rows leave the batch.
/// A row's ids depend on its own key and prompt only (up to rounding of matrix products).
std::vector<std::vector<Completion>> generate(const Qwen3& model,
    const std::vector<std::vector<std::int64_t>>& prompts, const GenerationOptions& options);

} // namespace zen
