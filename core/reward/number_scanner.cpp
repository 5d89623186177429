#include "core/reward/number_scanner.h"

#include <charconv>
#include <cmath>

namespace zen {

bool isAsciiDigit(char c)
{
    return c >= '0' && c <= '9';
}

bool isAsciiLetter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

namespace {

constexpr std::size_t kLongestNumber = 300; ///< characters; more is noise
constexpr std::string_view kFrac = "\\frac";

/// A text and a place in it. Every read advances or leaves the place as it was.
struct Cursor {
    std::string_view text;
    std::size_t at = 0;

    char peek(std::size_t ahead = 0) const
    {
        return at + ahead < text.size() ? text[at + ahead] : '\0';
    }
    bool take(std::string_view word)
    {
        if (!text.substr(at).starts_with(word))
            return false;
        at += word.size();
        return true;
    }
    void skipSpaces(std::size_t most)
    {
        for (; most > 0 && peek() == ' '; --most)
            ++at;
    }
    std::size_t digitsAt(std::size_t from) const
    {
        std::size_t end = from;
        while (end < text.size() && isAsciiDigit(text[end]))
            ++end;
        return end - from;
    }
};

struct Decimal {
    double value = 0;
    std::string integer; ///< canonical; empty if there is a fraction part or exponent
    bool valid = true;
};

std::string canonicalInteger(std::string_view digits)
{
    const auto first = digits.find_first_not_of('0');
    return first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

/// 1,234 or 1234: the digits without commas.
std::string takeWhole(Cursor& cursor)
{
    std::string digits(cursor.text.substr(cursor.at, cursor.digitsAt(cursor.at)));
    cursor.at += digits.size();
    if (digits.empty() || digits.size() > 3)
        return digits;
    while (cursor.peek() == ',' && cursor.digitsAt(cursor.at + 1) == 3) {
        digits += cursor.text.substr(cursor.at + 1, 3);
        cursor.at += 4;
    }
    return digits;
}

/// 1,234.50  .5  1e3
std::optional<Decimal> takeDecimal(Cursor& cursor)
{
    if (!isAsciiDigit(cursor.peek()) && !(cursor.peek() == '.' && isAsciiDigit(cursor.peek(1))))
        return std::nullopt;
    const std::string whole = takeWhole(cursor);
    std::string spelled = whole.empty() ? "0" : whole;
    bool is_integer = true;
    if (cursor.peek() == '.' && isAsciiDigit(cursor.peek(1))) {
        const std::string_view part
            = cursor.text.substr(cursor.at + 1, cursor.digitsAt(cursor.at + 1));
        spelled.append(".").append(part);
        is_integer = part.find_first_not_of('0') == std::string_view::npos;
        cursor.at += 1 + part.size();
    }
    if (cursor.peek() == 'e' || cursor.peek() == 'E') {
        const std::size_t sign = cursor.peek(1) == '-' || cursor.peek(1) == '+' ? 1 : 0;
        const std::size_t digits = cursor.digitsAt(cursor.at + 1 + sign);
        if (digits > 0 && digits <= 3 && !isAsciiLetter(cursor.peek(1 + sign + digits))) {
            spelled.append("e").append(cursor.peek(1) == '-' ? "-" : "");
            spelled += cursor.text.substr(cursor.at + 1 + sign, digits);
            cursor.at += 1 + sign + digits;
            is_integer = false;
        }
    }
    Decimal decimal;
    const auto read
        = std::from_chars(spelled.data(), spelled.data() + spelled.size(), decimal.value);
    decimal.valid = spelled.size() <= kLongestNumber && read.ec == std::errc();
    if (decimal.valid && is_integer)
        decimal.integer = canonicalInteger(whole);
    return decimal;
}

/// {12} or one digit, after \frac
std::optional<double> takeFracPart(Cursor& cursor)
{
    Cursor ahead = cursor;
    ahead.skipSpaces(1);
    if (!ahead.take("{")) {
        if (!isAsciiDigit(ahead.peek()))
            return std::nullopt;
        cursor.at = ahead.at + 1;
        return ahead.peek() - '0';
    }
    ahead.skipSpaces(4);
    const bool negative = ahead.take("-");
    const auto decimal = takeDecimal(ahead);
    ahead.skipSpaces(4);
    if (!decimal || !decimal->valid || !ahead.take("}"))
        return std::nullopt;
    cursor = ahead;
    return negative ? -decimal->value : decimal->value;
}

/// \frac{a}{b}; the value may be infinite (b = 0).
std::optional<double> takeFrac(Cursor& cursor)
{
    Cursor ahead = cursor;
    if (!ahead.take(kFrac))
        return std::nullopt;
    const auto above = takeFracPart(ahead);
    const auto below = above ? takeFracPart(ahead) : std::nullopt;
    if (!below)
        return std::nullopt;
    cursor = ahead;
    return *above / *below;
}

/// "/ 4" after a numerator; not the first slash of a date.
std::optional<double> takeDenominator(Cursor& cursor)
{
    Cursor ahead = cursor;
    ahead.skipSpaces(1);
    if (!ahead.take("/"))
        return std::nullopt;
    ahead.skipSpaces(1);
    const auto below = takeDecimal(ahead);
    if (!below || !below->valid || (ahead.peek() == '/' && isAsciiDigit(ahead.peek(1))))
        return std::nullopt;
    cursor = ahead;
    return below->value;
}

/// " 1/2" or "\frac{1}{2}" after a whole number: the proper fraction of a mixed number.
std::optional<double> takeMixedPart(Cursor& cursor)
{
    Cursor ahead = cursor;
    ahead.skipSpaces(1);
    std::optional<double> part = takeFrac(ahead);
    if (!part && ahead.at == cursor.at + 1) {
        if (const auto above = takeDecimal(ahead); above && !above->integer.empty())
            if (const auto below = takeDenominator(ahead))
                part = above->value / *below;
    }
    if (!part || !(*part > 0 && *part < 1))
        return std::nullopt;
    cursor = ahead;
    return part;
}

/// "\times 10^{3}"
std::optional<double> takePowerOfTen(Cursor& cursor)
{
    Cursor ahead = cursor;
    ahead.skipSpaces(2);
    if (!ahead.take("\\times") && !ahead.take("\\cdot") && !ahead.take("\xC3\x97"))
        return std::nullopt;
    ahead.skipSpaces(2);
    if (!ahead.take("10^"))
        return std::nullopt;
    const bool braced = ahead.take("{");
    const bool negative = ahead.take("-");
    const std::size_t digits = ahead.digitsAt(ahead.at);
    if (digits == 0 || digits > 3)
        return std::nullopt;
    int exponent = 0;
    for (std::size_t i = 0; i < digits; ++i)
        exponent = exponent * 10 + (ahead.peek(i) - '0');
    ahead.at += digits;
    if (braced && !ahead.take("}"))
        return std::nullopt;
    cursor = ahead;
    return std::pow(10.0, negative ? -exponent : exponent);
}

bool takePercent(Cursor& cursor)
{
    Cursor ahead = cursor;
    ahead.skipSpaces(1);
    if (!ahead.take("%") && !ahead.take("percent"))
        return false;
    cursor = ahead;
    return true;
}

/// A sign (and a currency sign) right before a number; "5-3" has none.
std::size_t beginWithSign(std::string_view text, std::size_t begin, bool& negative)
{
    std::size_t at = begin;
    if (at > 0 && text[at - 1] == '$')
        --at;
    if (at == 0 || (text[at - 1] != '-' && text[at - 1] != '+'))
        return begin;
    if (at > 1) {
        const char before = text[at - 2];
        if (isAsciiDigit(before) || isAsciiLetter(before) || before == ')' || before == '}'
            || before == '%')
            return begin;
    }
    negative = text[at - 1] == '-';
    return at - 1;
}

/// Digits in a word (CO2, x_1) or an exponent (cm^2, cm^{2}): not a number of its own.
bool partOfWord(std::string_view text, std::size_t begin)
{
    if (begin == 0)
        return false;
    std::size_t at = begin - 1;
    if (text[at] == '-' && at > 0 && (text[at - 1] == '^' || text[at - 1] == '{'))
        --at;
    if (text[at] == '{' && at > 0)
        return text[at - 1] == '^' || text[at - 1] == '_';
    if (text[at] == '^' || text[at] == '_')
        return true;
    if (!isAsciiLetter(text[at]))
        return false;
    while (at > 0 && begin - at < 20 && isAsciiLetter(text[at]))
        --at;
    return text[at] != '\\'; // \times5 is a command and a number
}

ScannedNumber scanAt(std::string_view text, std::size_t begin)
{
    Cursor cursor{ text, begin };
    ScannedNumber found;
    bool negative = false;
    const bool in_date = begin > 0 && text[begin - 1] == '/'; // 1/2/3
    found.begin = beginWithSign(text, begin, negative);
    double value = 0;
    if (const auto frac = takeFrac(cursor))
        value = *frac;
    else if (const auto decimal = takeDecimal(cursor)) {
        value = decimal->value;
        found.valid = decimal->valid;
        found.number.integer = decimal->integer;
        if (const auto part = decimal->integer.empty() ? std::nullopt : takeMixedPart(cursor)) {
            value += *part;
            found.number.integer.clear();
        } else if (const auto below = in_date ? std::nullopt : takeDenominator(cursor)) {
            value /= *below;
            found.number.integer.clear();
        }
    }
    if (const auto power = takePowerOfTen(cursor)) {
        value *= *power;
        found.number.integer.clear();
    }
    found.number.percent = takePercent(cursor);
    found.number.value = negative ? -value : value;
    if (negative && !found.number.integer.empty() && found.number.integer != "0") {
        std::string signed_digits(1, '-');
        signed_digits += found.number.integer;
        found.number.integer = std::move(signed_digits);
    }
    found.valid = found.valid && std::isfinite(value);
    found.end = cursor.at;
    return found;
}

} // namespace

std::optional<ScannedNumber> NumberScanner::next()
{
    while (m_at < m_text.size()) {
        const char c = m_text[m_at];
        const bool digit = isAsciiDigit(c)
            || (c == '.' && m_at + 1 < m_text.size() && isAsciiDigit(m_text[m_at + 1])
                && (m_at == 0 || !isAsciiDigit(m_text[m_at - 1])));
        Cursor frac{ m_text, m_at };
        if (digit && partOfWord(m_text, m_at)) {
            Cursor word{ m_text, m_at };
            takeDecimal(word);
            m_at = word.at;
        } else if (digit || (c == '\\' && takeFrac(frac))) {
            const ScannedNumber found = scanAt(m_text, m_at);
            m_at = found.end;
            return found;
        } else
            ++m_at;
    }
    return std::nullopt;
}

} // namespace zen
