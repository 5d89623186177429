#include "core/train/evaluation.h"

#include "core/rollout/generator.h"
#include "core/train/conversation.h"
#include "core/train/token_budget.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

/// Perplexity takes about this share of the time; for the progress bar only.
constexpr double kPerplexityShare = 0.15;

struct Mean {
    double sum = 0;
    double count = 0;
    void add(double value)
    {
        sum += value;
        ++count;
    }
    void put(Metrics& metrics, const char* name) const
    {
        if (count > 0)
            metrics[name] = sum / count;
    }
};

Dataset firstRows(const Dataset& dataset, std::int64_t limit)
{
    if (limit <= 0 || static_cast<std::size_t>(limit) >= dataset.rows.size())
        return dataset;
    Dataset first;
    first.column_names = dataset.column_names;
    first.rows.assign(dataset.rows.begin(), dataset.rows.begin() + limit);
    return first;
}

std::int64_t maxCompletion(const TrainingConfig& config)
{
    return config.batch.max_completion_length.value_or(config.data.cutoff_len / 2);
}

std::size_t rowsOfBatch(const TrainingConfig& config)
{
    return static_cast<std::size_t>(
        std::max<std::int64_t>(config.batch.per_device_eval_batch_size, 1));
}

/// Greedy answers to all rows, in batches of prompts of similar length.
void scoreGreedyAnswers(
    Metrics& metrics, const Policy& policy, const Dataset& rows, const EvaluationPlan& plan)
{
    std::vector<PreparedPrompt> prompts = preparePrompts(rows, policy.tokenizer, plan.config.model,
        plan.config.data.cutoff_len - maxCompletion(plan.config), nullptr);
    std::stable_sort(prompts.begin(), prompts.end(),
        [](const auto& a, const auto& b) { return a.ids.size() < b.ids.size(); });
    GenerationOptions options;
    options.sampling.temperature = 0;
    options.max_new_tokens = maxCompletion(plan.config);
    options.eos_ids = policy.eos_ids;
    options.vocabulary_limit = policy.tokenizer.size();

    const MemoryUse use{ plan.config, policy.model, plan.name, plan.on_warning };
    std::int64_t rows_at_once = evaluationRows(plan.config);
    Mean accuracy, reward, length, clipped;
    const std::size_t size = rowsOfBatch(plan.config);
    for (std::size_t begin = 0; begin < prompts.size(); begin += size) {
        const std::size_t end = std::min(begin + size, prompts.size());
        std::vector<std::vector<std::int64_t>> ids;
        for (std::size_t index = begin; index < end; ++index)
            ids.push_back(prompts[index].ids);
        options.on_progress = [&](std::size_t finished, std::size_t, std::int64_t) {
            if (plan.on_progress)
                plan.on_progress((1 - kPerplexityShare) * static_cast<double>(begin + finished)
                    / static_cast<double>(prompts.size()));
            return true;
        };
        const auto completions = generateWithinMemory(use, ids, options, rows_at_once);
        for (std::size_t index = begin; index < end; ++index) {
            const Completion& completion = completions[index - begin].front();
            const std::string text = policy.tokenizer.decode(completion.ids, true);
            const RewardScores scores = plan.rubric->score({ text, completion.ids,
                completion.truncated, &rows.rows[prompts[index].example].columns });
            length.add(static_cast<double>(completion.ids.size()));
            clipped.add(completion.truncated ? 1 : 0);
            if (scores.total)
                reward.add(*scores.total);
            if (const auto term = plan.rubric->accuracyTerm(); term && scores.terms[*term])
                accuracy.add(*scores.terms[*term] >= 0.5 ? 1 : 0);
        }
    }
    accuracy.put(metrics, "eval/accuracy");
    reward.put(metrics, "eval/reward");
    length.put(metrics, "eval/mean_length");
    clipped.put(metrics, "eval/clipped_ratio");
}

struct NllSum {
    double nll = 0, tokens = 0;
};

/// Over all texts, in parts of at most `tokens` tokens.
NllSum sumNll(const Policy& policy, std::span<const LearnedText* const> by_length,
    std::int64_t tokens, bool use_adapter, const EvaluationPlan& plan)
{
    ForwardOptions forward;
    forward.use_adapter = use_adapter;
    NllSum sum;
    const auto add = [&](const auto& part, std::size_t begin) {
        if (plan.on_progress)
            plan.on_progress(1 - kPerplexityShare
                + kPerplexityShare * static_cast<double>(begin)
                    / static_cast<double>(by_length.size()));
        const at::Tensor logprobs_N = scoreTargets(policy.model, batchOf(part), forward, 1.0,
            plan.config.memory.logprob_chunk_tokens, LogprobDetail::targets)
                                          .logprobs_N;
        sum.nll -= logprobs_N.sum().item<double>();
        sum.tokens += static_cast<double>(logprobs_N.numel());
    };
    forParts(by_length, tokens, rowsOfBatch(plan.config), add);
    return sum;
}

/// Mean NLL of the marked tokens of all texts.
double meanNll(const Policy& policy, const std::vector<LearnedText>& texts, bool use_adapter,
    const EvaluationPlan& plan)
{
    const c10::NoGradGuard no_grad;
    std::vector<const LearnedText*> pointers;
    for (const LearnedText& text : texts)
        pointers.push_back(&text);
    std::stable_sort(pointers.begin(), pointers.end(),
        [](const LearnedText* a, const LearnedText* b) { return a->ids.size() < b->ids.size(); });
    const std::span<const LearnedText* const> by_length(pointers);
    const std::int64_t longest = longestRow(by_length);
    std::int64_t tokens = largestPart(by_length,
        std::max(*plan.config.memory.micro_batch_tokens, longest), rowsOfBatch(plan.config));
    NllSum sum;
    const auto attempt = [&](std::int64_t at_once) {
        sum = sumNll(policy, by_length, std::max(at_once, longest), use_adapter, plan);
    };
    const auto before_retry = [&](std::int64_t at_once) {
        releaseIdleMemory(policy.model);
        if (plan.on_warning)
            plan.on_warning(fmt::format(
                "memory ran out in the {}; it runs again with at most {} tokens at a time",
                plan.name, std::max(at_once, longest)));
    };
    if (!retryInHalves(tokens, longest, attempt, before_retry))
        throw memoryExhausted(plan.config, policy.model.shape(),
            fmt::format("memory ran out in the {}, even with one row of {} tokens at a time",
                plan.name, longest));
    return sum.nll / sum.tokens;
}

} // namespace

Metrics evaluateHeldOut(const Policy& policy, const Dataset& held_out, const EvaluationPlan& plan)
{
    Metrics metrics;
    const Dataset rows = firstRows(held_out, plan.config.run.max_eval_samples);
    metrics["eval/rows"] = static_cast<double>(rows.rows.size());
    if (plan.rubric != nullptr)
        scoreGreedyAnswers(metrics, policy, rows, plan);

    std::vector<LearnedText> texts;
    for (const Example& example : rows.rows) {
        LearnedText text = learnedText(
            example, policy.tokenizer, plan.config.model, plan.config.data.cutoff_len);
        if (!text.ids.empty())
            texts.push_back(std::move(text));
    }
    if (texts.empty())
        return metrics;
    metrics["eval/loss"] = meanNll(policy, texts, true, plan);
    metrics["eval/ppl"] = std::exp(metrics["eval/loss"]);
    if (plan.with_base && policy.model.adapter())
        metrics["eval/ppl_base"] = std::exp(meanNll(policy, texts, false, plan));
    return metrics;
}

} // namespace zen
