#include "core/base/byte_text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace zen {

std::string formatBytes(std::uint64_t bytes)
{
    static constexpr std::array<const char*, 5> kUnits = { "kB", "MB", "GB", "TB", "PB" };
    if (bytes < 1000)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    char text[48];
    std::snprintf(text, sizeof text, value < 9.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
    return text;
}

std::optional<std::uint64_t> parseBytes(std::string_view text)
{
    const auto isSpace = [](char c) { return c == ' ' || c == '_'; };
    while (!text.empty() && isSpace(text.back()))
        text.remove_suffix(1);
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || !(number > 0))
        return std::nullopt;
    std::string unit;
    for (const char* at = end; at != text.data() + text.size(); ++at)
        if (!isSpace(*at))
            unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*at)));
    static constexpr std::string_view kPrefixes = "kmgtp";
    double factor = 1;
    if (!unit.empty() && unit != "b") {
        const std::size_t power = kPrefixes.find(unit.front());
        const std::string_view rest = std::string_view(unit).substr(1);
        if (power == kPrefixes.npos || (rest != "" && rest != "b" && rest != "ib" && rest != "i"))
            return std::nullopt;
        factor = std::pow(rest.starts_with('i') ? 1024 : 1000, static_cast<double>(power + 1));
    }
    const double bytes = number * factor;
    if (!(bytes >= 1 && bytes < 9e18))
        return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(bytes));
}

} // namespace zen
