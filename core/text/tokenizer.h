#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

using TokenId = std::int64_t;

enum class SpecialTokens {
    parse, ///< `<|im_start|>` in the text is the control token (templates)
    as_text ///< it is plain text (untrusted fields)
};

/// Byte-level BPE as in Qwen's tokenizer.json (training-spec 6): NFC, Qwen2 pre-tokeniser, added tokens.
/// Immutable after loading; copies share the tables; safe to use from several threads.
class Tokenizer {
public:
    /// Errors: not JSON, another model type, an unknown pre-tokeniser, ids out of range or used twice, merges of
    /// unknown tokens. Hostile files give an error, never a crash.
    static Result<Tokenizer> load(const std::filesystem::path& tokenizer_json);
    static Result<Tokenizer> fromJson(std::string_view json);

    std::vector<TokenId> encode(
        std::string_view text, SpecialTokens special = SpecialTokens::parse) const;

    /// Invalid UTF-8 becomes U+FFFD; unknown ids are left out.
    std::string decode(std::span<const TokenId> ids, bool skip_special = false) const;

    /// The raw bytes of one token; empty for unknown ids. For streaming: collect and hold back an incomplete tail.
    std::string_view bytesOf(TokenId id) const;

    std::optional<TokenId> idOf(std::string_view token) const; ///< added tokens by their content
    bool isSpecial(TokenId id) const;
    std::int64_t size() const; ///< one more than the highest id

private:
    struct Tables;
    std::shared_ptr<const Tables> m_tables;
};

} // namespace zen
