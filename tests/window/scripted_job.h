#pragma once

#include "core/train/engine.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>

namespace zen::test {

/// A job that does what a test tells it, on the session's worker thread.
class ScriptedJob final : public TrainingJob {
public:
    using Script = std::function<void(RunControl&, EventSink&)>;
    explicit ScriptedJob(Script script)
        : m_script(std::move(script))
    {
    }
    void run(RunControl& control, EventSink& sink) noexcept override { m_script(control, sink); }

private:
    Script m_script;
};

/// What TrainingSession::start takes, from a script.
inline std::function<Result<std::unique_ptr<TrainingJob>>()> scripted(ScriptedJob::Script script)
{
    return [script = std::move(script)]() -> Result<std::unique_ptr<TrainingJob>> {
        return std::make_unique<ScriptedJob>(script);
    };
}

inline RunStarted startedEvent(const std::string& name, std::int64_t total_steps)
{
    RunStarted started;
    started.run_name = name;
    started.stage = "gspo";
    started.model = "zen/starter";
    started.total_steps = total_steps;
    started.planned_memory_bytes = 440'000'000;
    return started;
}

inline RunFinished finishedEvent(const std::string& status)
{
    RunFinished finished;
    finished.status = status;
    return finished;
}

inline CompletionsSampled sampledEvent(std::int64_t step)
{
    CompletionsSampled sampled;
    sampled.step = step;
    sampled.reward_names = { "correct", "format" };
    SampledGroup group;
    group.prompt = "Mia has 17 apples and buys 2 bags of 6. How many apples now?";
    group.answer = "29";
    SampledCompletion right;
    right.text = "<think>2 x 6 = 12; 17 + 12 = 29</think> \\boxed{29}";
    right.reward = 1.2;
    right.reward_terms = { 1.0, 0.2 };
    right.advantage = 1.31;
    SampledCompletion wrong;
    wrong.text = "<think>17 + 2 + 6 = 25</think> \\boxed{25}";
    wrong.reward = 0.2;
    wrong.reward_terms = { 0.0, 0.2 };
    wrong.advantage = -0.54;
    group.completions = { right, wrong };
    sampled.groups = { group };
    return sampled;
}

inline StepFinished stepEvent(std::int64_t step, std::int64_t total, double reward)
{
    const double t = static_cast<double>(step);
    return { .step = step,
        .total_steps = total,
        .epoch = t / 100.0,
        .metrics = { { "reward", reward }, { "reward_std", 0.2 + 0.05 * std::sin(t) },
            { "loss", 0.004 * std::sin(t * 1.7) }, { "policy/ppl", 1.9 - 0.5 * reward },
            { "entropy", 0.9 - 0.3 * reward }, { "grad_norm", 0.3 + 0.1 * std::cos(t) },
            { "learning_rate", 2e-3 }, { "clip_ratio/region_mean", 0.12 },
            { "completions/mean_length", 41.5 }, { "completions/clipped_ratio", 0.0 },
            { "frac_reward_zero_std", 0.25 }, { "num_tokens", 4096.0 * t }, { "step_time", 1.5 },
            { "speed/rollout_tokens_per_second", 4310.0 }, { "memory/peak_bytes", 0.41e9 } } };
}

} // namespace zen::test
