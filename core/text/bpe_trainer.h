#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zen {

/// A token that no merge makes: it is cut from the text as a whole.
struct AddedToken {
    std::string content;
    bool special = true; ///< left out by decode(…, skip_special)
    bool operator==(const AddedToken&) const = default;
};

/// Qwen3's added tokens in its order: `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`, …, `<think>`,
/// `</think>`.
std::vector<AddedToken> qwenAddedTokens();

struct BpeTrainingOptions {
    std::int64_t vocab_size
        = 1024; ///< bytes, merges and added tokens together; fewer if the texts give no more
    std::int64_t min_frequency = 2; ///< a pair that occurs less often is not merged
    std::vector<AddedToken> added = qwenAddedTokens(); ///< get the highest ids, in this order
};

/// The text of a Qwen-style tokenizer.json (byte-level BPE, NFC, Qwen2 pre-tokeniser) trained on
/// `texts`: 256 byte tokens, the most frequent pairs one after another, the added tokens. The same
/// input gives the same bytes. Errors: vocab_size below 256 + added; added tokens that are empty or
/// given twice.
Result<std::string> trainTokenizerJson(
    std::span<const std::string> texts, const BpeTrainingOptions& options);

} // namespace zen
