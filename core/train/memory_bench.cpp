#include "core/train/memory_bench.h"

#include "core/base/machine.h"
#include "core/plan/memory_plan.h"
#include "core/rollout/generator.h"
#include "core/train/optimizer.h"
#include "core/train/policy_objective.h"
#include "core/train/stopwatch.h"
#include "core/train/threads.h"

#include <ATen/ATen.h>

#include <algorithm>

// The step that is measured has the run's own parts in the run's own order. Only the texts are made
// up: prompts and the ends of completions are arbitrary ids, so that every row is as long as the
// configuration allows.

namespace zen {

namespace {

std::vector<std::int64_t> arbitraryIds(std::int64_t count, std::int64_t vocabulary)
{
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < count; ++i)
        ids.push_back((i * 7919 + 13) % vocabulary);
    return ids;
}

/// Keeps what a run would have warned of.
class WarningSink final : public EventSink {
public:
    std::string text;
    void publish(const Event& event) override
    {
        if (const auto* line = std::get_if<LogLine>(&event); line && line->level == "warning")
            text += line->text + "\n";
    }
};

/// Measures phases. Where the system refuses to forget an earlier peak, a phase has at least that.
class PhaseMeter {
public:
    PhaseMeter(MemoryBench& result, const MemoryBenchOptions& options)
        : m_result(result)
        , m_options(options)
    {
    }

    template <class Work> auto measure(const char* name, const Work& work)
    {
        if (m_options.on_phase)
            m_options.on_phase(name);
        resetPeakResidentBytes();
        const Stopwatch watch;
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            add(name, watch.seconds());
        } else {
            auto made = work();
            add(name, watch.seconds());
            return made;
        }
    }

private:
    void add(const char* name, double seconds)
    {
        const auto above
            = [this](std::uint64_t bytes) { return bytes - std::min(bytes, m_result.empty_bytes); };
        const std::uint64_t peak = above(peakResidentBytes());
        m_result.phases.push_back({ name, peak, above(residentBytes()), seconds });
        m_result.peak_bytes = std::max(m_result.peak_bytes, peak);
    }

    MemoryBench& m_result;
    const MemoryBenchOptions& m_options;
};

std::vector<std::vector<Completion>> writeCompletions(
    const RunContext& context, const RolloutPlan& plan, std::int64_t new_tokens)
{
    GenerationOptions options;
    options.sampling.temperature = context.config.sampling.temperature;
    options.completions_per_prompt = plan.group;
    options.max_new_tokens
        = new_tokens > 0 ? std::min(new_tokens, plan.max_completion) : plan.max_completion;
    options.cache_tokens = plan.max_completion; // no end-of-text ids: nothing ends earlier
    const auto prompt = arbitraryIds(
        std::max<std::int64_t>(context.config.data.cutoff_len - plan.max_completion, 1),
        context.policy.model.shape().vocab_size);
    return generate(
        context.policy.model, std::vector(static_cast<std::size_t>(plan.prompts), prompt), options);
}

/// One micro-batch of rows of full length; what was not written is arbitrary.
std::vector<RolloutRow> fullRows(const RunContext& context, const RolloutPlan& plan,
    const std::vector<std::vector<Completion>>& groups)
{
    const std::int64_t vocabulary = context.policy.model.shape().vocab_size;
    std::vector<RolloutRow> rows;
    for (const auto& group : groups)
        for (const Completion& completion : group) {
            if (static_cast<std::int64_t>(rows.size()) == plan.micro_batch)
                return rows;
            RolloutRow row;
            row.prompt_ids = arbitraryIds(
                std::max<std::int64_t>(context.config.data.cutoff_len - plan.max_completion, 1),
                vocabulary);
            row.completion_ids = completion.ids;
            const auto rest = arbitraryIds(plan.max_completion, vocabulary);
            row.completion_ids.insert(row.completion_ids.end(),
                rest.begin() + static_cast<std::ptrdiff_t>(completion.ids.size()), rest.end());
            row.advantage = rows.size() % 2 == 0 ? 1 : -1;
            rows.push_back(std::move(row));
        }
    return rows;
}

} // namespace

Result<MemoryBench> benchMemory(const MemoryBenchOptions& options)
{
    const TrainingConfig config = resolve(options.config);
    const RolloutPlan plan = rolloutPlanOf(config);
    if (config.algorithm.stage == Stage::sft || plan.group < 2 || plan.prompts < 1)
        return fail("the memory of a gspo or grpo step is measured; the configuration has no "
                    "rollouts of at least one group of two");
    keepFreedMemory();
    useThreads(config.memory.num_threads);
    MemoryBench result;
    const MemoryPlan planned = planMemory(config, options.shape);
    result.planned_bytes = planned.peak() - planned.largest().program;
    result.empty_bytes = residentBytes();
    PhaseMeter meter(result, options);

    auto policy = meter.measure("load", [&] { return randomPolicy(config, options.shape); });
    if (!policy)
        return tl::unexpected(policy.error());
    WarningSink sink;
    Reporter reporter(sink);
    RunControl control;
    RunContext context{ config, std::move(*policy), {}, {}, false, control, reporter };
    result.weight_bytes = context.policy.model.weightBytes();
    Optimizer optimizer(context.policy.model.trainableParameters(), config.optimizer);
    PolicyObjective objective(context, {});

    const auto groups = meter.measure(
        "rollout", [&] { return writeCompletions(context, plan, options.new_tokens); });
    std::vector<RolloutRow> rows = fullRows(context, plan, groups);
    if (plan.offPolicy() || config.algorithm.beta != 0)
        meter.measure("old log-probabilities", [&] { objective.addFixedLogprobs(rows, 1); });
    meter.measure("update", [&] {
        optimizer.zeroGradients();
        const StepOutcome outcome = objective.learn(rows, 1);
        result.update_tokens = static_cast<std::int64_t>(outcome.update_tokens);
        optimizer.step(config.optimizer.learning_rate, optimizer.gradientNorm());
    });
    result.warnings = sink.text;
    return result;
}

} // namespace zen
