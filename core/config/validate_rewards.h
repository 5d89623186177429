#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"

#include <vector>

namespace zen {

/// What is wrong with a run's rewards as a whole: none given, unknown types and settings, names
/// used twice, weights that are all 0. Values of settings are checked by core/reward.
Diagnostics rewardFindings(const std::vector<RewardTermSpec>& rewards);

} // namespace zen
