#include "core/algorithm/advantage.h"
#include "core/rollout/generator.h"
#include "core/train/policy_objective.h"
#include "core/train/stopwatch.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

namespace zen {

namespace {

constexpr std::uint64_t kPromptOrder = 1;
constexpr std::uint64_t kRowOrder = 2;
constexpr std::uint64_t kRewardOrder = 3;

/// Generation batches in a row that may be mostly unscored before the run is given up.
constexpr std::int64_t kUnscoredLimit = 3;
constexpr double kUnscoredShare = 0.5;

/// TRL's names: lengths of all completions, and of those that ended by themselves.
Metrics lengthMetrics(const std::vector<RolloutGroup>& groups)
{
    std::vector<double> all, terminated;
    for (const RolloutGroup& group : groups)
        for (const Completion& completion : group.completions) {
            all.push_back(static_cast<double>(completion.ids.size()));
            if (!completion.truncated)
                terminated.push_back(all.back());
        }
    Metrics metrics;
    const auto add = [&metrics](const std::vector<double>& lengths, const std::string& suffix) {
        const double count = std::max<double>(1, static_cast<double>(lengths.size()));
        const auto [least, most] = std::minmax_element(lengths.begin(), lengths.end());
        metrics["completions/mean_" + suffix]
            = std::accumulate(lengths.begin(), lengths.end(), 0.0) / count;
        metrics["completions/min_" + suffix] = lengths.empty() ? 0 : *least;
        metrics["completions/max_" + suffix] = lengths.empty() ? 0 : *most;
    };
    add(all, "length");
    add(terminated, "terminated_length");
    metrics["completions/clipped_ratio"] = static_cast<double>(all.size() - terminated.size())
        / std::max<double>(1, static_cast<double>(all.size()));
    return metrics;
}

/// The control experiment: every completion gets the reward of another one.
void shuffleRewards(std::vector<RolloutGroup>& groups, std::uint64_t seed)
{
    std::vector<Completion*> rows;
    for (RolloutGroup& group : groups)
        for (Completion& completion : group.completions)
            rows.push_back(&completion);
    std::vector<std::pair<std::optional<double>, std::vector<std::optional<double>>>> rewards;
    for (const std::size_t from : permutation(rows.size(), seed))
        rewards.emplace_back(rows[from]->reward, rows[from]->reward_terms);
    for (std::size_t row = 0; row < rows.size(); ++row)
        std::tie(rows[row]->reward, rows[row]->reward_terms) = rewards[row];
}

SampledGroup toSampled(const RolloutGroup& group, const Example& example)
{
    SampledGroup sampled;
    sampled.prompt = group.prompt_text;
    if (const auto answer = example.columns.find("answer"); answer != example.columns.end())
        sampled.answer = answer->second;
    for (const Completion& completion : group.completions)
        sampled.completions.push_back(
            { completion.text, completion.ids, completion.logprobs, completion.reward_terms,
                completion.reward, completion.advantage, completion.truncated });
    return sampled;
}

} // namespace

std::vector<RolloutRow> PolicyObjective::drawRows(TrainingState& state, Metrics& metrics)
{
    std::vector<RolloutRow> rows;
    MetricWindow batches;
    for (std::int64_t taken = 0; taken < m_plan.micro_batches_per_step; ++taken) {
        if (!state.buffer || state.buffer_cursor == m_plan.uses())
            makeRollouts(state);
        const std::int64_t part = state.buffer_cursor % m_plan.micro_batches_per_generation;
        const auto begin = state.buffer->begin() + part * m_plan.micro_batch;
        rows.insert(rows.end(), begin, begin + m_plan.micro_batch);
        ++state.buffer_cursor;
        batches.add(state.buffer_metrics);
    }
    metrics = batches.means();
    if (state.buffer_cursor == m_plan.uses()) { // used up: nothing that a checkpoint must keep
        state.buffer.reset();
        state.buffer_cursor = 0;
    }
    return rows;
}

void PolicyObjective::makeRollouts(TrainingState& state)
{
    const std::int64_t step = state.step + 1;
    std::vector<RolloutGroup> groups = drawPrompts(state.generations);
    state.buffer_metrics = generateCompletions(groups, state);
    state.buffer_metrics.merge(scoreCompletions(groups, state));
    publishCompletions(groups, step);
    std::vector<RolloutRow> rows = rowsOf(groups);
    addFixedLogprobs(rows, step);

    std::vector<RolloutRow> shuffled;
    for (const std::size_t row : permutation(rows.size(), seedFor(kRowOrder, state.generations)))
        shuffled.push_back(std::move(rows[row]));
    state.buffer = std::make_shared<const std::vector<RolloutRow>>(std::move(shuffled));
    state.buffer_cursor = 0;
    ++state.generations;
}

std::vector<RolloutGroup> PolicyObjective::drawPrompts(std::int64_t generation) const
{
    const std::int64_t epoch = generation / generationsPerEpoch();
    const std::int64_t chunk = generation % generationsPerEpoch();
    std::vector<std::size_t> order(m_prompts.size());
    std::iota(order.begin(), order.end(), std::size_t{ 0 });
    if (m_context.config.data.shuffle_dataset)
        order = permutation(m_prompts.size(), seedFor(kPromptOrder, epoch));
    std::vector<RolloutGroup> groups;
    for (std::int64_t index = 0; index < m_plan.prompts; ++index) {
        const PreparedPrompt& prompt
            = m_prompts[order[static_cast<std::size_t>(chunk * m_plan.prompts + index)]];
        groups.push_back({ prompt.example, prompt.ids, prompt.text, {} });
    }
    return groups;
}

Metrics PolicyObjective::generateCompletions(
    std::vector<RolloutGroup>& groups, TrainingState& state)
{
    const std::int64_t step = state.step + 1;
    Reporter& reporter = m_context.reporter;
    reporter.phase(Phase::generating, step);
    GenerationOptions options;
    const SamplingSection& sampling = m_context.config.sampling;
    options.sampling = { sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p };
    options.completions_per_prompt = m_plan.group;
    options.max_new_tokens = m_plan.max_completion;
    options.eos_ids = m_context.policy.eos_ids;
    options.vocabulary_limit = m_context.policy.tokenizer.size();
    options.seed = static_cast<std::uint64_t>(m_context.config.run.seed);
    options.step = static_cast<std::uint64_t>(state.generations);
    options.on_progress = [&](std::size_t finished, std::size_t total, std::int64_t) {
        reporter.phase(Phase::generating, step,
            static_cast<double>(finished) / static_cast<double>(std::max<std::size_t>(total, 1)));
        m_context.checkControl(step);
        return true;
    };

    std::vector<std::vector<std::int64_t>> prompts;
    for (const RolloutGroup& group : groups)
        prompts.push_back(group.prompt_ids);
    const Stopwatch watch;
    const MemoryUse use{ m_context.config, m_context.policy.model,
        fmt::format("rollout of step {}", step),
        [&](const std::string& text) { reporter.warning(text); } };
    auto completions = generateWithinMemory(use, prompts, options, m_rows_at_once);
    const double seconds = watch.seconds();

    double completion_tokens = 0, prompt_tokens = 0;
    for (std::size_t index = 0; index < groups.size(); ++index) {
        groups[index].completions = std::move(completions[index]);
        for (Completion& completion : groups[index].completions) {
            completion.text = m_context.policy.tokenizer.decode(completion.ids, true);
            completion_tokens += static_cast<double>(completion.ids.size());
            prompt_tokens += static_cast<double>(groups[index].prompt_ids.size());
        }
    }
    state.num_tokens += prompt_tokens + completion_tokens;
    Metrics metrics = lengthMetrics(groups);
    metrics["speed/rollout_tokens_per_second"] = completion_tokens / seconds;
    return metrics;
}

Metrics PolicyObjective::scoreCompletions(std::vector<RolloutGroup>& groups, TrainingState& state)
{
    m_context.reporter.phase(Phase::scoring, state.step + 1);
    const Rubric& rubric = *m_context.rubric;
    const auto count = static_cast<std::int64_t>(groups.size());
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t index = begin; index < end; ++index) {
            RolloutGroup& group = groups[static_cast<std::size_t>(index)];
            const Example& example = m_context.data.train.rows[group.example];
            for (Completion& completion : group.completions) {
                const RewardScores scores = rubric.score(
                    { completion.text, completion.ids, completion.truncated, &example.columns });
                completion.reward_terms = scores.terms;
                completion.reward = scores.total;
            }
        }
    });
    if (m_context.shuffle_rewards)
        shuffleRewards(groups, seedFor(kRewardOrder, state.generations));

    const AlgorithmSection& algorithm = m_context.config.algorithm;
    const Metrics metrics = assignAdvantages(groups, rubric.names(), rubric.weights(),
        algorithm.scale_rewards, algorithm.multi_objective_aggregation);
    const double unscored = metrics.at("rewards/unscored");
    state.unscored_in_a_row = unscored > kUnscoredShare ? state.unscored_in_a_row + 1 : 0;
    if (state.unscored_in_a_row >= kUnscoredLimit)
        throw RunError{ fmt::format(
            "rewards: {:.0f} % of the completions could not be scored in {} "
            "generation batches in a row. Check that the rewards read the "
            "right column (gym reward shows them on a few rows).",
            unscored * 100, kUnscoredLimit) };
    if (unscored < 1) {
        const double reward = metrics.at("reward");
        state.reward_first = state.reward_first.value_or(reward);
        state.reward_last = reward;
    }
    return metrics;
}

void PolicyObjective::publishCompletions(const std::vector<RolloutGroup>& groups, std::int64_t step)
{
    const auto wanted
        = static_cast<std::size_t>(std::max<std::int64_t>(m_context.config.run.log_completions, 0));
    const std::size_t shown
        = m_context.control.takeSampleRequest() ? groups.size() : std::min(wanted, groups.size());
    if (shown == 0)
        return;
    CompletionsSampled event;
    event.step = step;
    event.reward_names = m_context.rubric->names();
    for (std::size_t index = 0; index < shown; ++index)
        event.groups.push_back(
            toSampled(groups[index], m_context.data.train.rows[groups[index].example]));
    m_context.reporter.publish(event);
}

std::vector<RolloutRow> PolicyObjective::rowsOf(const std::vector<RolloutGroup>& groups) const
{
    std::vector<RolloutRow> rows;
    for (const RolloutGroup& group : groups)
        for (const Completion& completion : group.completions) {
            RolloutRow row;
            row.prompt_ids = group.prompt_ids;
            row.completion_ids = completion.ids;
            row.advantage = completion.advantage;
            row.masked = completion.ids.empty()
                || (completion.truncated && m_context.config.algorithm.mask_truncated_completions);
            rows.push_back(std::move(row));
        }
    return rows;
}

void PolicyObjective::addFixedLogprobs(std::vector<RolloutRow>& rows, std::int64_t step)
{
    if (!m_plan.offPolicy() && m_loss.beta == 0)
        return;
    m_context.reporter.phase(Phase::updating, step);
    releaseIdleMemory(m_context.policy.model);
    std::vector<RolloutRow*> by_length;
    for (RolloutRow& row : rows)
        by_length.push_back(&row);
    std::stable_sort(by_length.begin(), by_length.end(),
        [](const auto* a, const auto* b) { return tokensOf(*a) < tokensOf(*b); });
    const std::int64_t longest = by_length.empty() ? 0 : tokensOf(*by_length.back());
    m_budget.within(step, longest * m_plan.micro_batch, longest,
        [&](std::int64_t tokens) { addFixedLogprobsInParts(by_length, tokens, step); });
}

void PolicyObjective::addFixedLogprobsInParts(
    const std::vector<RolloutRow*>& by_length, std::int64_t tokens, std::int64_t step)
{
    const c10::NoGradGuard no_grad;
    const double temperature = m_context.config.sampling.temperature;
    const std::int64_t chunk = m_context.config.memory.logprob_chunk_tokens;
    const std::vector<const RolloutRow*> rows(by_length.begin(), by_length.end());
    const auto most_rows = static_cast<std::size_t>(m_plan.micro_batch);
    forParts(std::span(rows), tokens, most_rows, [&](const auto& part, std::size_t begin) {
        m_context.checkControl(step);
        const TokenBatch batch = batchOf(part);
        const auto give = [&](const at::Tensor& logprobs_N, std::vector<float> RolloutRow::*place) {
            const float* next = logprobs_N.data_ptr<float>();
            for (std::size_t row = 0; row < part.size(); ++row) {
                const std::size_t length = part[row]->completion_ids.size();
                (by_length[begin + row]->*place).assign(next, next + length);
                next += length;
            }
        };
        if (m_plan.offPolicy())
            give(scoreTargets(
                     m_context.policy.model, batch, {}, temperature, chunk, LogprobDetail::targets)
                     .logprobs_N,
                &RolloutRow::old_logprobs);
        if (m_loss.beta != 0)
            give(referenceLogprobs(m_context.policy, batch, temperature, chunk),
                &RolloutRow::reference_logprobs);
    });
}

} // namespace zen
