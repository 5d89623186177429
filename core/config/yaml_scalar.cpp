#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace zen {

namespace {

constexpr std::string_view kDigits = "0123456789";

std::string lowered(std::string_view text)
{
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return result;
}

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> words)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool allOf(std::string_view text, std::string_view allowed)
{
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view withoutSign(std::string_view text)
{
    if (!text.empty() && (text.front() == '+' || text.front() == '-'))
        text.remove_prefix(1);
    return text;
}

/// Digits with at most one point and an exponent; no sign.
bool isDecimal(std::string_view text)
{
    std::size_t digits = 0;
    std::size_t i = 0;
    bool point = false;
    for (; i < text.size(); ++i) {
        if (text[i] >= '0' && text[i] <= '9')
            ++digits;
        else if (text[i] == '.' && !point)
            point = true;
        else
            break;
    }
    if (digits == 0)
        return false;
    if (i == text.size())
        return true;
    if (text[i] != 'e' && text[i] != 'E')
        return false;
    return allOf(withoutSign(text.substr(i + 1)), kDigits);
}

std::optional<double> readDecimal(std::string_view text)
{
    if (!isDecimal(withoutSign(text)))
        return {};
    if (text.front() == '+')
        text.remove_prefix(1);
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size())
        return {};
    if (problem == std::errc::result_out_of_range) {
        // from_chars leaves the value untouched: tell what is too small from what is too large
        const std::size_t exponent = text.find_first_of("eE");
        const bool tiny = exponent != std::string_view::npos && exponent + 1 < text.size()
            && text[exponent + 1] == '-';
        return tiny ? 0.0 : HUGE_VAL;
    }
    if (problem != std::errc{})
        return {};
    return value;
}

/// Anything that some YAML reader takes for a number or a date: starts like one and holds nothing
/// else.
bool looksNumeric(std::string_view text)
{
    const std::string word = lowered(withoutSign(text));
    if (isOneOf(word, { ".inf", ".nan", "inf", "nan", "infinity", "." }))
        return true;
    if (word.empty())
        return true;
    const bool numeric_start
        = (word[0] >= '0' && word[0] <= '9') || (word[0] == '.' && word.size() > 1);
    if (!numeric_start)
        return false;
    if (allOf(word, "0123456789_.:e+-tz "))
        return true;
    return (word.starts_with("0x") && allOf(word.substr(2), "0123456789abcdef_"))
        || (word.starts_with("0o") && allOf(word.substr(2), "01234567_"))
        || (word.starts_with("0b") && allOf(word.substr(2), "01_"));
}

bool isReservedWord(std::string_view text)
{
    return isOneOf(lowered(text),
        { "", "~", "null", "none", "true", "false", "yes", "no", "on", "off", "y", "n", "=",
            "<<" });
}

/// Plain in block and in flow context, on one line.
bool canBePlain(std::string_view text)
{
    if (isReservedWord(text) || looksNumeric(text))
        return false;
    if (std::string_view("-?:,[]{}#&*!|>'\"%@` .=<").find(text.front()) != std::string_view::npos
        && !(text.front() == '.' && text.size() > 1 && (text[1] == '/' || text[1] == '.')))
        return false;
    if (text.back() == ' ' || text.back() == ':')
        return false;
    if (text.find_first_of(",[]{}\"\\?") != std::string_view::npos)
        return false;
    return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

bool needsEscapes(std::string_view text)
{
    return std::any_of(text.begin(), text.end(),
               [](char c) {
                   const auto byte = static_cast<unsigned char>(c);
                   return byte < 0x20 || byte == 0x7F;
               })
        || text.find("\xC2\x85") != std::string_view::npos
        || text.find("\xE2\x80\xA8") != std::string_view::npos
        || text.find("\xE2\x80\xA9") != std::string_view::npos
        || text.find("\xEF\xBB\xBF") != std::string_view::npos;
}

std::string doubleQuoted(std::string_view text)
{
    std::string result = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (c == '\n') {
            result += "\\n";
        } else if (c == '\t') {
            result += "\\t";
        } else if (c == '\r') {
            result += "\\r";
        } else if (byte < 0x20 || byte == 0x7F) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02X", static_cast<unsigned>(byte));
            result += code.data();
        } else if (text.substr(i, 2) == "\xC2\x85") {
            result += "\\u0085";
            i += 1;
        } else if (text.substr(i, 3) == "\xE2\x80\xA8" || text.substr(i, 3) == "\xE2\x80\xA9") {
            result += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else if (text.substr(i, 3) == "\xEF\xBB\xBF") {
            result += "\\uFEFF";
            i += 2;
        } else {
            result += c;
        }
    }
    return result + '"';
}

std::string singleQuoted(std::string_view text)
{
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'')
            result += '\'';
        result += c;
    }
    return result + '\'';
}

} // namespace

std::optional<bool> parseBool(std::string_view text)
{
    const std::string word = lowered(text);
    if (isOneOf(word, { "true", "yes", "on" }))
        return true;
    if (isOneOf(word, { "false", "no", "off" }))
        return false;
    return {};
}

Result<std::int64_t> parseInteger(std::string_view text)
{
    const std::string shown = "`" + std::string(text.substr(0, 60)) + "`";
    const std::string_view digits = withoutSign(text);
    if (allOf(digits, kDigits)) {
        if (digits.size() > 1 && digits.front() == '0')
            return fail(
                shown + " has a leading zero, which some readers take for octal: write it without");
        std::int64_t value = 0;
        const std::string_view number = text.front() == '+' ? digits : text;
        const auto [end, problem]
            = std::from_chars(number.data(), number.data() + number.size(), value);
        if (problem == std::errc{} && end == number.data() + number.size())
            return value;
        return fail(shown + " is too large for a whole number");
    }
    if (const std::optional<double> real = readDecimal(text)) {
        if (std::isfinite(*real) && std::floor(*real) == *real && std::fabs(*real) < 1e15)
            return fail(shown + " is not written as a whole number: write "
                + std::to_string(static_cast<std::int64_t>(*real)));
        return fail(shown + " is not a whole number");
    }
    if (allOf(digits, "0123456789_") && digits.front() != '_')
        return fail(shown + ": write the number without underscores");
    return fail(shown + " is not a whole number");
}

Result<double> parseReal(std::string_view text)
{
    const std::string shown = "`" + std::string(text.substr(0, 60)) + "`";
    if (text.empty())
        return fail("a number is missing");
    const std::string word = lowered(withoutSign(text));
    if (isOneOf(word, { ".nan", "nan", ".inf", "inf", "infinity" }))
        return fail(shown + " is not a finite number");
    const std::string_view digits = withoutSign(text);
    if (digits.size() > 1 && digits.front() == '0' && allOf(digits, kDigits))
        return fail(
            shown + " has a leading zero, which some readers take for octal: write it without");
    const std::optional<double> value = readDecimal(text);
    if (!value)
        return fail(shown + " is not a number");
    if (!std::isfinite(*value))
        return fail(shown + " is too large for a number");
    return *value;
}

std::string formatReal(double value)
{
    if (std::isnan(value))
        return ".nan";
    if (std::isinf(value))
        return value > 0 ? ".inf" : "-.inf";
    std::array<char, 40> buffer{};
    const auto [end, problem] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    (void)problem; // the shortest form of a double fits in 24 characters
    std::string text(buffer.data(), end);
    const std::size_t exponent = text.find('e');
    if (text.find('.') == std::string::npos)
        text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
    return text;
}

std::string formatText(std::string_view text)
{
    if (needsEscapes(text))
        return doubleQuoted(text);
    if (canBePlain(text))
        return std::string(text);
    if (text.find_first_of("\"\\") != std::string_view::npos)
        return singleQuoted(text);
    return doubleQuoted(text);
}

} // namespace zen
