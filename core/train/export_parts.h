#pragma once

#include "core/model/merged_weights.h"
#include "core/train/export_source.h"
#include "core/train/export_weights.h"
#include "core/weights/number_formats.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>

// The parts of exportWeights(); for sources of core/train only.

namespace zen {

/// What the writers of all targets need.
struct ExportParts {
    ExportSource source;
    Qwen3Shape shape;
    MergedWeights weights;
    std::function<void(double)> on_progress;
    std::function<bool()> is_cancelled;

    /// Tells how far it is; an Error if somebody asked to end.
    Result<void> progress(std::size_t done, std::size_t total) const;
};

/// Chat template and tokens, from wherever the model's folder keeps them.
struct ExportedText {
    nlohmann::ordered_json tokenizer_config; ///< null if the folder has none
    std::string chat_template; ///< the model's own, else Qwen's plain form
    bool has_own_template = false;
};
Result<ExportedText> readExportedText(const ExportSource& source);

// Each writes its files, without the card, into `folder`.
Result<void> writeMergedModel(const ExportParts& parts, NumberFormat format,
    std::uint64_t max_shard_bytes, const std::filesystem::path& folder);
Result<void> writeGgufModel(
    const ExportParts& parts, NumberFormat format, const std::filesystem::path& folder);
Result<void> writePeftAdapter(const ExportSource& source, const std::filesystem::path& folder);

/// Bytes that the weights will take.
std::uint64_t mergedBytes(const MergedWeights& weights, NumberFormat format);

/// "starter-gspo-q8_0.gguf"
std::string ggufFileName(const ExportSource& source, NumberFormat format);

} // namespace zen
