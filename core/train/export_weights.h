#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

// Weights for other programs. All of it is plain: no libtorch, and never more than one tensor in
// memory.

enum class WeightTarget {
    merged, ///< Hugging Face layout, the adapter folded in
    gguf, ///< llama.cpp, LM Studio, Ollama
    peft ///< the adapter alone
};

struct WeightExportOptions {
    std::string source; ///< a run's folder, a model's name or folder, or (for merged) a .gguf file
    WeightTarget target = WeightTarget::merged;
    std::string dtype; ///< f32, f16, bf16 or (GGUF) q8_0; empty: the model's own
    std::uint64_t max_shard_bytes = 5'000'000'000;
    std::filesystem::path output; ///< a folder that does not exist yet; empty: see defaultOutput()
    std::function<void(double fraction)> on_progress;
    std::function<bool()>
        is_cancelled; ///< asked between tensors, and pieces of them; nothing is left behind then
};

struct WeightExport {
    std::filesystem::path folder;
    std::uint64_t bytes = 0; ///< of all files
    std::vector<std::string> files; ///< names, sorted
};

std::optional<WeightTarget> weightTargetNamed(std::string_view name); ///< merged, gguf, peft

/// Where an export goes if nobody says: <run>/exports/<target>-<dtype>, or exports/<model>-….
std::filesystem::path defaultOutput(const WeightExportOptions& options);

/// Writes the folder, whole or not at all. Errors name file and remedy: no such run or model, an
/// adapter that does not fit it, a dtype that the target does not have, the folder exists, too
/// little space.
Result<WeightExport> exportWeights(const WeightExportOptions& options);

} // namespace zen
