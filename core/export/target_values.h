#pragma once

#include "core/config/schema.h"
#include "core/export/target.h"

#include <optional>
#include <string>

namespace zen {

/// The keys of a resolved configuration as conditions see them: plain words, lists joined by
/// commas; and `rl` (set for gspo and grpo), `holdout` (set where rows are held out).
/// `resolved` must outlive the lookup.
ValueLookup lookupIn(const TrainingConfig& resolved);
ValueLookup lookupIn(TrainingConfig&&) = delete;

/// A row's own value as YAML for the tool; nullopt: it is not written there. `as` may be:
/// negated (a switch that says the opposite), some (a number as a switch: 0 is off), list (always a
/// list), contains WORD (a switch for one word of a list), times_batch (micro-batches as
/// completions), whole_groups (prompts as completions in whole groups), dataset_names (a file's
/// name without folder and ending), reporters (without those that only this program writes),
/// axolotl_datasets, trl_datasets, reward_functions,
/// reward_weights.
std::optional<std::string> toTargetYaml(const TargetRow& row, const TrainingConfig& resolved);

/// What an absent key means there, as YAML; nullopt: not known.
std::optional<std::string> targetDefaultOf(
    const TargetRow& row, const AcceptedKeys& accepted, const TrainingConfig& resolved);

/// The way back. `config` is what has been read so far; the answer is the field's value, an error
/// says why the value has no equivalent.
Result<FieldValue> fromTargetYaml(
    const TargetRow& row, const YamlNode& value, const TrainingConfig& config);

/// True if two YAML scalars say the same (1 and 1.0, yes and true).
bool sameScalar(std::string_view left, std::string_view right);

/// The Python function that stands for a reward: its name with everything but letters, digits and _
/// replaced.
std::string rewardFunctionName(const RewardTermSpec& term);

/// The module that reward functions are generated into.
inline constexpr std::string_view kRewardModule = "zen_rewards";

/// `resources/starter/train.jsonl` -> `train`; names stay.
std::string datasetName(const std::string& name_or_path);

} // namespace zen
