#include "core/algorithm/advantage.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace zen {

namespace {

/// TRL's guard against a vanishing deviation.
constexpr double kDeviationGuard = 1e-4;

using Score = std::optional<double>;

struct Moments {
    double mean = 0;
    double deviation = 0; ///< sample standard deviation; 0 for fewer than two values
    bool constant = true; ///< all equal, or nothing scored
    std::size_t count = 0;
};

Moments momentsOf(std::span<const Score> scores)
{
    Moments moments;
    double lowest = 0, highest = 0;
    for (const Score& score : scores) {
        if (!score)
            continue;
        lowest = moments.count == 0 ? *score : std::min(lowest, *score);
        highest = moments.count == 0 ? *score : std::max(highest, *score);
        moments.mean += *score;
        ++moments.count;
    }
    if (moments.count == 0)
        return moments;
    moments.mean /= static_cast<double>(moments.count);
    moments.constant = lowest == highest;
    if (moments.constant)
        return moments;
    double squares = 0;
    for (const Score& score : scores)
        if (score)
            squares += (*score - moments.mean) * (*score - moments.mean);
    moments.deviation = std::sqrt(squares / static_cast<double>(moments.count - 1));
    return moments;
}

std::vector<Score> totalsOf(const RolloutGroup& group)
{
    std::vector<Score> totals;
    for (const Completion& completion : group.completions)
        totals.push_back(completion.reward);
    return totals;
}

std::vector<Score> columnOf(const RolloutGroup& group, std::size_t term)
{
    std::vector<Score> column;
    for (const Completion& completion : group.completions)
        column.push_back(
            term < completion.reward_terms.size() ? completion.reward_terms[term] : Score());
    return column;
}

std::vector<Score> joined(const std::vector<std::vector<Score>>& parts)
{
    std::vector<Score> all;
    for (const std::vector<Score>& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

void sumThenNormalize(std::vector<RolloutGroup>& groups, ScaleRewards scale, double batch_deviation)
{
    for (RolloutGroup& group : groups) {
        const Moments moments = momentsOf(totalsOf(group));
        for (Completion& completion : group.completions) {
            completion.advantage = 0;
            if (!completion.reward || moments.constant)
                continue;
            const double centred = *completion.reward - moments.mean;
            if (scale == ScaleRewards::none)
                completion.advantage = centred;
            else
                completion.advantage = centred
                    / ((scale == ScaleRewards::group ? moments.deviation : batch_deviation)
                        + kDeviationGuard);
        }
    }
}

/// GDPO (arXiv 2601.05242): every term is normalised within its group, then the weighted sum over
/// the whole batch.
void normalizeThenSum(std::vector<RolloutGroup>& groups, const std::vector<double>& weights)
{
    std::vector<Score> sums;
    for (RolloutGroup& group : groups) {
        std::vector<double> weighted(group.completions.size(), 0.0);
        for (std::size_t term = 0; term < weights.size(); ++term) {
            const std::vector<Score> column = columnOf(group, term);
            const Moments moments = momentsOf(column);
            if (moments.constant)
                continue;
            for (std::size_t row = 0; row < column.size(); ++row)
                if (column[row])
                    weighted[row] += weights[term] * (*column[row] - moments.mean)
                        / (moments.deviation + kDeviationGuard);
        }
        for (std::size_t row = 0; row < weighted.size(); ++row)
            sums.push_back(group.completions[row].reward ? Score(weighted[row]) : Score());
    }
    const Moments batch = momentsOf(sums);
    std::size_t next = 0;
    for (RolloutGroup& group : groups)
        for (Completion& completion : group.completions) {
            const Score sum = sums[next++];
            completion.advantage = !sum || batch.constant
                ? 0.0
                : (*sum - batch.mean) / (batch.deviation + kDeviationGuard);
        }
}

} // namespace

std::map<std::string, double> assignAdvantages(std::vector<RolloutGroup>& groups,
    const std::vector<std::string>& reward_names, const std::vector<double>& weights,
    ScaleRewards scale, RewardAggregation aggregation)
{
    std::vector<std::vector<Score>> totals;
    for (const RolloutGroup& group : groups)
        totals.push_back(totalsOf(group));
    const std::vector<Score> all = joined(totals);
    const Moments batch = momentsOf(all);

    if (aggregation == RewardAggregation::sum_then_normalize)
        sumThenNormalize(groups, scale, batch.deviation);
    else
        normalizeThenSum(groups, weights);

    std::map<std::string, double> metrics;
    metrics["reward"] = batch.mean;
    metrics["reward_std"] = batch.deviation;
    std::size_t without_spread = 0;
    for (const std::vector<Score>& group : totals)
        if (scale == ScaleRewards::batch ? batch.constant : momentsOf(group).constant)
            without_spread += group.size();
    const double rows = std::max(static_cast<double>(all.size()), 1.0);
    metrics["frac_reward_zero_std"] = static_cast<double>(without_spread) / rows;
    metrics["rewards/unscored"] = static_cast<double>(all.size() - batch.count) / rows;

    for (std::size_t term = 0; term < reward_names.size(); ++term) {
        std::vector<std::vector<Score>> columns;
        for (const RolloutGroup& group : groups)
            columns.push_back(columnOf(group, term));
        const Moments moments = momentsOf(joined(columns));
        if (moments.count == 0)
            continue;
        metrics["rewards/" + reward_names[term] + "/mean"] = moments.mean;
        metrics["rewards/" + reward_names[term] + "/std"] = moments.deviation;
    }
    return metrics;
}

} // namespace zen
