#pragma once

#include "core/config/tiers.h"
#include "core/config/training_config.h"
#include "core/model/qwen3_shape.h"
#include "core/plan/weight_types.h"
#include "core/plan/workload.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// Bytes held at the fullest moment of one phase, by purpose.
struct PhaseMemory {
    std::uint64_t program = 0; ///< the process with libtorch and the tokenizer's tables
    std::uint64_t weights = 0; ///< of the model, and of a reference copy where one is kept
    std::uint64_t adapter = 0; ///< float32 parameters of the adapter
    std::uint64_t optimizer = 0; ///< gradients and Adam's two moments of what trains
    std::uint64_t cache = 0; ///< keys and values of rows being written
    std::uint64_t activations = 0; ///< what layers keep for the backward pass, and work on
    std::uint64_t logits = 0; ///< scores over the vocabulary that exist at the same time
    std::uint64_t rollouts = 0; ///< the data, and completions as ids, texts and log-probabilities
    std::uint64_t overhead = 0; ///< workspaces, second layouts of weights, the allocator
    std::uint64_t total() const;
    bool operator==(const PhaseMemory&) const = default;
};

enum class PlanPhase { load, rollout, update, evaluation };
constexpr std::size_t kPlanPhases = 4;
std::string_view nameOf(PlanPhase phase);

/// What a run will hold in each phase. Its peak is the largest of them, not their sum: the cache is
/// free again before the update.
struct MemoryPlan {
    std::array<PhaseMemory, kPlanPhases> phases;

    const PhaseMemory& in(PlanPhase phase) const { return phases[static_cast<std::size_t>(phase)]; }
    PhaseMemory& in(PlanPhase phase) { return phases[static_cast<std::size_t>(phase)]; }
    PlanPhase largestPhase() const;
    const PhaseMemory& largest() const { return in(largestPhase()); }
    std::uint64_t rollout() const { return in(PlanPhase::rollout).total(); }
    std::uint64_t peak() const { return largest().total(); }
    bool operator==(const MemoryPlan&) const = default;
};

/// One purpose as a table shows it.
struct PlanRow {
    std::string_view name; ///< "weights"
    std::string_view key; ///< weights, as in --json
    std::uint64_t PhaseMemory::*bytes;
};
/// The purposes in the order of PhaseMemory.
const std::array<PlanRow, 9>& planRows();

/// What is known besides configuration and shape.
struct PlanBasis {
    std::optional<TokenLengths> lengths; ///< of the data; empty: every row fills the context
    std::uint64_t program_bytes = 0; ///< as measured; 0: as a terminal run has
};

/// Parameters of a LoRA adapter: the sum of rank x (in + out) over its targets. "all" leaves the
/// experts of a mixture out.
std::int64_t adapterParameters(const AdapterSection& adapter, const Qwen3Shape& shape);

/// Keys and values of one token in all layers.
std::int64_t cacheBytesPerToken(const Qwen3Shape& shape, std::int64_t bytes_per_value);

/// The plan for this configuration (resolved here) on a model of this shape.
MemoryPlan planMemory(
    const TrainingConfig& config, const Qwen3Shape& shape, const PlanBasis& basis = {});

/// The shape that a tier is planned with when its weights are not on the machine.
Qwen3Shape shapeOf(const Tier& tier);

/// "524 MB, 2 % less than the 533 MB planned": what a run took beside what it was planned to.
std::string comparedWithPlan(std::uint64_t peak_bytes, std::uint64_t planned_bytes);

/// The plan as lines of text, one a purpose, a column a phase; for logs and messages.
std::string planText(const MemoryPlan& plan);

} // namespace zen
