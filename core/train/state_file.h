#pragma once

#include "core/base/result.h"
#include "core/model/lora.h"
#include "core/train/training_state.h"

#include <filesystem>

namespace zen {

/// Writes every file of a checkpoint but the manifest into an existing folder.
Result<void> writeSnapshot(
    const std::filesystem::path& folder, const Snapshot& snapshot, const Adapter* adapter);

/// The inverse. Errors name the file and what is wrong with it.
Result<Snapshot> readSnapshot(const std::filesystem::path& folder);

} // namespace zen
