#pragma once

#include "core/train/engine.h"

namespace zen {

/// See Engine::benchLoad.
Result<LoadBench> benchLoad(const LoadBenchOptions& options);

} // namespace zen
