#pragma once

#include "core/config/training_config.h"
#include "core/rollout/rollout.h"

#include <map>
#include <string>
#include <vector>

namespace zen {

/// Advantages of a generation batch (training-spec 1.1), written into each completion: (R - mean of
/// group) / (s + 1e-4), sample std, in float64; unscored rows are left out of mean and std and get
/// 0; a constant group gets exactly 0. Returns reward metrics with TRL's names: reward, reward_std,
/// frac_reward_zero_std, rewards/<name>/mean and /std, rewards/unscored.
std::map<std::string, double> assignAdvantages(std::vector<RolloutGroup>& groups,
    const std::vector<std::string>& reward_names, const std::vector<double>& weights,
    ScaleRewards scale, RewardAggregation aggregation);

} // namespace zen
