#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace zen {

/// The pattern with which Qwen2 and Qwen3 tokenizer.json files cut text (training-spec 6), as the
/// files spell it.
extern const std::string_view kQwenSplitPattern;

/// Cuts text into the words, numbers, signs and spaces that byte-pair merges never cross.
/// Immutable; safe to use from several threads.
class PreTokenizer {
public:
    PreTokenizer();
    ~PreTokenizer();
    PreTokenizer(PreTokenizer&&) noexcept;
    PreTokenizer& operator=(PreTokenizer&&) noexcept;

    /// Calls `piece` with consecutive parts of `text` (well-formed UTF-8); together they are the
    /// whole text.
    void split(std::string_view text, const std::function<void(std::string_view)>& piece) const;

private:
    struct Pattern;
    std::unique_ptr<const Pattern> m_pattern;
};

} // namespace zen
