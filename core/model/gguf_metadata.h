#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/text/tokenizer_file.h"
#include "core/weights/gguf.h"

#include <cstdint>
#include <optional>
#include <string>

namespace zen {

/// What a GGUF file says about its origin; empty fields are left out.
struct GgufOrigin {
    std::string name; ///< "starter-gspo"
    std::string finetune; ///< what was done to the base: "gspo"
    std::string license; ///< SPDX, lower case as the hub writes it: "apache-2.0"
    std::string base_model; ///< "Qwen/Qwen3-0.6B"
};

/// The text side of a model.
struct GgufText {
    TokenizerFile tokenizer;
    std::string chat_template; ///< Jinja
    std::optional<std::int64_t> bos_id; ///< config.json's; the pad token's if it has none
    std::optional<std::int64_t> pad_id; ///< the tokenizer's, where the model names none
    bool add_bos = false;
};

/// general.*, qwen3.* or qwen3moe.*, and tokenizer.ggml.* as llama.cpp reads them. `parameters`:
/// all weights, for the size label. Errors: ids of the tokenizer that the model does not have.
Result<GgufMetadata> ggufMetadata(const Qwen3Shape& shape, const GgufText& text,
    const GgufOrigin& origin, NumberFormat format, std::uint64_t parameters);

/// "0.6B", "560K", "30B": a model's size as names give it.
std::string sizeLabel(std::uint64_t parameters);

} // namespace zen
