#include "core/train/policy_objective.h"
#include "core/train/stopwatch.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

namespace {

constexpr std::uint64_t kDropout = 4;
constexpr const char* kRouterLoss = "router_loss"; ///< among the sums over micro-batches

/// The step's rows in the order in which they are cut into micro-batches: by length, which saves
/// padding and changes nothing since every loss but bnpo divides by the whole step.
std::vector<const RolloutRow*> microBatchOrder(
    const std::vector<RolloutRow>& rows, LossType loss_type)
{
    std::vector<const RolloutRow*> order;
    for (const RolloutRow& row : rows)
        order.push_back(&row);
    if (loss_type != LossType::bnpo)
        std::stable_sort(order.begin(), order.end(),
            [](const RolloutRow* a, const RolloutRow* b) { return tokensOf(*a) < tokensOf(*b); });
    return order;
}

StepNormalizer normalizerOf(std::span<const RolloutRow* const> rows)
{
    StepNormalizer step;
    step.rows = static_cast<double>(rows.size());
    for (const RolloutRow* row : rows)
        if (!row->masked)
            step.active_tokens += static_cast<double>(row->completion_ids.size());
    return step;
}

/// Calls use(micro-batch, index of its first row); the last one may be smaller.
template <class Use>
void forMicroBatches(
    std::span<const RolloutRow* const> rows, std::int64_t micro_batch, const Use& use)
{
    const auto size = static_cast<std::size_t>(micro_batch);
    for (std::size_t begin = 0; begin < rows.size(); begin += size)
        use(rows.subspan(begin, std::min(size, rows.size() - begin)), begin);
}

} // namespace

StepOutcome PolicyObjective::learn(const std::vector<RolloutRow>& rows, std::int64_t step)
{
    m_context.reporter.phase(Phase::updating, step);
    releaseIdleMemory(m_context.policy.model);
    const Stopwatch watch;
    const std::vector<const RolloutRow*> order = microBatchOrder(rows, m_loss.loss_type);
    std::int64_t largest = 0;
    forMicroBatches(
        std::span(order), m_plan.micro_batch, [&](const auto& micro_batch, std::size_t) {
            largest = std::max(
                largest, largestPart(micro_batch, m_budget.tokens(), micro_batch.size()));
        });

    StepOutcome outcome;
    m_budget.within(step, largest, longestRow(std::span<const RolloutRow* const>(order)),
        [&](std::int64_t tokens) { outcome = learnInParts(order, tokens, step); });
    outcome.update_seconds = watch.seconds();
    return outcome;
}

/// Micro-batch after micro-batch, each in parts of at most `tokens` tokens.
StepOutcome PolicyObjective::learnInParts(
    const std::vector<const RolloutRow*>& order, std::int64_t tokens, std::int64_t step)
{
    StepNormalizer normalizer = normalizerOf(order);
    StepOutcome outcome;
    std::map<std::string, double> sums;
    forMicroBatches(
        std::span(order), m_plan.micro_batch, [&](const auto& micro_batch, std::size_t begin) {
            const StepNormalizer own = normalizerOf(micro_batch);
            normalizer.micro_batch_rows = own.rows;
            normalizer.micro_batch_tokens = own.active_tokens;
            forParts(
                micro_batch, tokens, micro_batch.size(), [&](const auto& part, std::size_t first) {
                    m_context.checkControl(step);
                    const std::size_t place = begin + first;
                    m_context.reporter.phase(Phase::updating, step,
                        static_cast<double>(place) / static_cast<double>(order.size()));
                    const PolicyLoss loss
                        = partLoss(part, normalizer, step, static_cast<std::int64_t>(place));
                    if (loss.loss.requires_grad())
                        loss.loss.backward();
                    outcome.loss += loss.loss.template item<double>();
                    addSums(sums, loss.sums);
                    for (const RolloutRow* row : part)
                        outcome.update_tokens += static_cast<double>(tokensOf(*row));
                });
        });
    outcome.metrics = policyMetrics(sums);
    if (const auto router = sums.find(kRouterLoss); router != sums.end())
        outcome.metrics["aux_loss"] = router->second;
    return outcome;
}

/// @param first_row place of the first of these rows in the step's order
PolicyLoss PolicyObjective::partLoss(std::span<const RolloutRow* const> rows,
    const StepNormalizer& normalizer, std::int64_t step, std::int64_t first_row)
{
    const TokenBatch batch = batchOf(rows);
    ForwardOptions forward;
    forward.gradient_checkpointing = m_context.config.memory.gradient_checkpointing;
    forward.first_row = first_row;
    if (m_context.config.adapter.lora_dropout > 0)
        forward.dropout_key = seedFor(kDropout, step);
    const double router_weight = m_context.config.algorithm.router_aux_loss_coef;
    at::Tensor router_loss;
    if (router_weight > 0)
        forward.router_loss = &router_loss;
    const TokenLogprobs scored = scoreTargets(m_context.policy.model, batch, forward,
        m_context.config.sampling.temperature, m_context.config.memory.logprob_chunk_tokens,
        LogprobDetail::all);

    PolicyLossInputs inputs;
    inputs.logprobs_BT = toRectangle(scored.logprobs_N, rows);
    inputs.entropies_BT = toRectangle(scored.entropies_N, rows);
    inputs.unscaled_logprobs_BT = toRectangle(scored.unscaled_logprobs_N, rows);
    inputs.mask_BT = completionMask(rows);
    inputs.advantages_B = advantagesOf(rows);
    if (m_plan.offPolicy())
        inputs.old_logprobs_BT = rectangleOf(rows, &RolloutRow::old_logprobs);
    if (m_loss.beta != 0)
        inputs.reference_logprobs_BT = rectangleOf(rows, &RolloutRow::reference_logprobs);
    PolicyLoss loss = policyLoss(inputs, m_loss, normalizer);
    if (router_loss.defined()) { // each part counts by its share of the step's rows
        const at::Tensor share = router_loss * (static_cast<double>(rows.size()) / normalizer.rows);
        loss.loss = loss.loss + router_weight * share;
        loss.sums[kRouterLoss] = share.item<double>();
    }
    return loss;
}

} // namespace zen
