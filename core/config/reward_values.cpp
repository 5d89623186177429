#include "core/config/reward_values.h"

#include "core/base/result.h"
#include "core/config/yaml_scalar.h"

namespace zen {

namespace {

tl::unexpected<Diagnostic> rewardProblemAt(const YamlNode& node, std::string message)
{
    return tl::unexpected<Diagnostic>(
        Diagnostic{ Severity::error, node.line, node.column, "rewards", std::move(message), {} });
}

tl::expected<std::vector<std::string>, Diagnostic> readParameter(
    std::string_view name, const YamlNode& node)
{
    if (node.kind == YamlNode::Kind::scalar)
        return std::vector<std::string>{ node.text };
    if (node.kind == YamlNode::Kind::sequence) {
        std::vector<std::string> words;
        for (const YamlNode& item : node.items) {
            if (item.kind != YamlNode::Kind::scalar)
                return rewardProblemAt(
                    item, std::string(name) + ": only single values can stand inside a list");
            words.push_back(item.text);
        }
        return words;
    }
    return rewardProblemAt(node,
        std::string(name) + (node.kind == YamlNode::Kind::null ? " is empty" : " is a mapping")
            + ": allowed is one value or a list of values");
}

tl::expected<RewardTermSpec, Diagnostic> readRewardTerm(const YamlNode& node)
{
    RewardTermSpec term;
    term.line = node.line;
    if (node.kind == YamlNode::Kind::scalar) {
        term.type = term.name = node.text;
        return term;
    }
    if (node.kind != YamlNode::Kind::mapping)
        return rewardProblemAt(
            node, "a reward is a mapping, as in {type: number_equal, weight: 1.0}");
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const std::string& key = node.keys[i].text;
        const YamlNode& value = node.items[i];
        const auto parameter = readParameter(key, value);
        if (!parameter)
            return tl::unexpected<Diagnostic>(parameter.error());
        const bool is_own = key == "type" || key == "name" || key == "weight";
        if (is_own && value.kind != YamlNode::Kind::scalar)
            return rewardProblemAt(value, key + " is one value, not a list");
        if (key == "type") {
            term.type = value.text;
        } else if (key == "name") {
            term.name = value.text;
        } else if (key == "weight") {
            const Result<double> weight = value.quoted
                ? Result<double>(fail("\"" + value.text + "\" is text: leave out the quotes"))
                : parseReal(value.text);
            if (!weight)
                return rewardProblemAt(value, "weight: " + weight.error().message);
            term.weight = *weight;
        } else {
            term.parameters[key] = *parameter;
        }
    }
    if (term.type.empty())
        return rewardProblemAt(node, "a reward needs a type, as in {type: number_equal}");
    if (term.name.empty())
        term.name = term.type;
    return term;
}

std::string rewardToYaml(const RewardTermSpec& term)
{
    std::string text = "  - {";
    if (!term.name.empty() && term.name != term.type)
        text += "name: " + formatText(term.name) + ", ";
    text += "type: " + formatText(term.type);
    for (const auto& [key, values] : term.parameters) {
        text += ", " + formatText(key) + ": ";
        const auto scalar = [](const std::string& value) {
            return parseInteger(value) ? value : formatText(value);
        };
        if (values.size() == 1) {
            const Result<double> number = parseReal(values.front());
            text += number && formatReal(*number) == values.front() ? values.front()
                                                                    : scalar(values.front());
            continue;
        }
        text += '[';
        for (std::size_t i = 0; i < values.size(); ++i)
            text += (i > 0 ? ", " : "") + scalar(values[i]);
        text += ']';
    }
    return text + ", weight: " + formatReal(term.weight) + "}";
}

} // namespace

std::vector<RewardTermSpec> rewardsFromNode(const YamlNode& node, Diagnostics& problems)
{
    std::vector<RewardTermSpec> terms;
    if (node.kind == YamlNode::Kind::null)
        return terms;
    if (node.kind != YamlNode::Kind::sequence) {
        problems.push_back(rewardProblemAt(
            node, "rewards must be a list of rewards, as in `- {type: number_equal, weight: 1.0}`")
                               .value());
        return terms;
    }
    for (const YamlNode& item : node.items) {
        if (auto term = readRewardTerm(item))
            terms.push_back(std::move(*term));
        else
            problems.push_back(std::move(term.error()));
    }
    return terms;
}

std::string rewardsToYaml(const std::vector<RewardTermSpec>& terms)
{
    std::string text;
    for (const RewardTermSpec& term : terms)
        text += (text.empty() ? "" : "\n") + rewardToYaml(term);
    return terms.empty() ? "[]" : text;
}

} // namespace zen
