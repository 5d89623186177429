#include "core/export/condition.h"

#include "core/config/yaml_scalar.h"

#include <algorithm>

namespace zen {

namespace {

std::optional<double> numberIn(const std::optional<std::string>& value)
{
    if (!value)
        return {};
    const Result<double> number = parseReal(*value);
    return number ? std::optional<double>(*number) : std::nullopt;
}

bool namesZero3(const std::optional<std::string>& value)
{
    return value
        && (value->find("z3") != std::string::npos || value->find("zero3") != std::string::npos);
}

bool wordHolds(std::string_view word, const std::optional<std::string>& value)
{
    if (word.starts_with("not "))
        return !wordHolds(word.substr(4), value);
    if (word == "set")
        return value && !value->empty();
    if (word == "unset")
        return !value || value->empty();
    if (word == "positive")
        return numberIn(value).value_or(0) > 0;
    if (word == "share")
        return numberIn(value).value_or(-1) >= 0 && *numberIn(value) <= 1;
    if (word == "two")
        return numberIn(value).value_or(0) >= 2;
    if (word == "file")
        return value && value->find(".json") != std::string::npos;
    if (word == "zero3")
        return namesZero3(value);
    return value && *value == word;
}

} // namespace

Result<Conditions> readConditions(const YamlNode& node)
{
    Conditions conditions;
    if (node.kind == YamlNode::Kind::null)
        return conditions;
    if (node.kind != YamlNode::Kind::mapping)
        return fail("line " + std::to_string(node.line) + ": conditions are a mapping");
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        Condition condition{ node.keys[i].text, {} };
        if (node.items[i].kind == YamlNode::Kind::sequence)
            for (const YamlNode& word : node.items[i].items)
                condition.words.push_back(word.text);
        else
            condition.words.push_back(node.items[i].text);
        conditions.push_back(std::move(condition));
    }
    return conditions;
}

bool holds(const Condition& condition, const ValueLookup& valueOf)
{
    const std::optional<std::string> value = valueOf(condition.key);
    return std::any_of(condition.words.begin(), condition.words.end(),
        [&](const std::string& word) { return wordHolds(word, value); });
}

bool allHold(const Conditions& conditions, const ValueLookup& valueOf)
{
    return std::all_of(conditions.begin(), conditions.end(),
        [&](const Condition& condition) { return holds(condition, valueOf); });
}

bool anyHolds(const Conditions& conditions, const ValueLookup& valueOf)
{
    return std::any_of(conditions.begin(), conditions.end(),
        [&](const Condition& condition) { return holds(condition, valueOf); });
}

} // namespace zen
