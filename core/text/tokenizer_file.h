#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zen {

/// What a tokenizer.json says, checked in form (types, settings that we support) but not yet
/// against itself.
struct TokenizerFile {
    struct AddedToken {
        std::string content;
        std::uint32_t id = 0;
        bool special = false;
        bool normalized = false; ///< looked for after normalisation, not in the raw text
    };
    std::vector<std::pair<std::string, std::uint32_t>> vocabulary; ///< spelled in the byte alphabet
    std::vector<std::pair<std::string, std::string>> merges; ///< by rank
    std::vector<AddedToken> added_tokens;
    bool normalise = false; ///< to NFC
};

/// Highest id that a file may use: far above any vocabulary, low enough for a table.
inline constexpr std::uint32_t kMaxTokenId = (1U << 22) - 1;

/// Reads the text of a tokenizer.json in one pass. Errors: see Tokenizer::load.
Result<TokenizerFile> readTokenizerFile(std::string_view json);

} // namespace zen
