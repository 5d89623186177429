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

/// Byte-level BPE as in Qwen's tokenizer.json (training-spec 6): NFC, Qwen2 pre-tokeniser, added
/// tokens. Immutable after loading; copies share the tables; safe to use from several threads.
class Tokenizer {
public:
    /// Errors: not JSON, another model type, an unknown pre-tokeniser, ids out of range or used
    /// twice, merges of unknown tokens. Hostile files give an error, never a crash.
    static Result<Tokenizer> load(const std::filesystem::path& tokenizer_json);
    static Result<Tokenizer> fromJson(std::string_view json);

    /// The ids of `text`; ill-formed UTF-8 counts as U+FFFD. With SpecialTokens::as_text no added
    /// token is recognised, not even `<think>`. Never fails; O(n log n).
    std::vector<TokenId> encode(
        std::string_view text, SpecialTokens special = SpecialTokens::parse) const;

    /// Invalid UTF-8 becomes U+FFFD; unknown ids are left out.
    std::string decode(std::span<const TokenId> ids, bool skip_special = false) const;

    /// The raw bytes of one token; empty for unknown ids. For streaming: collect and hold back an
    /// incomplete tail.
    std::string_view bytesOf(TokenId id) const;

    /// Added tokens by their content, others as the file spells them (`Ġworld`).
    std::optional<TokenId> idOf(std::string_view token) const;
    bool isSpecial(
        TokenId id) const; ///< an added token that the file marks as special (`<think>` is not)
    std::int64_t size() const; ///< one more than the highest id

private:
    struct Tables;
    explicit Tokenizer(std::shared_ptr<const Tables> tables);
    std::shared_ptr<const Tables> m_tables;
};

} // namespace zen
