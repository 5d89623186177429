#include "core/reward/answer_number.h"

#include "core/reward/number_scanner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace zen {

namespace {

constexpr double kRoundingOnly = 1e-6;

struct Replacement {
    std::string_view from;
    std::string_view to;
};
constexpr Replacement kReplacements[]
    = { { "\\dfrac", "\\frac" }, { "\\tfrac", "\\frac" }, { "\\cfrac", "\\frac" },
          { "\\displaystyle", "" }, { "\\$", "$" }, { "\\%", "%" }, { "\\ ", " " }, { "{,}", "," },
          { "~", " " }, { "\xE2\x88\x92", "-" }, { "\xC2\xA0", " " }, { "\xE2\x80\xAF", " " } };
constexpr std::string_view kThinSpaces[] = { "\\!", "\\,", "\\;", "\\:" };
constexpr std::string_view kSizes[] = { "\\left", "\\right" };

bool closeTo(double a, double b, double rel_tol)
{
    return std::abs(a - b) <= rel_tol * std::max(std::abs(a), std::abs(b));
}

/// The replacement for what stands at the beginning of `rest`, or none. `last` is the character
/// before it.
const Replacement* replacementFor(std::string_view rest, char last, Replacement& made)
{
    for (const Replacement& one : kReplacements)
        if (rest.starts_with(one.from))
            return &one;
    for (const std::string_view space : kThinSpaces)
        if (rest.starts_with(space)) {
            const bool inside = isAsciiDigit(last) && rest.size() > space.size()
                && isAsciiDigit(rest[space.size()]);
            made = { space, inside ? "" : " " };
            return &made;
        }
    for (const std::string_view size : kSizes)
        if (rest.starts_with(size)
            && (rest.size() == size.size() || !isAsciiLetter(rest[size.size()]))) {
            made = { size, "" };
            return &made;
        }
    return nullptr;
}

constexpr std::string_view kSpaces = " \t\n\r\f\v";
constexpr std::string_view kHarmless = " \t\n\r\f\v$(){}[].,:;'\"`?&%";
/// LaTeX commands that say nothing about the value.
constexpr std::array<std::string_view, 13> kHarmlessCommands
    = { "\\text", "\\textbf", "\\textit", "\\mathrm", "\\mathbf", "\\mbox", "\\boxed", "\\fbox",
          "\\circ", "\\degree", "\\quad", "\\qquad", "\\mathit" };
constexpr std::string_view kUnitLetters = "mgshlLKCFVWAJN";
constexpr std::string_view kMathSymbols[] = { "\xC2\xB1", "\xE2\x88\x9A", "\xCF\x80", "\xC3\x97",
    "\xC3\xB7", "\xE2\x88\x9E" }; // ± √ π × ÷ ∞

/// Judges what stands around the one number of an answer.
class Surroundings {
public:
    explicit Surroundings(std::string_view text)
        : m_text(text)
    {
    }

    /// True if text[begin, end) holds nothing that makes the answer an expression.
    bool harmless(std::size_t begin, std::size_t end)
    {
        for (std::size_t at = begin; at < end;) {
            const std::size_t length = harmlessLength(at, begin);
            if (length == 0)
                return false;
            at += length;
        }
        return true;
    }

private:
    bool letterAt(std::size_t at) const { return at < m_text.size() && isAsciiLetter(m_text[at]); }
    bool letterBefore(std::size_t at) const { return at > 0 && isAsciiLetter(m_text[at - 1]); }

    std::size_t wordLength(std::size_t at) const
    {
        std::size_t end = at;
        while (letterAt(end))
            ++end;
        return end - at;
    }

    /// Characters to go on by; 0 if the character here is not harmless.
    std::size_t harmlessLength(std::size_t at, std::size_t begin) const
    {
        const char c = m_text[at];
        if (kHarmless.find(c) != std::string_view::npos
            || isAsciiDigit(c)) // digits of a word: m2, cm^2
            return 1;
        if (isAsciiLetter(c)) {
            const std::size_t length = wordLength(at);
            const bool glued = at == begin && begin > 0;
            const bool variable
                = glued && length == 1 && kUnitLetters.find(c) == std::string_view::npos;
            return variable ? 0 : length;
        }
        if (c == '\\') {
            const std::string_view command = m_text.substr(at, 1 + wordLength(at + 1));
            return std::count(kHarmlessCommands.begin(), kHarmlessCommands.end(), command) > 0
                ? command.size()
                : 0;
        }
        if (c == '*')
            return at + 1 < m_text.size() && m_text[at + 1] == '*' ? 2 : 0;
        if (c == '-' || c == '/')
            return letterBefore(at) && letterAt(at + 1) ? 1 : 0;
        if (c == '^') {
            const std::string_view rest = m_text.substr(at + 1);
            const bool degree = rest.starts_with("\\circ") || rest.starts_with("{\\circ}");
            return degree || letterBefore(at) || (at > 0 && m_text[at - 1] == '}') ? 1 : 0;
        }
        if (c == '!')
            return at == begin && begin > 0 ? 0 : 1;
        if (static_cast<unsigned char>(c) >= 0x80) {
            const bool math = std::any_of(std::begin(kMathSymbols), std::end(kMathSymbols),
                [&](std::string_view symbol) { return m_text.substr(at).starts_with(symbol); });
            return math ? 0 : 1;
        }
        return 0;
    }

    std::string_view m_text;
};

std::string_view afterLastEquals(std::string_view text)
{
    const auto equals = text.rfind('=');
    const auto approx = text.rfind("\\approx");
    std::size_t from = equals == std::string_view::npos ? 0 : equals + 1;
    if (approx != std::string_view::npos)
        from = std::max(from, approx + std::string_view("\\approx").size());
    return text.substr(from);
}

} // namespace

bool sameNumber(const AnswerNumber& a, const AnswerNumber& b, double rel_tol)
{
    const bool whole = !a.integer.empty() && !b.integer.empty() && rel_tol <= kRoundingOnly;
    if (whole ? a.integer == b.integer : closeTo(a.value, b.value, rel_tol))
        return true;
    if (a.percent == b.percent)
        return false;
    return a.percent ? closeTo(a.value / 100, b.value, rel_tol)
                     : closeTo(a.value, b.value / 100, rel_tol);
}

std::string cleanedMath(std::string_view text)
{
    constexpr std::string_view kStarts = "\\{~\xE2\xC2";
    std::string cleaned;
    cleaned.reserve(text.size());
    while (!text.empty()) {
        Replacement made;
        const Replacement* replacement = kStarts.find(text.front()) == std::string_view::npos
            ? nullptr
            : replacementFor(text, cleaned.empty() ? '\0' : cleaned.back(), made);
        if (replacement == nullptr) {
            cleaned += text.front();
            text.remove_prefix(1);
        } else {
            cleaned += replacement->to;
            text.remove_prefix(replacement->from.size());
        }
    }
    return cleaned;
}

std::optional<std::string_view> lastBoxed(std::string_view cleaned)
{
    struct Brace {
        std::size_t content;
        bool boxed;
    };
    std::vector<Brace> open;
    std::optional<std::string_view> last;
    for (std::size_t at = 0; at < cleaned.size(); ++at) {
        const char c = cleaned[at];
        if (c == '\\')
            ++at; // \{ is a character, and a command's name holds no brace
        else if (c == '{') {
            const std::string_view before = cleaned.substr(0, at);
            const auto end = before.find_last_not_of(' ');
            const std::string_view command = end == std::string_view::npos || at - end > 4
                ? std::string_view()
                : before.substr(0, end + 1);
            open.push_back({ at + 1, command.ends_with("\\boxed") || command.ends_with("\\fbox") });
        } else if (c == '}' && !open.empty()) {
            if (open.back().boxed)
                last = cleaned.substr(open.back().content, at - open.back().content);
            open.pop_back();
        }
    }
    return last;
}

std::optional<std::string_view> afterHashes(std::string_view cleaned)
{
    constexpr std::string_view kHashes = "####";
    for (auto at = cleaned.rfind(kHashes); at != std::string_view::npos;
         at = at == 0 ? std::string_view::npos : cleaned.rfind(kHashes, at - 1)) {
        if (at > 0 && cleaned[at - 1] == '#')
            continue;
        const std::string_view rest = cleaned.substr(at + kHashes.size());
        if (!rest.starts_with('#'))
            return rest.substr(0, rest.find_first_of("\r\n"));
    }
    return std::nullopt;
}

std::optional<AnswerNumber> lastNumber(std::string_view cleaned)
{
    std::optional<ScannedNumber> last;
    NumberScanner scanner(cleaned);
    while (auto found = scanner.next())
        last = std::move(found);
    if (!last || !last->valid)
        return std::nullopt;
    return last->number;
}

std::optional<AnswerNumber> leadingNumber(std::string_view cleaned)
{
    const auto begin = cleaned.find_first_not_of(" \t$:*");
    if (begin == std::string_view::npos)
        return std::nullopt;
    const auto found = NumberScanner(cleaned).next();
    if (!found || !found->valid || found->begin > begin)
        return std::nullopt;
    return found->number;
}

std::optional<AnswerNumber> onlyNumber(std::string_view cleaned)
{
    std::string_view text = afterLastEquals(cleaned);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpaces)));
    NumberScanner scanner(text);
    const auto found = scanner.next();
    if (!found || !found->valid || scanner.next())
        return std::nullopt;
    Surroundings around(text);
    if (!around.harmless(0, found->begin) || !around.harmless(found->end, text.size()))
        return std::nullopt;
    return found->number;
}

} // namespace zen
