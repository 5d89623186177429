#include "core/reward/answer_number.h"
#include "core/reward/number_scanner.h"
#include "core/reward/terms.h"

#include <array>

namespace zen {

namespace {

enum class Extract { boxed, hashes, last_number };

/// A gold text with this many words is prose, whose last number is its answer.
constexpr int kProseWords = 5;

bool isProse(std::string_view text)
{
    int words = 0;
    std::size_t length = 0;
    bool command = false;
    for (const char c : text) {
        if (isAsciiLetter(c)) {
            ++length;
            continue;
        }
        words += length >= 2 && !command ? 1 : 0;
        length = 0;
        command = c == '\\';
    }
    return words + (length >= 2 && !command ? 1 : 0) >= kProseWords;
}

/// nullopt: the row's answer is no number.
std::optional<AnswerNumber> goldNumber(const std::string& gold)
{
    const std::string text = cleanedMath(gold);
    if (const auto boxed = lastBoxed(text))
        return onlyNumber(*boxed);
    if (const auto marked = afterHashes(text))
        return onlyNumber(*marked);
    if (const auto number = onlyNumber(text))
        return number;
    return isProse(text) ? lastNumber(text) : std::nullopt;
}

/// The first way that finds its mark decides; the last number is looked for only where no mark
/// stands.
std::optional<AnswerNumber> finalNumber(
    std::string_view completion, const std::vector<Extract>& ways)
{
    const std::string text = cleanedMath(completion);
    for (const Extract way : ways) {
        if (way == Extract::boxed) {
            if (const auto boxed = lastBoxed(text))
                return onlyNumber(*boxed);
        } else if (way == Extract::hashes) {
            if (const auto marked = afterHashes(text))
                if (const auto number = leadingNumber(*marked))
                    return number; // else: a heading
        } else if (const auto number = lastNumber(text))
            return number;
    }
    return std::nullopt;
}

class NumberEqual final : public RewardTerm {
public:
    NumberEqual(std::string field, std::vector<Extract> ways, double rel_tol, Part part)
        : m_field(std::move(field))
        , m_ways(std::move(ways))
        , m_rel_tol(rel_tol)
        , m_part(part)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        const std::string* gold = goldOf(input, m_field);
        const auto wanted = gold != nullptr ? goldNumber(*gold) : std::nullopt;
        if (!wanted)
            return std::nullopt;
        const auto found = finalNumber(partOf(input.completion, m_part), m_ways);
        return found && sameNumber(*found, *wanted, m_rel_tol) ? 1.0 : 0.0;
    }

private:
    std::string m_field;
    std::vector<Extract> m_ways;
    double m_rel_tol;
    Part m_part;
};

std::vector<Extract> readWays(RewardParameters& parameters)
{
    static constexpr std::array<std::string_view, 3> kNames
        = { "\\boxed{}", "####", "last_number" };
    std::vector<Extract> ways;
    for (const std::string& name :
        parameters.list("extract", { kNames[0], kNames[1], kNames[2] })) {
        if (name == kNames[0] || name == "\\\\boxed{}" || name == "\\boxed" || name == "boxed")
            ways.push_back(Extract::boxed);
        else if (name == kNames[1])
            ways.push_back(Extract::hashes);
        else if (name == kNames[2])
            ways.push_back(Extract::last_number);
        else
            parameters.complain("extract", "holds \"" + name + "\"." + suggestion(name, kNames));
    }
    return ways;
}

} // namespace

std::unique_ptr<RewardTerm> makeNumberEqual(RewardParameters& parameters)
{
    return std::make_unique<NumberEqual>(parameters.text("field", "answer"), readWays(parameters),
        parameters.number("rel_tol", 1e-6, 0, 1), readPart(parameters, Part::all));
}

} // namespace zen
