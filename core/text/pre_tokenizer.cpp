#include "core/text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cassert>
#include <cstdint>
#include <limits>

namespace zen {

const std::string_view kQwenSplitPattern
    = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

// The same pattern with \s spelled as Unicode's White_Space: PCRE2's own \s has U+180E too, which
// is no longer a space.
constexpr const char* kCompiledPattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
                                         R"(|[^\r\n\p{L}\p{N}]?\p{L}+)"
                                         R"(|\p{N})"
                                         R"(| ?[^\x09-\x0D\x{85}\p{Z}\p{L}\p{N}]+[\r\n]*)"
                                         R"(|[\x09-\x0D\x{85}\p{Z}]*[\r\n]+)"
                                         R"(|[\x09-\x0D\x{85}\p{Z}]+(?![^\x09-\x0D\x{85}\p{Z}]))"
                                         R"(|[\x09-\x0D\x{85}\p{Z}]+)";

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatchData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::size_t characterLength(std::string_view text, std::size_t at)
{
    std::size_t length = 1;
    while (
        at + length < text.size() && (static_cast<std::uint8_t>(text[at + length]) & 0xC0) == 0x80)
        ++length;
    return length;
}

} // namespace

struct PreTokenizer::Pattern {
    std::unique_ptr<pcre2_code, FreeCode> code;
};

PreTokenizer::PreTokenizer()
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    auto pattern = std::make_unique<Pattern>();
    pattern->code.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kCompiledPattern), PCRE2_ZERO_TERMINATED,
            PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, &error, &offset, nullptr));
    assert(pattern->code);
    // Where the CPU or a hardened kernel permits no compiled code, this fails and PCRE2 interprets.
    pcre2_jit_compile(pattern->code.get(), PCRE2_JIT_COMPLETE);
    m_pattern = std::move(pattern);
}

PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

void PreTokenizer::split(
    std::string_view text, const std::function<void(std::string_view)>& piece) const
{
    const pcre2_code* code = m_pattern->code.get();
    const std::unique_ptr<pcre2_match_data, FreeMatchData> data(
        pcre2_match_data_create_from_pattern(code, nullptr));
    const std::unique_ptr<pcre2_match_context, FreeMatchContext> context(
        pcre2_match_context_create(nullptr));
    if (context)
        pcre2_set_match_limit(context.get(), std::numeric_limits<std::uint32_t>::max());
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = 0;
        if (data
            && pcre2_match(
                   code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), context.get())
                > 0)
            end = pcre2_get_ovector_pointer(data.get())[1];
        // The pattern fits every character; only a lack of memory can leave it without a match.
        if (end <= at)
            end = at + characterLength(text, at);
        piece(text.substr(at, end - at));
        at = end;
    }
}

} // namespace zen
