#pragma once

#include "core/train/engine.h"

#include <vector>

namespace zen {

/// Speed of rollout and update with the sizes of this configuration: random prompts of half the
/// room for prompts, one generation batch (at most 64 completions) of full length, one micro-batch
/// forward and backward. Errors: as loadPolicy.
Result<std::vector<BenchLine>> benchmark(const TrainingConfig& config);

} // namespace zen
