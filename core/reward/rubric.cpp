#include "core/reward/rubric.h"

#include "core/config/reward_types.h"
#include "core/reward/terms.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace zen {

namespace {

struct Factory {
    std::string_view type;
    std::unique_ptr<RewardTerm> (*make)(RewardParameters&);
};
constexpr Factory kFactories[] = { { "number_equal", &makeNumberEqual }, { "exact", &makeExact },
    { "regex", &makeRegex }, { "contains", &makeContains }, { "think_format", &makeThinkFormat },
    { "tags_once", &makeTagsOnce }, { "overlong", &makeOverlong },
    { "repetition", &makeRepetition } };
static_assert(std::size(kFactories) == kRewardTypes.size());

/// Types that say whether an answer is right, best first.
constexpr std::string_view kAccuracyTypes[] = { "number_equal", "exact", "contains" };

std::string nameOf(const RewardTermSpec& spec)
{
    return spec.name.empty() ? spec.type : spec.name;
}

std::optional<std::size_t> accuracyTermOf(std::span<const RewardTermSpec> specs)
{
    for (const std::string_view type : kAccuracyTypes)
        for (std::size_t i = 0; i < specs.size(); ++i)
            if (specs[i].type == type)
                return i;
    return std::nullopt;
}

} // namespace

tl::expected<std::unique_ptr<RewardTerm>, Diagnostic> makeRewardTerm(const RewardTermSpec& spec)
{
    const auto* factory = std::find_if(std::begin(kFactories), std::end(kFactories),
        [&](const Factory& one) { return one.type == spec.type; });
    if (factory == std::end(kFactories)) {
        std::vector<std::string_view> known;
        for (const RewardType& type : kRewardTypes)
            known.push_back(type.name);
        const std::string what = spec.type.empty() ? "type is missing." : "this type is not known.";
        return tl::unexpected(rewardProblem(spec, what + suggestion(spec.type, known)));
    }
    RewardParameters parameters(spec);
    auto term = factory->make(parameters);
    if (parameters.problem())
        return tl::unexpected(*parameters.problem());
    return term;
}

tl::expected<Rubric, Diagnostics> Rubric::build(std::span<const RewardTermSpec> specs)
{
    Diagnostics problems;
    Rubric rubric;
    std::set<std::string> names;
    for (const RewardTermSpec& spec : specs) {
        if (auto term = makeRewardTerm(spec))
            rubric.m_terms.push_back(std::move(*term));
        else
            problems.push_back(term.error());
        if (!names.insert(nameOf(spec)).second)
            problems.push_back(rewardProblem(
                spec, "another reward is called " + nameOf(spec) + "; give it a name of its own"));
        if (!std::isfinite(spec.weight))
            problems.push_back(rewardProblem(spec, "weight is not a finite number"));
        rubric.m_names.push_back(nameOf(spec));
        rubric.m_weights.push_back(spec.weight);
    }
    if (specs.empty()) {
        Diagnostic none;
        none.key = "rewards";
        none.message
            = "no reward is declared: an RL stage needs at least one, e.g. {type: number_equal}";
        problems.push_back(none);
    }
    if (!problems.empty())
        return tl::unexpected(std::move(problems));
    rubric.m_accuracy_term = accuracyTermOf(specs);
    return rubric;
}

RewardScores Rubric::score(const RewardInput& input) const
{
    RewardScores scores;
    for (std::size_t i = 0; i < m_terms.size(); ++i) {
        std::optional<double> score = m_terms[i]->score(input);
        if (score && !std::isfinite(*score))
            score.reset();
        if (score)
            scores.total = scores.total.value_or(0) + m_weights[i] * *score;
        scores.terms.push_back(score);
    }
    return scores;
}

} // namespace zen
