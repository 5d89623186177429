#include "core/config/schema_values.h"
#include "core/config/yaml_scalar.h"
#include "core/export/target_values.h"
#include "core/export/yaml_tree.h"

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

/// Parses YAML that a table spells as the field's value.
Result<FieldValue> ownWord(const Field& field, const std::string& word)
{
    return parseValue(field,
        field.type == FieldType::choice || field.type == FieldType::text ? formatText(word) : word);
}

std::string unquoted(const std::string& yaml)
{
    const ParsedYaml parsed = parseYaml(yaml);
    return parsed.findings.empty() && parsed.root.kind == YamlNode::Kind::scalar ? parsed.root.text
                                                                                 : yaml;
}

std::string shown(const YamlNode& value)
{
    switch (value.kind) {
    case YamlNode::Kind::scalar:
        return "`" + value.text.substr(0, 60) + "`";
    case YamlNode::Kind::null:
        return "an empty value";
    case YamlNode::Kind::sequence:
        return "a list";
    case YamlNode::Kind::mapping:
        break;
    }
    return "a mapping";
}

/// By the row's words; nullopt: the table does not say.
std::optional<Result<FieldValue>> byWords(
    const TargetRow& row, const Field& field, const YamlNode& value)
{
    if (value.kind != YamlNode::Kind::scalar)
        return {};
    for (const auto& [theirs, own] : row.import_values)
        if (sameScalar(theirs, value.text))
            return ownWord(field, own);
    for (const auto& [own, theirs] : row.values)
        if (theirs != "absent" && theirs != "same" && sameScalar(unquoted(theirs), value.text))
            return ownWord(field, own);
    return {};
}

/// The path or name of each entry of axolotl's or TRL's `datasets:`.
Result<FieldValue> datasetItems(const YamlNode& value)
{
    std::vector<std::string> items;
    for (const YamlNode& entry : value.items) {
        if (entry.kind == YamlNode::Kind::scalar) {
            items.push_back(entry.text);
            continue;
        }
        const YamlNode* path = nodeAt(entry, "path");
        const YamlNode* files = nodeAt(entry, "data_files");
        if (files && files->kind == YamlNode::Kind::sequence)
            for (const YamlNode& file : files->items)
                items.push_back(file.text);
        else if (files && files->kind == YamlNode::Kind::scalar)
            items.push_back(files->text);
        else if (path && path->kind == YamlNode::Kind::scalar)
            items.push_back(path->text);
        else
            return fail("an entry without path");
    }
    return items;
}

/// TRL's own functions, and the think format of ours; others keep their name for the report.
std::optional<RewardTermSpec> rewardFor(const std::string& function)
{
    RewardTermSpec term;
    const std::size_t dot = function.rfind('.');
    const std::string name = dot == std::string::npos ? function : function.substr(dot + 1);
    if (name == "think_format_reward" || name == "think_format")
        term.type = "think_format";
    else if (name == "accuracy_reward" || name == "reasoning_accuracy_reward"
        || name == "number_equal")
        term.type = "number_equal";
    else
        return {};
    term.name = name == "think_format" || name == "number_equal" ? name : term.type;
    return term;
}

Result<FieldValue> rewardTerms(
    const TargetRow& row, const YamlNode& value, const TrainingConfig& config)
{
    std::vector<RewardTermSpec> terms = config.algorithm.rewards;
    if (row.as == "reward_weights") {
        for (std::size_t i = 0; i < value.items.size() && i < terms.size(); ++i)
            if (const Result<double> weight = parseReal(value.items[i].text))
                terms[i].weight = *weight;
        return terms;
    }
    if (!terms.empty())
        return terms; // read from the module beside the file
    std::vector<std::string> unknown;
    std::vector<YamlNode> functions = value.items;
    if (value.kind == YamlNode::Kind::scalar)
        functions.push_back(value);
    for (const YamlNode& function : functions) {
        if (std::optional<RewardTermSpec> term = rewardFor(function.text))
            terms.push_back(std::move(*term));
        else
            unknown.push_back(function.text);
    }
    if (!unknown.empty())
        return fail("the Python function " + unknown.front()
            + " cannot be read; declare the rewards anew (`gym reward` tries them)");
    return terms;
}

Result<FieldValue> listFromTarget(
    const TargetRow& row, const Field& field, const YamlNode& value, const TrainingConfig& config)
{
    if (row.as.starts_with("contains ")) {
        std::vector<std::string> words = config.run.report_to;
        words.erase(std::remove(words.begin(), words.end(), "none"), words.end());
        if (parseBool(value.text).value_or(false))
            words.push_back(row.as.substr(9));
        if (words.empty())
            words.emplace_back("none");
        return words;
    }
    if (row.as == "axolotl_datasets" || row.as == "trl_datasets")
        return datasetItems(value);
    auto list = valueFromNode(field, row.own, value);
    if (!list)
        return fail(list.error().message);
    if (auto* words = std::get_if<std::vector<std::string>>(&*list))
        for (std::string& word : *words)
            for (const auto& [own, theirs] : row.rename)
                if (word == theirs)
                    word = own;
    return *list;
}

std::optional<Result<FieldValue>> numberFromTarget(
    const TargetRow& row, const YamlNode& value, const TrainingConfig& config)
{
    if (row.as == "some") {
        const std::optional<bool> on = parseBool(value.text);
        if (!on)
            return fail(shown(value) + " is neither true nor false");
        return FieldValue(std::int64_t{ *on ? config.run.log_completions : 0 });
    }
    if (row.as != "times_batch")
        return {};
    const Result<std::int64_t> completions = parseInteger(value.text);
    const std::int64_t batch = config.batch.per_device_train_batch_size;
    if (!completions)
        return fail(completions.error().message);
    if (batch <= 0 || *completions % batch != 0)
        return fail(std::to_string(*completions) + " completions are no whole micro-batches of "
            + std::to_string(batch));
    return FieldValue(*completions / batch);
}

/// The same scalar as the type that the field wants: 3.0 for a whole number, 2e-5 in quotes.
YamlNode asFieldWants(const Field& field, YamlNode value)
{
    if (value.kind != YamlNode::Kind::scalar)
        return value;
    if (field.type == FieldType::real || field.type == FieldType::integer
        || field.type == FieldType::boolean)
        value.quoted = false;
    if (field.type == FieldType::integer)
        if (const Result<double> number = parseReal(value.text);
            number && std::floor(*number) == *number && std::fabs(*number) < 1e15)
            value.text = std::to_string(static_cast<std::int64_t>(*number));
    return value;
}

} // namespace

Result<FieldValue> fromTargetYaml(
    const TargetRow& row, const YamlNode& value, const TrainingConfig& config)
{
    const Field& field = *findField(row.own);
    if (value.kind == YamlNode::Kind::null && !row.null_is.empty())
        return ownWord(field, row.null_is);
    if (const auto found = byWords(row, field, value))
        return *found;
    const bool passes = std::any_of(row.values.begin(), row.values.end(),
        [](const auto& pair) { return pair.second == "same"; });
    if (!row.values.empty() && !passes)
        return fail(shown(value) + " has no equivalent here");
    if (field.type == FieldType::rewards)
        return rewardTerms(row, value, config);
    if (field.type == FieldType::text_list)
        return listFromTarget(row, field, value, config);
    if (const auto number = numberFromTarget(row, value, config))
        return *number;
    if (!row.only.empty())
        if (const Result<double> number = parseReal(value.text);
            number && ((row.only == "share") != (*number > 0 && *number < 1)))
            return fail("another row");
    YamlNode wanted = asFieldWants(field, value);
    if (row.as == "negated") {
        const std::optional<bool> on = parseBool(wanted.text);
        if (!on)
            return fail(shown(value) + " is neither true nor false");
        return FieldValue(!*on);
    }
    const auto read = valueFromNode(field, row.own, wanted);
    if (!read)
        return fail(read.error().message);
    return *read;
}

} // namespace zen
