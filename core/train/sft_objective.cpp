#include "core/algorithm/sft_loss.h"
#include "core/train/conversation.h"
#include "core/train/objective.h"
#include "core/train/stopwatch.h"
#include "core/train/token_budget.h"

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace zen {

namespace {

/// Steps whose rows are sorted by length together; large enough to save padding, small enough to
/// keep batches varied.
constexpr std::size_t kLengthWindow = 32;
/// Keeps dropout's keys apart from those of the row order.
constexpr std::uint64_t kDropoutPurpose = std::uint64_t{ 1 } << 40;

/// Supervised fine-tuning: mean NLL of what the assistant says.
class SftObjective final : public Objective {
public:
    SftObjective(RunContext& context, std::vector<LearnedText> texts)
        : m_context(context)
        , m_texts(std::move(texts))
        , m_micro_batch(static_cast<std::size_t>(context.config.batch.per_device_train_batch_size))
        , m_rows_per_step(std::min(m_texts.size(),
              m_micro_batch
                  * static_cast<std::size_t>(context.config.batch.gradient_accumulation_steps)))
        , m_budget(context)
    {
    }

    std::int64_t totalSteps() const override
    {
        const OptimizerSection& optimizer = m_context.config.optimizer;
        if (optimizer.max_steps > 0)
            return optimizer.max_steps;
        return std::max<std::int64_t>(1,
            static_cast<std::int64_t>(
                std::ceil(optimizer.num_train_epochs * static_cast<double>(stepsPerEpoch()))));
    }

    double epoch(const TrainingState& state) const override
    {
        return static_cast<double>(state.step) / static_cast<double>(stepsPerEpoch());
    }

    StepOutcome accumulateGradients(TrainingState& state) override;

private:
    std::int64_t stepsPerEpoch() const
    {
        return static_cast<std::int64_t>(m_texts.size() / m_rows_per_step);
    }
    std::uint64_t seedFor(std::int64_t epoch, std::uint64_t purpose) const
    {
        return static_cast<std::uint64_t>(m_context.config.run.seed) * 1'000'003
            + static_cast<std::uint64_t>(epoch) * 1'009 + purpose;
    }
    std::vector<std::size_t> orderOf(std::int64_t epoch) const;
    std::vector<const LearnedText*> rowsOf(std::int64_t step);
    StepOutcome learnInParts(const std::vector<const LearnedText*>& rows, double targets,
        std::int64_t tokens, std::int64_t step);

    RunContext& m_context;
    std::vector<LearnedText> m_texts;
    std::size_t m_micro_batch;
    std::size_t m_rows_per_step;
    TokenBudget m_budget;
    std::int64_t m_ordered_epoch = -1;
    std::vector<std::size_t> m_order; ///< of m_ordered_epoch
};

/// Rows of an epoch: shuffled, sorted by length within windows, and the steps of a window shuffled
/// again.
std::vector<std::size_t> SftObjective::orderOf(std::int64_t epoch) const
{
    std::vector<std::size_t> order(m_texts.size());
    std::iota(order.begin(), order.end(), std::size_t{ 0 });
    if (!m_context.config.data.shuffle_dataset)
        return order;
    order = permutation(m_texts.size(), seedFor(epoch, 0));
    const std::size_t window = kLengthWindow * m_rows_per_step;
    std::vector<std::size_t> grouped;
    grouped.reserve(order.size());
    for (std::size_t begin = 0; begin < order.size(); begin += window) {
        const std::size_t end = std::min(begin + window, order.size());
        const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
        const std::size_t steps = (end - begin) / m_rows_per_step;
        if (steps == 0)
            break;
        std::stable_sort(first, order.begin() + static_cast<std::ptrdiff_t>(end),
            [this](std::size_t a, std::size_t b) {
                return m_texts[a].ids.size() < m_texts[b].ids.size();
            });
        for (const std::size_t step : permutation(steps, seedFor(epoch, begin + 1)))
            for (std::size_t row = 0; row < m_rows_per_step; ++row)
                grouped.push_back(order[begin + step * m_rows_per_step + row]);
    }
    return grouped;
}

std::vector<const LearnedText*> SftObjective::rowsOf(std::int64_t step)
{
    const std::int64_t epoch = step / stepsPerEpoch();
    if (epoch != m_ordered_epoch) {
        m_order = orderOf(epoch);
        m_ordered_epoch = epoch;
    }
    const auto begin = static_cast<std::size_t>(step % stepsPerEpoch()) * m_rows_per_step;
    std::vector<const LearnedText*> rows;
    for (std::size_t row = 0; row < m_rows_per_step; ++row)
        rows.push_back(&m_texts[m_order[begin + row]]);
    std::stable_sort(rows.begin(), rows.end(),
        [](const LearnedText* a, const LearnedText* b) { return a->ids.size() < b->ids.size(); });
    return rows;
}

StepOutcome SftObjective::accumulateGradients(TrainingState& state)
{
    const std::int64_t step = state.step + 1;
    m_context.reporter.phase(Phase::updating, step);
    const Stopwatch watch;
    const std::vector<const LearnedText*> rows = rowsOf(state.step);
    double targets = 0;
    for (const LearnedText* row : rows)
        targets += static_cast<double>(row->targets());

    const std::span<const LearnedText* const> all(rows);
    StepOutcome outcome;
    m_budget.within(step, largestPart(all, m_budget.tokens(), m_micro_batch), longestRow(all),
        [&](std::int64_t tokens) { outcome = learnInParts(rows, targets, tokens, step); });
    state.num_tokens += outcome.update_tokens;
    outcome.metrics["num_tokens"] = state.num_tokens;
    outcome.update_seconds = watch.seconds();
    return outcome;
}

StepOutcome SftObjective::learnInParts(const std::vector<const LearnedText*>& rows, double targets,
    std::int64_t tokens, std::int64_t step)
{
    StepOutcome outcome;
    ForwardOptions forward;
    const double router_weight = m_context.config.algorithm.router_aux_loss_coef;
    double nll = 0;
    at::Tensor router_loss;
    if (router_weight > 0)
        forward.router_loss = &router_loss;
    forward.gradient_checkpointing = m_context.config.memory.gradient_checkpointing;
    if (m_context.config.adapter.lora_dropout > 0)
        forward.dropout_key = seedFor(step, kDropoutPurpose);
    forParts(std::span(rows), tokens, m_micro_batch, [&](const auto& part, std::size_t begin) {
        m_context.checkControl(step);
        forward.first_row = static_cast<std::int64_t>(begin);
        const at::Tensor logprobs_N = scoreTargets(m_context.policy.model, batchOf(part), forward,
            1.0, m_context.config.memory.logprob_chunk_tokens, LogprobDetail::targets)
                                          .logprobs_N;
        at::Tensor loss = sftLoss(logprobs_N, targets);
        nll += loss.template item<double>();
        if (router_loss.defined()) { // each part counts by its share of the rows
            const at::Tensor share = router_loss
                * (static_cast<double>(part.size()) / static_cast<double>(rows.size()));
            outcome.metrics["aux_loss"] += share.item<double>();
            loss = loss + router_weight * share;
        }
        loss.backward();
        outcome.loss += loss.template item<double>();
        for (const LearnedText* row : part)
            outcome.update_tokens += static_cast<double>(row->ids.size());
    });
    outcome.metrics["policy/nll"] = nll;
    outcome.metrics["policy/ppl"] = std::exp(nll);
    return outcome;
}

} // namespace

Result<std::unique_ptr<Objective>> makeSftObjective(RunContext& context)
{
    std::vector<LearnedText> texts;
    const std::vector<Example>& rows = context.data.train.rows;
    texts.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        LearnedText text = learnedText(rows[row], context.policy.tokenizer, context.config.model,
            context.config.data.cutoff_len);
        if (!text.ids.empty())
            texts.push_back(std::move(text));
        if (row % 4096 == 0)
            context.reporter.phase(
                Phase::loading, 0, static_cast<double>(row) / static_cast<double>(rows.size()));
    }
    if (texts.empty())
        return fail(
            "dataset: no row has a reference answer to learn from within cutoff_len tokens. "
            "Stage sft needs one (answer_column names its column).");
    if (texts.size() < rows.size())
        context.reporter.warning(
            fmt::format("{} of {} rows have no reference answer within cutoff_len tokens and are "
                        "left out",
                rows.size() - texts.size(), rows.size()));
    return std::make_unique<SftObjective>(context, std::move(texts));
}

} // namespace zen
