#include "core/reward/normalize_text.h"

#include "core/base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace zen {

namespace {

constexpr std::array<std::string_view, 4> kNormalizations
    = { "strip", "lower", "nfkc", "collapse_space" };
constexpr std::string_view kSpace = " \t\n\r\f\v";

std::string mapped(const std::string& text, int options)
{
    utf8proc_uint8_t* result = nullptr;
    const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
        static_cast<utf8proc_ssize_t>(text.size()), &result,
        static_cast<utf8proc_option_t>(options));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
    if (length < 0)
        return text;
    return { reinterpret_cast<const char*>(result), static_cast<std::size_t>(length) };
}

std::string collapsed(std::string_view text)
{
    std::string result;
    bool in_space = false;
    for (const char c : text) {
        const bool space = kSpace.find(c) != std::string_view::npos;
        if (!space)
            result += c;
        else if (!in_space)
            result += ' ';
        in_space = space;
    }
    return result;
}

std::string stripped(const std::string& text)
{
    const auto begin = text.find_first_not_of(kSpace);
    if (begin == std::string::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

} // namespace

TextNormalization readNormalization(
    RewardParameters& parameters, std::initializer_list<std::string_view> otherwise)
{
    const auto names = parameters.choices("normalize", otherwise, kNormalizations);
    const auto named = [&](std::string_view name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    return { named("nfkc"), named("lower"), named("collapse_space"), named("strip") };
}

std::string normalized(std::string_view text, const TextNormalization& how)
{
    std::string result = repairUtf8(text);
    int options = 0;
    if (how.nfkc)
        options |= UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    if (how.lower)
        options |= UTF8PROC_STABLE | UTF8PROC_CASEFOLD | (how.nfkc ? 0 : UTF8PROC_COMPOSE);
    if (options != 0)
        result = mapped(result, options);
    if (how.collapse_space)
        result = collapsed(result);
    return how.strip ? stripped(result) : result;
}

} // namespace zen
