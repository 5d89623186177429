#pragma once

#include "core/model/merged_weights.h"
#include "core/model/unpack_gguf.h"
#include "core/train/export_source.h"
#include "core/train/export_weights.h"
#include "core/weights/number_formats.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

// The parts of exportWeights(); for sources of core/train only.

namespace zen {

/// What the writers of all targets need.
struct ExportParts {
    ExportSource source;
    Qwen3Shape shape;
    MergedWeights weights;
    WorkProgress progress; ///< never empty
};

/// Tells options.on_progress how far it is; an Error once options.is_cancelled says so. Refers to
/// the options.
WorkProgress progressOf(const WeightExportOptions& options);

/// Chat template and tokens, from wherever the model's folder keeps them.
struct ExportedText {
    nlohmann::ordered_json tokenizer_config; ///< null if the folder has none
    std::string chat_template; ///< the model's own, else Qwen's plain form
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
