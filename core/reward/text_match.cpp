#include "core/reward/normalize_text.h"
#include "core/reward/terms.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

namespace zen {

namespace {

constexpr std::string_view kThinkOpen = "<think>";
constexpr std::string_view kThinkClose = "</think>";

class Exact final : public RewardTerm {
public:
    Exact(std::string field, TextNormalization how, Part part)
        : m_field(std::move(field))
        , m_how(how)
        , m_part(part)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        const std::string* gold = goldOf(input, m_field);
        if (gold == nullptr)
            return std::nullopt;
        const bool equal
            = normalized(partOf(input.completion, m_part), m_how) == normalized(*gold, m_how);
        return equal ? 1.0 : 0.0;
    }

private:
    std::string m_field;
    TextNormalization m_how;
    Part m_part;
};

class Regex final : public RewardTerm {
public:
    Regex(std::unique_ptr<const re2::RE2> pattern, Part part)
        : m_pattern(std::move(pattern))
        , m_part(part)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        const std::string_view text = partOf(input.completion, m_part);
        return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *m_pattern) ? 1.0
                                                                                              : 0.0;
    }

private:
    std::unique_ptr<const re2::RE2> m_pattern;
    Part m_part;
};

enum class Match { any, all };

class Contains final : public RewardTerm {
public:
    Contains(std::string field, std::vector<std::string> texts, Match match, TextNormalization how,
        Part part)
        : m_field(std::move(field))
        , m_texts(std::move(texts))
        , m_match(match)
        , m_how(how)
        , m_part(part)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        std::vector<std::string> wanted = m_texts;
        if (!m_field.empty()) {
            const std::string* gold = goldOf(input, m_field);
            if (gold == nullptr)
                return std::nullopt;
            wanted.push_back(*gold);
        }
        const std::string text = normalized(partOf(input.completion, m_part), m_how);
        const auto found = [&](const std::string& one) {
            return text.find(normalized(one, m_how)) != std::string::npos;
        };
        const bool good = m_match == Match::all ? std::all_of(wanted.begin(), wanted.end(), found)
                                                : std::any_of(wanted.begin(), wanted.end(), found);
        return good ? 1.0 : 0.0;
    }

private:
    std::string m_field;
    std::vector<std::string> m_texts;
    Match m_match;
    TextNormalization m_how;
    Part m_part;
};

} // namespace

Part readPart(RewardParameters& parameters, Part otherwise)
{
    static constexpr std::array<std::string_view, 2> kParts = { "all", "after_think" };
    const auto name
        = parameters.choice("on", otherwise == Part::all ? kParts[0] : kParts[1], kParts);
    return name == kParts[0] ? Part::all : Part::after_think;
}

std::string_view partOf(std::string_view completion, Part part)
{
    if (part == Part::all)
        return completion;
    if (const auto close = completion.rfind(kThinkClose); close != std::string_view::npos)
        return completion.substr(close + kThinkClose.size());
    return completion.find(kThinkOpen) == std::string_view::npos ? completion : std::string_view();
}

const std::string* goldOf(const RewardInput& input, const std::string& field)
{
    if (input.columns == nullptr)
        return nullptr;
    const auto found = input.columns->find(field);
    if (found == input.columns->end()
        || found->second.find_first_not_of(" \t\n\r\f\v") == std::string::npos)
        return nullptr;
    return &found->second;
}

std::unique_ptr<RewardTerm> makeExact(RewardParameters& parameters)
{
    return std::make_unique<Exact>(parameters.text("field", "answer"),
        readNormalization(parameters, { "strip" }), readPart(parameters, Part::after_think));
}

std::unique_ptr<RewardTerm> makeRegex(RewardParameters& parameters)
{
    static constexpr std::array<std::string_view, 3> kFlags
        = { "ignorecase", "multiline", "dotall" };
    parameters.require("pattern");
    const std::string pattern = parameters.text("pattern", ".");
    const auto flags = parameters.choices("flags", {}, kFlags);
    std::string letters;
    for (const auto& [name, letter] :
        { std::pair(kFlags[0], 'i'), { kFlags[1], 'm' }, { kFlags[2], 's' } })
        if (std::find(flags.begin(), flags.end(), name) != flags.end())
            letters += letter;
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto compiled = std::make_unique<const re2::RE2>(
        letters.empty() ? pattern : "(?" + letters + ")" + pattern, options);
    if (!compiled->ok())
        parameters.complain("pattern",
            "is not accepted: " + compiled->error()
                + ". Patterns are RE2's: no look-around, no back-references (they cannot be "
                  "matched in "
                  "linear time)");
    return std::make_unique<Regex>(std::move(compiled), readPart(parameters, Part::all));
}

std::unique_ptr<RewardTerm> makeContains(RewardParameters& parameters)
{
    static constexpr std::array<std::string_view, 2> kMatches = { "any", "all" };
    const bool has_texts = parameters.has("text");
    const bool has_field = parameters.has("field") || !has_texts;
    const Match match = parameters.choice("match", kMatches[0], kMatches) == kMatches[0]
        ? Match::any
        : Match::all;
    return std::make_unique<Contains>(
        has_field ? parameters.text("field", "answer") : std::string(),
        has_texts ? parameters.list("text", {}) : std::vector<std::string>(), match,
        readNormalization(parameters, {}), readPart(parameters, Part::all));
}

} // namespace zen
