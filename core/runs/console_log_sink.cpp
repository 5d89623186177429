#include "core/runs/console_log_sink.h"

#include "core/base/byte_text.h"
#include "core/plan/memory_plan.h"

#include <fmt/format.h>

#include <utility>

namespace zen {

namespace {

/// The headline numbers, in the order of the line: metric, what the line calls it, format.
struct Headline {
    const char* metric;
    const char* label;
    int digits;
};
constexpr Headline kStepHeadlines[]
    = { { "reward", "reward", 3 }, { "reward_std", "std", 3 }, { "loss", "loss", 4 },
          { "policy/ppl", "ppl", 3 }, { "kl", "kl", 4 }, { "entropy", "entropy", 3 },
          { "completions/mean_length", "length", 1 }, { "grad_norm", "grad", 3 },
          { "learning_rate", "lr", -1 }, { "speed/rollout_tokens_per_second", "rollout tok/s", 0 },
          { "speed/update_tokens_per_second", "update tok/s", 0 }, { "step_time", "s", 2 } };
constexpr Headline kEvaluationHeadlines[] = { { "eval/accuracy", "accuracy", 3 },
    { "eval/reward", "reward", 3 }, { "eval/ppl", "ppl", 3 }, { "eval/loss", "loss", 4 },
    { "eval/mean_length", "length", 1 }, { "eval/rows", "rows", 0 } };

template <std::size_t Count>
std::string numbers(const Headline (&headlines)[Count], const Metrics& metrics)
{
    std::string text;
    for (const Headline& headline : headlines)
        if (const auto found = metrics.find(headline.metric); found != metrics.end())
            text += headline.digits < 0
                ? fmt::format("  {} {:.3g}", headline.label, found->second)
                : fmt::format("  {} {:.{}f}", headline.label, found->second, headline.digits);
    return text;
}

std::string percent(const std::optional<double>& share)
{
    return share ? fmt::format("{:.1f} %", *share * 100) : "not measured";
}

struct Describer {
    std::string operator()(const RunStarted& event) const
    {
        std::string text
            = fmt::format("run {} started: {} on {}, {} steps, {} of {} parameters train",
                event.run_name.empty() ? "(unnamed)" : event.run_name, event.stage, event.model,
                event.total_steps, event.trainable_parameters, event.parameters);
        if (!event.weight_type.empty())
            text += ", weights in " + event.weight_type;
        if (event.planned_memory_bytes > 0)
            text += ", " + formatBytes(event.planned_memory_bytes) + " of memory planned";
        if (event.first_step > 0)
            text += fmt::format(", resumed after step {}", event.first_step);
        return text;
    }
    std::string operator()(const PhaseChanged& event) const
    {
        const bool worth_a_line = event.fraction == 0
            && (event.phase == Phase::loading || event.phase == Phase::evaluating
                || event.phase == Phase::paused);
        return worth_a_line ? std::string(nameOf(event.phase)) : std::string();
    }
    std::string operator()(const StepFinished& event) const
    {
        return fmt::format(
            "step {}/{}{}", event.step, event.total_steps, numbers(kStepHeadlines, event.metrics));
    }
    std::string operator()(const EvaluationFinished& event) const
    {
        return fmt::format("evaluation {}{}",
            event.step == 0 ? "before training" : fmt::format("after step {}", event.step),
            numbers(kEvaluationHeadlines, event.metrics));
    }
    std::string operator()(const CompletionsSampled&) const { return {}; }
    std::string operator()(const LogLine& event) const { return event.text; }
    std::string operator()(const CheckpointSaved& event) const
    {
        return fmt::format("checkpoint of step {} saved: {} ({})", event.step, event.path,
            formatBytes(event.bytes));
    }
    std::string operator()(const RunFinished& event) const
    {
        std::string text = fmt::format(
            "run {} after {} steps in {:.1f} s; held-out accuracy {} before, {} after",
            event.status, event.steps, event.seconds, percent(event.eval_accuracy_before),
            percent(event.eval_accuracy_after));
        if (event.reward_first && event.reward_last)
            text += fmt::format(
                "; reward {:.3f} to {:.3f}", *event.reward_first, *event.reward_last);
        if (event.peak_memory_bytes > 0)
            text += "; peak memory "
                + comparedWithPlan(event.peak_memory_bytes, event.planned_memory_bytes);
        return text;
    }
    std::string operator()(const RunFailed& event) const
    {
        return "run failed: " + event.message
            + (event.checkpoint.empty() ? "" : "\nresume from " + event.checkpoint);
    }
};

} // namespace

std::string describe(const Event& event)
{
    return std::visit(Describer{}, event);
}

std::string_view levelOf(const Event& event)
{
    if (std::holds_alternative<RunFailed>(event))
        return "error";
    if (const auto* line = std::get_if<LogLine>(&event))
        return line->level;
    return "info";
}

void ConsoleLogSink::publish(const Event& event)
{
    if (const std::string text = describe(event); !text.empty())
        m_log.write(levelOf(event), text);
}

} // namespace zen
