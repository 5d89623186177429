#include "core/config/validate_rewards.h"

#include "core/base/nearest_word.h"
#include "core/config/reward_types.h"

#include <algorithm>
#include <set>

namespace zen {

namespace {

const std::string& nameOf(const RewardTermSpec& term)
{
    return term.name.empty() ? term.type : term.name;
}

Diagnostic errorAt(int line, std::string message)
{
    return { Severity::error, line, 0, "rewards", std::move(message), {} };
}

Diagnostic unknownType(const RewardTermSpec& term)
{
    std::vector<std::string_view> known;
    std::string allowed;
    for (const RewardType& each : kRewardTypes) {
        known.push_back(each.name);
        allowed += (allowed.empty() ? "" : ", ") + std::string(each.name);
    }
    const std::string nearest = nearestWord(term.type, known);
    return errorAt(term.line,
        "`" + term.type + "` is no kind of reward; "
            + (nearest.empty() ? "allowed are " + allowed : "did you mean `" + nearest + "`?"));
}

Diagnostic unknownParameter(
    const RewardTermSpec& term, const RewardType& type, const std::string& name)
{
    std::vector<std::string_view> known{ "type", "name", "weight" };
    std::string allowed;
    for (const std::string_view parameter : type.parameters)
        if (!parameter.empty()) {
            known.push_back(parameter);
            allowed += (allowed.empty() ? "" : ", ") + std::string(parameter);
        }
    std::string hint = allowed.empty() ? "it has none" : "allowed are " + allowed;
    if (const std::string nearest = nearestWord(name, known); !nearest.empty())
        hint = "did you mean `" + nearest + "`?";
    return errorAt(term.line, "`" + name + "` is no setting of " + term.type + "; " + hint);
}

} // namespace

Diagnostics rewardFindings(const std::vector<RewardTermSpec>& rewards)
{
    Diagnostics findings;
    if (rewards.empty()) {
        findings.push_back(errorAt(0, "is missing: say what a good completion is"));
        findings.back().fix = Fix{ "Compare the number in the answer",
            { { "rewards",
                "  - {type: number_equal, weight: 1.0}\n  - {type: think_format, weight: "
                "0.1}" } } };
        return findings;
    }
    std::set<std::string> names;
    for (const RewardTermSpec& term : rewards) {
        const RewardType* type = findRewardType(term.type);
        if (!type)
            findings.push_back(unknownType(term));
        else
            for (const auto& [name, values] : term.parameters)
                if (name.empty()
                    || std::find(type->parameters.begin(), type->parameters.end(), name)
                        == type->parameters.end())
                    findings.push_back(unknownParameter(term, *type, name));
        if (!names.insert(nameOf(term)).second)
            findings.push_back(errorAt(term.line,
                "another reward has the name `" + nameOf(term) + "`: give each its own name"));
    }
    if (std::all_of(rewards.begin(), rewards.end(),
            [](const RewardTermSpec& term) { return term.weight == 0; }))
        findings.push_back(errorAt(0, "every weight is 0: there is nothing to learn"));
    return findings;
}

} // namespace zen
