#include "core/export/target_values.h"

#include "core/config/reporters.h"
#include "core/config/schema_values.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <filesystem>

namespace zen {

namespace {

/// A value as a plain word, as conditions and tables spell it.
struct PlainWord {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const std::vector<std::string>& values) const
    {
        std::string text;
        for (const std::string& value : values)
            text += (text.empty() ? "" : ",") + value;
        return text;
    }
    std::string operator()(const std::vector<RewardTermSpec>& terms) const
    {
        return terms.empty() ? std::string() : "[]";
    }
    template <class T> std::string operator()(const T& value) const { return toYaml(value); }
};

std::string wordOf(const FieldValue& value)
{
    return std::visit(PlainWord{}, value);
}

std::string listYaml(const std::vector<std::string>& words)
{
    std::string text = "[";
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i > 0 ? ", " : "") + formatText(words[i]);
    return text + "]";
}

std::string renamed(const TargetRow& row, const std::string& word)
{
    for (const auto& [own, theirs] : row.rename)
        if (own == word)
            return theirs;
    return word;
}

std::int64_t toWholeGroups(std::int64_t prompts, std::int64_t group)
{
    return group <= 0 ? prompts : (prompts + group - 1) / group * group;
}

/// An item of `dataset:` that is a file and no registered name.
bool isDatasetPath(std::string_view name_or_path)
{
    return name_or_path.ends_with(".json") || name_or_path.ends_with(".jsonl");
}

std::string axolotlDatasets(const std::vector<std::string>& items, bool is_rl)
{
    const std::string type = is_rl ? std::string(kRewardModule) + ".as_prompt" : "chat_template";
    std::string text;
    for (const std::string& item : items) {
        text += (text.empty() ? "" : "\n") + std::string("- {path: ") + formatText(item);
        if (isDatasetPath(item))
            text += ", ds_type: json";
        text += ", split: train, type: " + type + "}";
    }
    return text;
}

std::string trlDatasets(const std::vector<std::string>& items)
{
    std::string text;
    for (const std::string& item : items)
        text += (text.empty() ? "" : "\n")
            + (isDatasetPath(item) ? "- {path: json, data_files: " + formatText(item)
                                   : "- {path: " + formatText(item))
            + ", split: train}";
    return text;
}

std::string rewardList(const std::vector<RewardTermSpec>& terms, bool weights)
{
    std::string text = "[";
    for (const RewardTermSpec& term : terms)
        text += (text.size() > 1 ? ", " : "")
            + (weights ? formatReal(term.weight)
                       : std::string(kRewardModule) + "." + rewardFunctionName(term));
    return text + "]";
}

std::vector<std::string> datasetNames(const std::vector<std::string>& items)
{
    std::vector<std::string> names;
    for (const std::string& item : items)
        names.push_back(datasetName(item));
    return names;
}

/// Without the reporters that only this program and LLaMA-Factory's own files have.
std::vector<std::string> knownElsewhere(std::vector<std::string> reporters)
{
    std::erase_if(reporters, [](const std::string& name) {
        return name != "tensorboard"
            && std::find(kReporters.begin(), kReporters.end(), name) != kReporters.end();
    });
    if (reporters.empty())
        reporters.emplace_back("none");
    return reporters;
}

std::optional<std::string> listToTarget(
    const TargetRow& row, const std::vector<std::string>& list, const TrainingConfig& resolved)
{
    if (row.as == "dataset_names")
        return toYaml(datasetNames(list));
    if (row.as == "reporters")
        return toYaml(knownElsewhere(list));
    if (row.as == "axolotl_datasets")
        return axolotlDatasets(list, resolved.algorithm.stage != Stage::sft);
    if (row.as == "trl_datasets")
        return trlDatasets(list);
    if (row.as.starts_with("contains "))
        return std::find(list.begin(), list.end(), row.as.substr(9)) != list.end()
            ? std::optional<std::string>("true")
            : std::nullopt;
    std::vector<std::string> words;
    for (const std::string& word : list)
        words.push_back(renamed(row, word));
    return listYaml(words);
}

bool fitsOnly(const std::string& only, double number)
{
    const bool is_share = number > 0 && number < 1;
    return only.empty() || (only == "share") == is_share;
}

} // namespace

ValueLookup lookupIn(const TrainingConfig& resolved)
{
    return [&resolved](std::string_view key) -> std::optional<std::string> {
        if (key == "rl")
            return resolved.algorithm.stage == Stage::sft ? std::nullopt
                                                          : std::optional<std::string>("rl");
        if (key == "holdout")
            return resolved.data.val_size > 0 || !resolved.data.eval_dataset.empty()
                ? std::optional<std::string>("rows")
                : std::nullopt;
        const Field* field = findField(key);
        if (!field)
            return {};
        return wordOf(field->get(resolved));
    };
}

std::optional<std::string> toTargetYaml(const TargetRow& row, const TrainingConfig& resolved)
{
    const FieldValue value = findField(row.own)->get(resolved);
    const std::string word = wordOf(value);
    if (!row.skip.empty() && (word == row.skip || sameScalar(word, row.skip)))
        return {};
    if (!row.only.empty())
        if (const Result<double> number = parseReal(word); number && !fitsOnly(row.only, *number))
            return {};
    if (!row.values.empty()) {
        for (const auto& [own, theirs] : row.values)
            if (own == word || own == "other")
                return theirs == "absent" ? std::nullopt
                    : theirs == "same"    ? std::optional<std::string>(toYaml(value))
                                          : std::optional<std::string>(theirs);
        return {};
    }
    if (row.as == "negated")
        return word == "true" ? "false" : "true";
    if (row.as == "some")
        return word == "0" ? "false" : "true";
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        if (row.as == "times_batch")
            return std::to_string(*number * resolved.batch.per_device_train_batch_size);
        if (row.as == "whole_groups" && resolved.algorithm.stage != Stage::sft)
            return std::to_string(toWholeGroups(*number, resolved.batch.num_generations));
    }
    if (const auto* terms = std::get_if<std::vector<RewardTermSpec>>(&value))
        return rewardList(*terms, row.as == "reward_weights");
    if (const auto* list = std::get_if<std::vector<std::string>>(&value); list && !row.as.empty())
        return listToTarget(row, *list, resolved);
    return toYaml(value);
}

std::optional<std::string> targetDefaultOf(
    const TargetRow& row, const AcceptedKeys& accepted, const TrainingConfig& resolved)
{
    if (row.target_default == "from_accumulation") {
        const std::int64_t steps = resolved.batch.gradient_accumulation_steps;
        return std::to_string(
            row.as == "times_batch" ? steps * resolved.batch.per_device_train_batch_size : steps);
    }
    if (!row.target_default.empty())
        return row.target_default;
    const AcceptedKey* key = accepted.find(row.key);
    const bool is_value = key && (key->keys.empty() || !key->accepts("dict"));
    if (is_value && key->default_yaml)
        return key->default_yaml;
    return row.null_is.empty() ? std::nullopt : std::optional<std::string>(row.null_is);
}

bool sameScalar(std::string_view left, std::string_view right)
{
    if (left == right)
        return true;
    const Result<double> a = parseReal(left);
    const Result<double> b = parseReal(right);
    if (a && b)
        return *a == *b;
    const std::optional<bool> yes = parseBool(left);
    return yes && yes == parseBool(right);
}

std::string rewardFunctionName(const RewardTermSpec& term)
{
    std::string name;
    for (const char c : term.name)
        name
            += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    if (name.empty() || (name.front() >= '0' && name.front() <= '9'))
        name.insert(0, "reward_");
    return name;
}

std::string datasetName(const std::string& name_or_path)
{
    return isDatasetPath(name_or_path) ? std::filesystem::path(name_or_path).stem().string()
                                       : name_or_path;
}

} // namespace zen
