#pragma once

#include "core/base/result.h"
#include "core/config/tiers.h"
#include "core/config/training_config.h"
#include "core/model/qwen3_shape.h"

#include <cstdint>
#include <string>

namespace zen {

/// Bytes that a run will hold, by purpose: float32 activations and cache whatever the weights'
/// type, no attention scores, logits of one chunk. Peak is the larger of the two phases.
struct MemoryPlan {
    std::uint64_t program = 0; ///< libtorch and the empty process
    std::uint64_t weights = 0;
    std::uint64_t adapter = 0; ///< parameters, gradients and Adam's moments of what trains
    std::uint64_t kv_cache = 0; ///< rollout only
    std::uint64_t activations = 0; ///< update only
    std::uint64_t logits = 0; ///< the chunk, in the larger of its two uses
    std::uint64_t overhead = 0; ///< allocator, workspaces, second layouts of weights
    std::uint64_t rollout() const
    {
        return program + weights + adapter + kv_cache + logits + overhead;
    }
    std::uint64_t update() const
    {
        return program + weights + adapter + activations + logits + overhead;
    }
    std::uint64_t peak() const { return rollout() > update() ? rollout() : update(); }
};

/// The type that the frozen weights are planned in: as configured; auto gives bfloat16 for matrices
/// that are large enough to gain, where the CPU has instructions for it. Full fine-tuning trains
/// float32 weights.
WeightType plannedWeightType(const TrainingConfig& config, const Qwen3Shape& shape);

/// Parameters of a LoRA adapter: the sum of rank x (in + out) over its targets. "all" leaves the
/// experts of a mixture out.
std::int64_t adapterParameters(const AdapterSection& adapter, const Qwen3Shape& shape);

/// Keys and values of one token in all layers.
std::int64_t cacheBytesPerToken(const Qwen3Shape& shape, std::int64_t bytes_per_value);

/// The plan for this configuration (resolved here) on a model of this shape.
MemoryPlan planMemory(const TrainingConfig& config, const Qwen3Shape& shape);

/// The shape that a tier is planned with when its weights are not on the machine.
Qwen3Shape shapeOf(const Tier& tier);

/// More parameters than these train here in hours rather than minutes: a step of 64 completions of
/// 256 tokens costs 64 x 256 x 6 x parameters operations, three minutes for this many at 500
/// GFLOP/s.
constexpr std::int64_t kQuickParameters = 1'000'000'000;

/// How a tier fits a machine, in the words that the table shows. runs_slowly: it fits, and has more
/// than kQuickParameters.
enum class Fit { runs, runs_slowly, four_bit_only, too_large };
Fit fitOf(const MemoryPlan& plan, const MemoryPlan& plan_in_4bit, const Qwen3Shape& shape,
    std::uint64_t memory_bytes);

/// "1.9 GB" (decimal units, two significant digits and more).
std::string formatBytes(std::uint64_t bytes);

} // namespace zen
