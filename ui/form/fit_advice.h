#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"
#include "core/model/qwen3_shape.h"

#include <cstdint>
#include <optional>

namespace zen::ui {

/// The single change that lets a run fit into `free_bytes`, the gentlest first: gradient
/// checkpointing, half the micro-batch at twice the accumulation, 4-bit weights. nullopt: it fits
/// already, or no single change is enough.
std::optional<Fix> changeThatFits(
    const TrainingConfig& config, const Qwen3Shape& shape, std::uint64_t free_bytes);

} // namespace zen::ui
