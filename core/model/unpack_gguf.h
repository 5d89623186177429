#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/gguf_reader.h"

#include <cstdint>
#include <filesystem>

namespace zen {

/// The sizes that a qwen3 or qwen3moe file gives. Errors: another architecture, a key that is
/// missing or out of range.
Result<Qwen3Shape> shapeOfGguf(const GgufFile& file);

/// Writes the model in Hugging Face layout into an existing folder: config.json, tokenizer.json,
/// tokenizer_config.json (with the file's chat template), model.safetensors. f16 and bf16 stay as
/// they are, q8_0 becomes f32. Errors: tensors that do not fit the metadata; a tokenizer that is
/// not Qwen's; I/O.
Result<void> unpackGguf(const GgufFile& file, const std::filesystem::path& folder);

/// Bytes that unpackGguf will write for the weights.
std::uint64_t unpackedBytes(const GgufFile& file);

} // namespace zen
