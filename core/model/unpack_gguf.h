#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/gguf_reader.h"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace zen {

/// Hears how much of a piece of work is done; an Error ends it.
using WorkProgress = std::function<Result<void>(std::uint64_t done, std::uint64_t total)>;

/// The sizes that a qwen3 or qwen3moe file gives. Errors: another architecture, a key that is
/// missing or out of range, sizes that no model of ours has (see parseShape).
Result<Qwen3Shape> shapeOfGguf(const GgufFile& file);

/// Writes the model in Hugging Face layout into an existing folder: config.json, tokenizer.json,
/// tokenizer_config.json (with the file's chat template), model.safetensors. f16 and bf16 stay as
/// they are, q8_0 becomes f32. Errors: tensors that do not fit the metadata; a tokenizer that is
/// not Qwen's; I/O; what `progress` (by bytes, may be empty) gives.
Result<void> unpackGguf(
    const GgufFile& file, const std::filesystem::path& folder, const WorkProgress& progress = {});

/// Bytes that unpackGguf will write for the weights.
std::uint64_t unpackedBytes(const GgufFile& file);

} // namespace zen
