#pragma once

#include "core/algorithm/policy_loss.h"
#include "core/rollout/generator.h"
#include "core/rollout/rollout.h"
#include "core/train/conversation.h"
#include "core/train/objective.h"
#include "core/train/token_budget.h"

#include <span>
#include <vector>

namespace zen {

// A "micro-batch" is per_device_train_batch_size completions; a generation batch holds
// steps_per_generation of them and is learned from num_iterations times; an optimiser step takes
// gradient_accumulation_steps of them (training-spec 3.2).

/// The sizes that follow from the configuration.
struct RolloutPlan {
    std::int64_t micro_batch = 1; ///< completions
    std::int64_t micro_batches_per_step = 1;
    std::int64_t micro_batches_per_generation = 1;
    std::int64_t iterations = 1;
    std::int64_t group = 2; ///< completions of a prompt
    std::int64_t prompts = 1; ///< of a generation batch
    std::int64_t max_completion = 1; ///< tokens

    /// Micro-batches drawn from one generation batch before the next is made.
    std::int64_t uses() const { return micro_batches_per_generation * iterations; }
    /// True if some micro-batch is learned from after the policy has moved on, so that the ratio is
    /// not 1.
    bool offPolicy() const { return micro_batches_per_step % uses() != 0; }
};
RolloutPlan rolloutPlanOf(const TrainingConfig& resolved);

/// One step of GRPO (arXiv 2402.03300) or GSPO (arXiv 2507.18071): prompts, rollouts, rewards,
/// advantages, old and reference log-probabilities (rollout_phase.cpp), then the clipped surrogate
/// and its gradient (update_phase.cpp).
class PolicyObjective final : public Objective {
public:
    PolicyObjective(RunContext& context, std::vector<PreparedPrompt> prompts);

    std::int64_t totalSteps() const override;
    double epoch(const TrainingState& state) const override;
    StepOutcome accumulateGradients(TrainingState& state) override;

    /// Log-probabilities that stay fixed while the batch is learned from: the policy's own before
    /// the first update (if a later update will differ from it), and the reference policy's (if
    /// beta is not 0). `step` is for reports.
    void addFixedLogprobs(std::vector<RolloutRow>& rows, std::int64_t step);
    /// Adds the gradients of one optimiser step that learns from these rows.
    StepOutcome learn(const std::vector<RolloutRow>& rows, std::int64_t step);

private:
    // rollout_phase.cpp
    std::vector<RolloutRow> drawRows(TrainingState& state, Metrics& metrics);
    void makeRollouts(TrainingState& state);
    std::vector<RolloutGroup> drawPrompts(std::int64_t generation) const;
    Metrics generateCompletions(std::vector<RolloutGroup>& groups, TrainingState& state);
    Metrics scoreCompletions(std::vector<RolloutGroup>& groups, TrainingState& state);
    void publishCompletions(const std::vector<RolloutGroup>& groups, std::int64_t step);
    std::vector<RolloutRow> rowsOf(const std::vector<RolloutGroup>& groups) const;
    void addFixedLogprobsInParts(
        const std::vector<RolloutRow*>& by_length, std::int64_t tokens, std::int64_t step);

    // update_phase.cpp
    StepOutcome learnInParts(
        const std::vector<const RolloutRow*>& order, std::int64_t tokens, std::int64_t step);
    PolicyLoss partLoss(std::span<const RolloutRow* const> rows, const StepNormalizer& normalizer,
        std::int64_t step, std::int64_t first_row);

    std::int64_t generationsPerEpoch() const;
    std::uint64_t seedFor(std::uint64_t purpose, std::int64_t index) const;

    RunContext& m_context;
    RolloutPlan m_plan;
    PolicyLossSettings m_loss;
    std::vector<PreparedPrompt> m_prompts;
    TokenBudget m_budget;
    std::int64_t m_rows_at_once; ///< completions written at the same time; halved like the budget
};

} // namespace zen
