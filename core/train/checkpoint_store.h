#pragma once

#include "core/base/result.h"
#include "core/model/lora.h"
#include "core/train/training_state.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// Checkpoints of one run: `step-%08d/` folders that appear whole (writeFolderDurably), each with a
/// manifest of sizes and SHA-256 that is checked before anything in it is believed.
///
/// Files: adapter_config.json and adapter_model.safetensors (LoRA; loads in PEFT as it stands) or
/// weights.safetensors (full), optimizer.safetensors, rollouts.safetensors (only in the middle of a
/// generation batch), state.json, manifest.json.
class CheckpointStore {
public:
    /// `keep`: how many valid checkpoints stay; 0: all.
    CheckpointStore(std::filesystem::path folder, std::int64_t keep)
        : m_folder(std::move(folder))
        , m_keep(keep)
    {
    }

    struct Saved {
        std::filesystem::path path;
        std::uint64_t bytes = 0;
    };
    /// Writes, reads back and verifies, and only then removes older ones beyond `keep`. On an error
    /// nothing older is touched. `adapter` is the trained one, or nullptr when all weights train.
    Result<Saved> save(const Snapshot& snapshot, const Adapter* adapter) const;

    /// The newest checkpoint that verifies, and one line for each newer one that does not.
    struct Newest {
        std::optional<std::filesystem::path> path;
        std::vector<std::string> damaged;
    };
    Newest newestValid() const;

private:
    void prune() const;

    std::filesystem::path m_folder;
    std::int64_t m_keep;
};

/// Checks every file that the manifest lists. The Error names the first that is missing, cut or
/// altered.
Result<void> verifyCheckpoint(const std::filesystem::path& checkpoint);

/// Verifies and reads. Errors name the file.
Result<Snapshot> readCheckpoint(const std::filesystem::path& checkpoint);

} // namespace zen
