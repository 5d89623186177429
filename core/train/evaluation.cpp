#include "core/train/evaluation.h"

#include "core/rollout/generator.h"
#include "core/train/conversation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

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
    options.max_rows = evaluationRows(plan.config);
    options.eos_ids = policy.eos_ids;
    options.vocabulary_limit = policy.tokenizer.size();

    Mean accuracy, reward, length, clipped;
    const auto size = static_cast<std::size_t>(
        std::max<std::int64_t>(plan.config.batch.per_device_eval_batch_size, 1));
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
        const auto completions = generate(policy.model, ids, options);
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

/// Mean NLL of the marked tokens of all texts.
double meanNll(const Policy& policy, const std::vector<LearnedText>& texts, bool use_adapter,
    const EvaluationPlan& plan)
{
    const c10::NoGradGuard no_grad;
    std::vector<const LearnedText*> by_length;
    for (const LearnedText& text : texts)
        by_length.push_back(&text);
    std::stable_sort(by_length.begin(), by_length.end(),
        [](const LearnedText* a, const LearnedText* b) { return a->ids.size() < b->ids.size(); });
    ForwardOptions forward;
    forward.use_adapter = use_adapter;
    double nll = 0, tokens = 0;
    const auto size = static_cast<std::size_t>(
        std::max<std::int64_t>(plan.config.batch.per_device_eval_batch_size, 1));
    const std::int64_t longest = by_length.empty() ? 0 : tokensOf(*by_length.back());
    const std::int64_t at_once = plan.config.memory.micro_batch_tokens.value_or(
        plan.config.batch.per_device_train_batch_size * plan.config.data.cutoff_len);
    const auto add = [&](std::span<const LearnedText* const> part, std::size_t begin) {
        if (plan.on_progress)
            plan.on_progress(1 - kPerplexityShare
                + kPerplexityShare * static_cast<double>(begin)
                    / static_cast<double>(by_length.size()));
        const at::Tensor logprobs_N = scoreTargets(policy.model, batchOf(part), forward, 1.0,
            plan.config.memory.logprob_chunk_tokens, LogprobDetail::targets)
                                          .logprobs_N;
        nll -= logprobs_N.sum().item<double>();
        tokens += static_cast<double>(logprobs_N.numel());
    };
    forParts(std::span<const LearnedText* const>(by_length), std::max(at_once, longest), size, add);
    return nll / tokens;
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
