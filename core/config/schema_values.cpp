#include "core/config/schema_values.h"

#include "core/base/nearest_word.h"
#include "core/base/word_list.h"
#include "core/config/reward_values.h"
#include "core/config/schema_aliases.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

using Value = tl::expected<FieldValue, ValueProblem>;

tl::unexpected<ValueProblem> problemAt(const YamlNode& node, std::string message)
{
    return tl::unexpected<ValueProblem>(
        ValueProblem{ Severity::error, node.line, node.column, {}, std::move(message), {} });
}

std::string_view nameOf(YamlNode::Kind kind)
{
    switch (kind) {
    case YamlNode::Kind::null:
        return "empty";
    case YamlNode::Kind::sequence:
        return "a list";
    case YamlNode::Kind::mapping:
        return "a mapping";
    case YamlNode::Kind::scalar:
        break;
    }
    return "text";
}

std::string_view wanted(FieldType type)
{
    switch (type) {
    case FieldType::boolean:
        return "true or false";
    case FieldType::integer:
        return "a whole number";
    case FieldType::real:
        return "a number";
    case FieldType::text:
        return "text";
    case FieldType::path:
        return "a path";
    case FieldType::choice:
        return "one of its words";
    case FieldType::text_list:
        return "words, as in [a, b]";
    case FieldType::rewards:
        return "a list of rewards, as in `- {type: number_equal, weight: 1.0}`";
    }
    return "";
}

std::string numberText(const Field& field, double value)
{
    return field.type == FieldType::integer ? std::to_string(static_cast<std::int64_t>(value))
                                            : formatReal(value);
}

Fix useFix(const Field& field, std::string value)
{
    return { "Use " + value, { { std::string(field.key), value } } };
}

/// The number if it is inside the field's range.
Value inRange(const Field& field, const YamlNode& node, double number, FieldValue value)
{
    const bool low = field.minimum_open ? number <= field.minimum : number < field.minimum;
    if (!low && number <= field.maximum)
        return value;
    const std::string allowed = std::string(field.minimum_open ? "more than " : "")
        + numberText(field, field.minimum) + (field.minimum_open ? " and at most " : " to ")
        + numberText(field, field.maximum);
    auto problem = problemAt(node, node.text + " is out of range: allowed is " + allowed);
    if (!low)
        problem.value().fix = useFix(field, numberText(field, field.maximum));
    else if (!field.minimum_open)
        problem.value().fix = useFix(field, numberText(field, field.minimum));
    return problem;
}

Value readChoice(const Field& field, std::string_view spelling, const YamlNode& node)
{
    const std::string word(translatedWord(spelling, node.text));
    if (std::find(field.choices.begin(), field.choices.end(), word) != field.choices.end())
        return word;
    auto problem = problemAt(
        node, "`" + node.text + "` is not known: allowed is " + alternatives(field.choices));
    const std::string nearest = nearestWord(word, field.choices);
    if (!nearest.empty())
        problem.value().fix = useFix(field, toYaml(nearest));
    return problem;
}

Value readScalar(const Field& field, std::string_view spelling, const YamlNode& node)
{
    if (field.type == FieldType::choice)
        return readChoice(field, spelling, node);
    if (field.type == FieldType::text || field.type == FieldType::path)
        return node.text;
    const std::string text(translatedWord(spelling, node.text));
    if (node.quoted) {
        auto problem = problemAt(node,
            "\"" + node.text + "\" is text; " + std::string(field.key) + " is "
                + std::string(wanted(field.type)) + ": leave out the quotes");
        if (parseBool(text) || parseReal(text))
            problem.value().fix = useFix(field, text);
        return problem;
    }
    if (field.type == FieldType::boolean) {
        if (const std::optional<bool> flag = parseBool(text))
            return *flag;
        return problemAt(node, "`" + node.text + "` is neither true nor false");
    }
    if (field.type == FieldType::integer) {
        const Result<std::int64_t> number = parseInteger(text);
        if (!number)
            return problemAt(node, number.error().message);
        return inRange(field, node, static_cast<double>(*number), *number);
    }
    const Result<double> number = parseReal(text);
    if (!number)
        return problemAt(node, number.error().message);
    return inRange(field, node, *number, *number);
}

std::vector<std::string> splitAtCommas(std::string_view text)
{
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view word = text.substr(0, comma);
        while (!word.empty() && word.front() == ' ')
            word.remove_prefix(1);
        while (!word.empty() && word.back() == ' ')
            word.remove_suffix(1);
        if (!word.empty())
            words.emplace_back(word);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return words;
}

Value readTextList(const YamlNode& node)
{
    if (node.kind == YamlNode::Kind::scalar)
        return splitAtCommas(node.text);
    std::vector<std::string> words;
    for (const YamlNode& item : node.items) {
        if (item.kind != YamlNode::Kind::scalar)
            return problemAt(item, std::string(nameOf(item.kind)) + " in a list of words");
        words.push_back(item.text);
    }
    return words;
}

Value readRewards(const YamlNode& node)
{
    Diagnostics problems;
    std::vector<RewardTermSpec> terms = rewardsFromNode(node, problems);
    if (!problems.empty())
        return tl::unexpected<ValueProblem>(problems.front());
    return terms;
}

Value readNull(const Field& field, std::string_view spelling, const YamlNode& node)
{
    if (field.optional)
        return FieldValue{};
    switch (field.type) {
    case FieldType::text:
    case FieldType::path:
        return std::string();
    case FieldType::text_list:
        return std::vector<std::string>();
    case FieldType::rewards:
        return std::vector<RewardTermSpec>();
    default:
        break;
    }
    const std::string_view word = translatedWord(spelling, "null");
    if (word != "null")
        return std::string(word);
    return problemAt(node, "the value is missing: it is " + std::string(wanted(field.type)));
}

struct ToYaml {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return formatReal(value); }
    std::string operator()(const std::string& value) const { return formatText(value); }
    std::string operator()(const std::vector<std::string>& values) const
    {
        if (values.size() == 1 && !values.front().empty()
            && values.front().find(',') == std::string::npos
            && splitAtCommas(values.front()) == values)
            return formatText(values.front());
        std::string text = "[";
        for (std::size_t i = 0; i < values.size(); ++i)
            text += (i > 0 ? ", " : "") + formatText(values[i]);
        return text + "]";
    }
    std::string operator()(const std::vector<RewardTermSpec>& terms) const
    {
        return rewardsToYaml(terms);
    }
};

} // namespace

Value valueFromNode(const Field& field, std::string_view spelling, const YamlNode& node)
{
    if (node.kind == YamlNode::Kind::null)
        return readNull(field, spelling, node);
    if (field.type == FieldType::rewards)
        return readRewards(node);
    if (field.type == FieldType::text_list
        && (node.kind == YamlNode::Kind::sequence || node.kind == YamlNode::Kind::scalar))
        return readTextList(node);
    if (node.kind != YamlNode::Kind::scalar || field.type == FieldType::text_list)
        return problemAt(node,
            "the value is " + std::string(nameOf(node.kind)) + "; " + std::string(field.key)
                + " is " + std::string(wanted(field.type)));
    return readScalar(field, spelling, node);
}

Value valueFromArgument(const Field& field, std::string_view spelling, std::string_view text)
{
    const bool is_yaml = field.type == FieldType::rewards
        || (field.type == FieldType::text_list && text.starts_with('['));
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.text = std::string(text);
    if (is_yaml) {
        ParsedYaml parsed = parseYaml(text);
        if (!parsed.findings.empty())
            return problemAt({}, parsed.findings.front().message);
        node = std::move(parsed.root);
    } else if (text.empty() || (field.optional && (text == "null" || text == "~"))) {
        node.kind = YamlNode::Kind::null;
    }
    Value value = valueFromNode(field, spelling, node);
    if (!value)
        value.error().line = value.error().column = 0;
    return value;
}

std::string toYaml(const FieldValue& value)
{
    return std::visit(ToYaml{}, value);
}

Result<FieldValue> parseValue(const Field& field, std::string_view yaml)
{
    const bool is_block = yaml.starts_with(' ') || yaml.starts_with('-');
    const bool is_list_block = is_block && yaml.find_first_not_of(' ') != std::string_view::npos
        && yaml.substr(yaml.find_first_not_of(' ')).starts_with("- ");
    ParsedYaml parsed = parseYaml((is_list_block ? "k:\n" : "k: ") + std::string(yaml) + "\n");
    if (!parsed.findings.empty())
        return fail(parsed.findings.front().message);
    if (parsed.root.items.size() != 1)
        return fail("not one value");
    const Value value = valueFromNode(field, field.key, parsed.root.items.front());
    if (!value)
        return fail(value.error().message);
    return *value;
}

} // namespace zen
