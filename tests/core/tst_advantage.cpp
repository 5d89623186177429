#include "core/algorithm/advantage.h"

#include <QTest>

#include <cmath>
#include <optional>

using namespace zen;

namespace {

RolloutGroup groupOf(const std::vector<std::optional<double>>& rewards)
{
    RolloutGroup group;
    for (const auto& reward : rewards) {
        Completion completion;
        completion.reward = reward;
        completion.reward_terms = { reward };
        group.completions.push_back(completion);
    }
    return group;
}

RolloutGroup groupOfTerms(const std::vector<std::vector<double>>& rows)
{
    RolloutGroup group;
    for (const auto& row : rows) {
        Completion completion;
        double total = 0;
        for (const double value : row) {
            completion.reward_terms.emplace_back(value);
            total += value;
        }
        completion.reward = total;
        group.completions.push_back(completion);
    }
    return group;
}

bool near(double a, double b, double tolerance = 1e-9)
{
    return std::abs(a - b) <= tolerance;
}

} // namespace

class TestAdvantage : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void group_isCentredAndDividedBySampleDeviation()
    {
        // mean 0.5, sample deviation sqrt(1/3) = 0.57735027
        std::vector<RolloutGroup> groups = { groupOf({ 0.0, 1.0, 0.0, 1.0 }) };
        assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::group, RewardAggregation::sum_then_normalize);
        QVERIFY(near(groups[0].completions[0].advantage, -0.5 / (0.5773502691896258 + 1e-4)));
        QVERIFY(near(groups[0].completions[1].advantage, 0.5 / (0.5773502691896258 + 1e-4)));
    }

    void constantGroup_getsExactlyZero()
    {
        std::vector<RolloutGroup> groups
            = { groupOf({ 0.1, 0.1, 0.1 }), groupOf({ 0.0, 3.0, 0.0 }) };
        const auto metrics = assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::group, RewardAggregation::sum_then_normalize);
        for (const Completion& completion : groups[0].completions)
            QCOMPARE(completion.advantage, 0.0);
        QVERIFY(groups[1].completions[1].advantage > 1.0);
        QVERIFY(near(metrics.at("frac_reward_zero_std"), 0.5));
    }

    void unscoredRow_isLeftOutAndGetsZero()
    {
        std::vector<RolloutGroup> groups = { groupOf({ 1.0, std::nullopt, 3.0 }) };
        const auto metrics = assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::group, RewardAggregation::sum_then_normalize);
        // mean 2, sample deviation sqrt(2)
        QVERIFY(near(groups[0].completions[0].advantage, -1.0 / (1.4142135623730951 + 1e-4)));
        QCOMPARE(groups[0].completions[1].advantage, 0.0);
        QVERIFY(near(metrics.at("reward"), 2.0));
        QVERIFY(near(metrics.at("rewards/unscored"), 1.0 / 3.0));
        QVERIFY(near(metrics.at("rewards/acc/mean"), 2.0));
    }

    void unscoredBatch_isAllZero()
    {
        std::vector<RolloutGroup> groups = { groupOf({ std::nullopt, std::nullopt }) };
        const auto metrics = assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::group, RewardAggregation::sum_then_normalize);
        QCOMPARE(groups[0].completions[0].advantage, 0.0);
        QVERIFY(near(metrics.at("rewards/unscored"), 1.0));
        QVERIFY(!metrics.contains("rewards/acc/mean"));
    }

    void batchScale_dividesByTheDeviationOfAllRows()
    {
        std::vector<RolloutGroup> groups = { groupOf({ 0.0, 2.0 }), groupOf({ 10.0, 12.0 }) };
        assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::batch, RewardAggregation::sum_then_normalize);
        // mean 6; squares 36 + 16 + 16 + 36 = 104; sqrt(104 / 3)
        QVERIFY(near(groups[0].completions[1].advantage, 1.0 / (5.887840577551898 + 1e-4)));
        QVERIFY(near(groups[1].completions[0].advantage, -1.0 / (5.887840577551898 + 1e-4)));
    }

    void noScale_onlyCentres()
    {
        std::vector<RolloutGroup> groups = { groupOf({ 0.0, 3.0 }) };
        assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::none, RewardAggregation::sum_then_normalize);
        QVERIFY(near(groups[0].completions[1].advantage, 1.5));
    }

    void normalizeThenSum_weighsTermsEqually()
    {
        // The second term is 100 times larger; after normalisation per group both count the same,
        // so rows 1 and 2 tie.
        std::vector<RolloutGroup> groups
            = { groupOfTerms({ { 0, 0 }, { 1, 0 }, { 0, 100 }, { 1, 100 } }) };
        assignAdvantages(groups, { "a", "b" }, { 1.0, 1.0 }, ScaleRewards::group,
            RewardAggregation::normalize_then_sum);
        const auto& rows = groups[0].completions;
        QVERIFY(near(rows[1].advantage, 0.0, 1e-3));
        QVERIFY(near(rows[2].advantage, 0.0, 1e-3));
        QVERIFY(near(rows[3].advantage, -rows[0].advantage, 1e-9));
        // Sums are about (-1.732, 0, 0, 1.732): sample deviation sqrt(2 * 3 / 3) = 1.4142
        QVERIFY(near(rows[3].advantage, 1.7320508 / 1.4142136, 1e-3));
    }

    void rewardStd_isThatOfTheWholeBatch()
    {
        std::vector<RolloutGroup> groups = { groupOf({ 0.0, 0.0 }), groupOf({ 1.0, 1.0 }) };
        const auto metrics = assignAdvantages(
            groups, { "acc" }, { 1.0 }, ScaleRewards::group, RewardAggregation::sum_then_normalize);
        QVERIFY(near(metrics.at("reward_std"), 0.5773502691896258));
        QVERIFY(near(metrics.at("frac_reward_zero_std"), 1.0));
    }
};

QTEST_GUILESS_MAIN(TestAdvantage)
#include "tst_advantage.moc"
