#pragma once

#include "core/train/engine.h"

#include <memory>

namespace zen {

/// Checks what can be checked without reading weights (configuration, model folder, data files,
/// rewards); the rest happens in run().
Result<std::unique_ptr<TrainingJob>> createTrainer(const TrainerOptions& options);

} // namespace zen
