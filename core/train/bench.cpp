#include "core/train/bench.h"

#include "core/base/machine.h"
#include "core/rollout/generator.h"
#include "core/train/policy.h"
#include "core/train/policy_objective.h"
#include "core/train/stopwatch.h"
#include "core/train/threads.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

namespace {

constexpr std::int64_t kMaxCompletions = 64;
constexpr std::int64_t kMaxPromptTokens = 256;
constexpr std::int64_t kMaxNewTokens = 128;

/// Ids that stand for text; which ones makes no difference to the speed.
std::vector<std::int64_t> madeUpIds(std::int64_t count, std::int64_t vocabulary, std::uint64_t seed)
{
    std::vector<std::int64_t> ids;
    for (std::int64_t index = 0; index < count; ++index)
        ids.push_back(
            static_cast<std::int64_t>((seed + static_cast<std::uint64_t>(index) * 2654435761ULL)
                % static_cast<std::uint64_t>(vocabulary)));
    return ids;
}

} // namespace

Result<std::vector<BenchLine>> benchmark(const TrainingConfig& unresolved)
{
    const TrainingConfig config = resolve(unresolved);
    useThreads(config.memory.num_threads);
    auto policy = loadPolicy(config, {});
    if (!policy)
        return tl::unexpected(policy.error());
    const RolloutPlan plan = rolloutPlanOf(config);
    const std::int64_t prompt_tokens = std::clamp<std::int64_t>(
        (config.data.cutoff_len - plan.max_completion) / 2, 1, kMaxPromptTokens);
    const std::int64_t new_tokens = std::min(plan.max_completion, kMaxNewTokens);
    const std::int64_t group = std::max<std::int64_t>(plan.group, 1);
    const std::int64_t prompts = std::clamp<std::int64_t>(
        plan.prompts, 1, std::max<std::int64_t>(kMaxCompletions / group, 1));
    const std::int64_t vocabulary = policy->tokenizer.size();

    std::vector<std::vector<std::int64_t>> ids;
    for (std::int64_t index = 0; index < prompts; ++index)
        ids.push_back(madeUpIds(prompt_tokens, vocabulary, static_cast<std::uint64_t>(index)));
    GenerationOptions options;
    options.completions_per_prompt = group;
    options.max_new_tokens = new_tokens; // no end-of-text ids: every completion has full length
    options.vocabulary_limit = vocabulary;
    const Stopwatch rollout_watch;
    const auto completions = generate(policy->model, ids, options);
    const double rollout_seconds = rollout_watch.seconds();

    std::vector<RolloutRow> rows;
    for (std::int64_t index = 0; index < plan.micro_batch; ++index) {
        RolloutRow row;
        row.prompt_ids = ids[static_cast<std::size_t>(index % prompts)];
        row.completion_ids = completions[static_cast<std::size_t>(index % prompts)].front().ids;
        rows.push_back(std::move(row));
    }
    std::vector<const RolloutRow*> pointers;
    for (const RolloutRow& row : rows)
        pointers.push_back(&row);
    const TokenBatch batch = batchOf(pointers);
    ForwardOptions forward;
    forward.gradient_checkpointing = config.memory.gradient_checkpointing;
    const Stopwatch update_watch;
    scoreTargets(
        policy->model, batch, forward, 1.0, config.memory.logprob_chunk_tokens, LogprobDetail::all)
        .logprobs_N.mean()
        .backward();
    const double update_seconds = update_watch.seconds();

    const auto count = [](std::int64_t value) { return static_cast<double>(value); };
    return std::vector<BenchLine>{
        { "rollout", count(prompts * group * new_tokens) / rollout_seconds, "tokens/s" },
        { "rollout, each row", count(new_tokens) / rollout_seconds, "tokens/s" },
        { "update", count(plan.micro_batch * (prompt_tokens + new_tokens)) / update_seconds,
            "tokens/s" },
        { "weights", static_cast<double>(policy->model.weightBytes()) / 1e6, "MB" },
        { "peak memory", static_cast<double>(peakResidentBytes()) / 1e6, "MB" }
    };
}

} // namespace zen
