#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"

namespace zen {

/// Everything about a start that needs no tensors, in well under a second: weights on the machine,
/// dataset files, output folder writable and free, memory plan against what is available. Errors
/// name what was looked for and how to get it.
Diagnostics checkStart(const TrainingConfig& config);

} // namespace zen
