#include "core/train/policy_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zen {

RolloutPlan rolloutPlanOf(const TrainingConfig& resolved)
{
    const BatchSection& batch = resolved.batch;
    RolloutPlan plan;
    plan.micro_batch = batch.per_device_train_batch_size;
    plan.micro_batches_per_step = batch.gradient_accumulation_steps;
    plan.micro_batches_per_generation
        = batch.steps_per_generation.value_or(batch.gradient_accumulation_steps);
    plan.iterations = batch.num_iterations;
    plan.group = batch.num_generations;
    plan.prompts = plan.micro_batch * plan.micro_batches_per_generation / plan.group;
    plan.max_completion = batch.max_completion_length.value_or(resolved.data.cutoff_len / 2);
    return plan;
}

Result<std::unique_ptr<Objective>> makePolicyObjective(RunContext& context)
{
    const RolloutPlan plan = rolloutPlanOf(context.config);
    const std::int64_t completions = plan.micro_batch * plan.micro_batches_per_generation;
    if (plan.group < 2 || plan.prompts < 1 || plan.prompts * plan.group != completions)
        return fail(fmt::format("num_generations: {} does not divide the {} completions of a "
                                "generation batch (per_device_train_batch_size {} x "
                                "steps_per_generation {})",
            plan.group, completions, plan.micro_batch, plan.micro_batches_per_generation));
    if (context.config.sampling.temperature <= 0)
        return fail(
            "temperature: must be above 0; without chance all completions of a prompt are equal");
    const std::int64_t longest = context.config.data.cutoff_len - plan.max_completion;
    std::size_t too_long = 0;
    std::vector<PreparedPrompt> prompts = preparePrompts(
        context.data.train, context.policy.tokenizer, context.config.model, longest, &too_long);
    if (too_long > 0)
        context.reporter.warning(fmt::format(
            "{} of {} prompts are longer than {} tokens (cutoff_len - max_completion_length) and "
            "are left out",
            too_long, context.data.train.rows.size(), longest));
    if (static_cast<std::int64_t>(prompts.size()) < plan.prompts)
        return fail(fmt::format("dataset: has {} usable prompts, but one generation needs {} "
                                "(completions of a generation batch / num_generations)",
            prompts.size(), plan.prompts));
    return std::make_unique<PolicyObjective>(context, std::move(prompts));
}

PolicyObjective::PolicyObjective(RunContext& context, std::vector<PreparedPrompt> prompts)
    : m_context(context)
    , m_plan(rolloutPlanOf(context.config))
    , m_loss(policyLossSettings(context.config))
    , m_prompts(std::move(prompts))
    , m_budget(context)
    , m_rows_at_once(rowsAtOnce(context.config))
{
}

/// The tail that does not fill a generation batch is dropped, as TRL's RepeatSampler does.
std::int64_t PolicyObjective::generationsPerEpoch() const
{
    return static_cast<std::int64_t>(m_prompts.size()) / m_plan.prompts;
}

std::int64_t PolicyObjective::totalSteps() const
{
    const OptimizerSection& optimizer = m_context.config.optimizer;
    if (optimizer.max_steps > 0)
        return optimizer.max_steps;
    const double micro_batches
        = std::floor(optimizer.num_train_epochs * static_cast<double>(generationsPerEpoch()))
        * static_cast<double>(m_plan.uses());
    return std::max<std::int64_t>(1,
        static_cast<std::int64_t>(
            micro_batches / static_cast<double>(m_plan.micro_batches_per_step)));
}

double PolicyObjective::epoch(const TrainingState& state) const
{
    const double per_epoch = static_cast<double>(generationsPerEpoch() * m_plan.uses());
    return static_cast<double>(state.step * m_plan.micro_batches_per_step) / per_epoch;
}

StepOutcome PolicyObjective::accumulateGradients(TrainingState& state)
{
    Metrics rollout_metrics;
    const std::vector<RolloutRow> rows = drawRows(state, rollout_metrics);
    StepOutcome outcome = learn(rows, state.step + 1);
    outcome.metrics.merge(rollout_metrics);
    outcome.metrics["num_tokens"] = state.num_tokens;
    return outcome;
}

/// A stream of its own for each purpose (permutations of prompts, rows, rewards).
std::uint64_t PolicyObjective::seedFor(std::uint64_t purpose, std::int64_t index) const
{
    std::uint64_t mixed = static_cast<std::uint64_t>(m_context.config.run.seed);
    for (const std::uint64_t part : { purpose, static_cast<std::uint64_t>(index) }) {
        mixed += 0x9E3779B97F4A7C15ULL * (part + 1); // splitmix64
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
        mixed ^= mixed >> 31;
    }
    return mixed;
}

} // namespace zen
