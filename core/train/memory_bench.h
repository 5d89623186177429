#pragma once

#include "core/train/engine.h"

namespace zen {

/// See Engine::benchMemory.
Result<MemoryBench> benchMemory(const MemoryBenchOptions& options);

} // namespace zen
