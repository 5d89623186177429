#pragma once

#include "core/config/training_config.h"
#include "core/model/qwen3_shape.h"

namespace zen {

// In what types weights are kept and multiplied: the rules that the plan and the engine share.

/// True if the projections stay in 4 bits: asked for, or stored like that already. (Full
/// fine-tuning is refused then.)
bool keepsFourBits(const TrainingConfig& config, const Qwen3Shape& shape);

/// What products compute with, as configured: the type of whole weights, or what 4-bit ones are
/// turned into. Full fine-tuning trains float32 weights. Automatic: the faster one on this machine.
WeightType computeTypeAsked(const TrainingConfig& config, const Qwen3Shape& shape);

/// What embedding, head and whole projections are held in where products compute in `compute`: the
/// same, but beside 4-bit projections dtype alone decides, and is bfloat16 unless it says float32.
WeightType heldType(const TrainingConfig& config, const Qwen3Shape& shape, WeightType compute);

/// The compute type to plan with: as asked; for automatic bfloat16 where matrices are large enough
/// to gain and the CPU has instructions for it.
WeightType plannedWeightType(const TrainingConfig& config, const Qwen3Shape& shape);

} // namespace zen
