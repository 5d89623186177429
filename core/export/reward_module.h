#pragma once

#include "core/base/result.h"
#include "core/config/training_config.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zen {

/// A Python module with one function for each reward of the configuration, as TRL and axolotl call
/// them (prompts, completions and the row's columns; a score or None for each), and as_prompt,
/// which makes axolotl's prompts of rows. Errors: the resources cannot be read, a reward's settings
/// are wrong.
Result<std::string> rewardModule(const TrainingConfig& config);

/// The rewards that a module made by rewardModule() in this folder declares; empty if there is no
/// such file. Errors: unreadable.
Result<std::vector<RewardTermSpec>> readRewardModule(const std::filesystem::path& folder);

} // namespace zen
