#pragma once

#include "core/base/diagnostic.h"
#include "core/plan/memory_plan.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// More parameters than these train here in hours rather than minutes: a step of 64 completions of
/// 256 tokens costs 64 x 256 x 6 x parameters operations, three minutes for this many at 500
/// GFLOP/s.
constexpr std::int64_t kQuickParameters = 1'000'000'000;

/// A change that lets a run fit, and what it costs.
struct Proposal {
    Fix fix;
    std::string cost; ///< "about a fifth slower; a little less exact"
    std::uint64_t peak = 0; ///< of the plan with it
};

/// How a tier fits a machine, in the words that the table shows. runs_slowly: it fits, and has more
/// than kQuickParameters. with_changes: it fits with what is proposed; four_bit_only: and that
/// takes 4-bit weights.
enum class Fit { runs, runs_slowly, with_changes, four_bit_only, too_large };
Fit fitOf(const MemoryPlan& plan, const std::vector<Proposal>& proposals, const Qwen3Shape& shape,
    std::uint64_t memory_bytes);

/// The largest values that fit, each with everything else as it is; empty: not even the smallest.
struct LargestFit {
    std::optional<std::int64_t> batch; ///< per_device_train_batch_size, whole groups a generation
    std::optional<std::int64_t>
        context; ///< cutoff_len, filled; at most what the model was made for
    std::optional<std::int64_t> rank; ///< lora_rank; empty for full fine-tuning
};
LargestFit largestFit(const TrainingConfig& config, const Qwen3Shape& shape,
    std::uint64_t memory_bytes, const PlanBasis& basis = {});

/// Ways to make a plan fit, the gentlest first: the cheapest combination of gradient checkpointing,
/// fewer tokens at a time in the update, fewer completions written at once, fewer logits at a time
/// and 4-bit weights (all but these give the same training, but for rounding and a router loss that
/// is taken of each part); then the single ones of them that are enough alone. Empty: it fits
/// already, or none of that is enough.
std::vector<Proposal> proposalsFor(const TrainingConfig& config, const Qwen3Shape& shape,
    std::uint64_t memory_bytes, const PlanBasis& basis = {});

/// The configuration with a proposal's edits: what the form gets by applying them to its text.
TrainingConfig withEdits(TrainingConfig config, const std::vector<Edit>& edits);

} // namespace zen
