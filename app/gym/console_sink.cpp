#include "app/gym/console_sink.h"

#include "app/gym/terminal.h"
#include "core/base/byte_text.h"
#include "core/base/duration_text.h"
#include "core/plan/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>
#include <vector>

namespace zen::gym {

namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr std::size_t kRecentSteps = 20;
constexpr std::size_t kCurvePoints = 16;

std::optional<double> valueOf(const Metrics& metrics, const char* name)
{
    const auto found = metrics.find(name);
    if (found == metrics.end() || !std::isfinite(found->second))
        return std::nullopt;
    return found->second;
}

std::string upperCase(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(),
        [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
    return text;
}

/// Tokens a second of the phase that takes the time: rollout in RL, update in SFT.
std::optional<double> tokensPerSecond(const Metrics& metrics)
{
    if (auto rollout = valueOf(metrics, "speed/rollout_tokens_per_second"))
        return rollout;
    return valueOf(metrics, "speed/update_tokens_per_second");
}

/// The headline numbers of a step, most important first.
std::vector<std::string> headline(const Metrics& metrics)
{
    std::vector<std::string> parts;
    if (auto reward = valueOf(metrics, "reward"))
        parts.push_back(fmt::format("reward {:.3f}", *reward));
    if (auto loss = valueOf(metrics, "loss"))
        parts.push_back(fmt::format("loss {:.4f}", *loss));
    if (auto perplexity = valueOf(metrics, "policy/ppl"))
        parts.push_back(fmt::format("ppl {:.2f}", *perplexity));
    if (auto speed = tokensPerSecond(metrics))
        parts.push_back(fmt::format("{:.0f} tok/s", *speed));
    return parts;
}

std::string evaluationText(const Metrics& metrics)
{
    std::string text;
    const auto append
        = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    if (auto accuracy = valueOf(metrics, "eval/accuracy"))
        append("accuracy " + formatPercent(*accuracy));
    if (auto reward = valueOf(metrics, "eval/reward"))
        append(fmt::format("reward {:.3f}", *reward));
    if (auto perplexity = valueOf(metrics, "eval/ppl"))
        append(fmt::format("ppl {:.2f}", *perplexity));
    if (auto rows = valueOf(metrics, "eval/rows"))
        append(fmt::format("{:.0f} rows", *rows));
    return text.empty() ? "no numbers" : text;
}

} // namespace

ConsoleSink::ConsoleSink(ConsoleOptions options, Write write, Clock clock)
    : m_options(std::move(options))
    , m_write(std::move(write))
    , m_clock(std::move(clock))
{
}

void ConsoleSink::publish(const Event& event)
{
    std::visit([this](const auto& one) { show(one); }, event);
}

void ConsoleSink::tick()
{
    const double now = m_clock();
    if (!m_options.live || !m_is_changed
        || (m_last_draw >= 0 && now - m_last_draw < kRedrawSeconds))
        return;
    m_write("\r" + liveLine() + "\x1b[K");
    m_is_drawn = true;
    m_is_changed = false;
    m_last_draw = now;
}

void ConsoleSink::say(std::string_view line)
{
    clearLive();
    m_write(printable(line) + "\n");
}

void ConsoleSink::clearLive()
{
    if (m_is_drawn)
        m_write("\r\x1b[K");
    m_is_drawn = false;
    m_is_changed = m_run.total_steps > 0;
}

void ConsoleSink::show(const RunStarted& started)
{
    m_run = started;
    m_step.step = started.first_step;
    m_step.total_steps = started.total_steps;
    m_step_ends.assign(1, m_clock());
    std::string line
        = fmt::format("{} on {}: {} parameters, {} of them train, weights in {}, {} steps",
            upperCase(started.stage), started.model, formatCount(started.parameters),
            formatCount(started.trainable_parameters), started.weight_type, started.total_steps);
    if (started.first_step > 0)
        line += fmt::format(", {} of them done before", started.first_step);
    if (started.planned_memory_bytes > 0)
        line += fmt::format("; planned memory {}", formatBytes(started.planned_memory_bytes));
    say(line);
}

void ConsoleSink::show(const PhaseChanged& changed)
{
    const bool is_new = changed.phase != m_phase.phase;
    m_phase = changed;
    m_is_changed = true;
    if (!m_options.live && is_new
        && (changed.phase == Phase::loading || changed.phase == Phase::evaluating))
        say(fmt::format("{} …", nameOf(changed.phase)));
}

void ConsoleSink::show(const StepFinished& step)
{
    m_step = step;
    m_is_changed = true;
    m_step_ends.push_back(m_clock());
    if (m_step_ends.size() > kRecentSteps)
        m_step_ends.pop_front();
    if (auto reward = valueOf(step.metrics, "reward")) {
        m_rewards.push_back(*reward);
        if (m_rewards.size() > kCurvePoints)
            m_rewards.pop_front();
    }
    if (!m_first_loss)
        m_first_loss = valueOf(step.metrics, "loss");
    const std::int64_t every = std::max<std::int64_t>(1, m_options.logging_steps);
    if (m_options.live || (step.step % every != 0 && step.step != step.total_steps))
        return;
    std::string line = fmt::format("step {}/{}", step.step, step.total_steps);
    for (const std::string& part : headline(step.metrics))
        line += "  " + part;
    if (auto left = secondsLeft())
        line += fmt::format("  {} left", formatDuration(*left));
    say(line);
}

void ConsoleSink::show(const EvaluationFinished& evaluation)
{
    const std::string when
        = evaluation.step == 0 ? "before training" : fmt::format("after step {}", evaluation.step);
    say(fmt::format("evaluation {}: {}", when, evaluationText(evaluation.metrics)));
}

void ConsoleSink::show(const LogLine& line)
{
    say(line.level == "info" ? line.text : line.level + ": " + line.text);
}

void ConsoleSink::show(const CheckpointSaved& checkpoint)
{
    say(fmt::format("checkpoint of step {} saved in {} ({})", checkpoint.step, checkpoint.path,
        formatBytes(checkpoint.bytes)));
}

void ConsoleSink::show(const RunFinished& finished)
{
    m_run.total_steps = 0; // no live line from here on
    const bool is_complete = finished.status == "completed";
    say("");
    say(fmt::format("{} {} steps in {}.", is_complete ? "Finished:" : "Stopped after",
        finished.steps, formatDuration(finished.seconds)));
    if (finished.eval_accuracy_before && finished.eval_accuracy_after)
        say(fmt::format("Held-out accuracy: {} before, {} after.",
            formatPercent(*finished.eval_accuracy_before),
            formatPercent(*finished.eval_accuracy_after)));
    else if (finished.eval_accuracy_before)
        say(fmt::format(
            "Held-out accuracy before: {}.", formatPercent(*finished.eval_accuracy_before)));
    if (finished.reward_first && finished.reward_last)
        say(fmt::format("Reward: {:.3f} at first, {:.3f} at last.", *finished.reward_first,
            *finished.reward_last));
    else if (m_first_loss && metric("loss"))
        say(fmt::format("Loss: {:.4f} at first, {:.4f} at last.", *m_first_loss, *metric("loss")));
    if (finished.peak_memory_bytes > 0)
        say(fmt::format("Peak memory: {}.",
            comparedWithPlan(finished.peak_memory_bytes, finished.planned_memory_bytes)));
    say(fmt::format("The run is in {}", m_options.run_folder));
    if (is_complete)
        say(fmt::format(
            "Try it: gym chat {} --adapter {}/adapter", m_options.model, m_options.run_folder));
    else
        say(fmt::format("Go on: gym train {} --output_dir {} --resume_from_checkpoint latest",
            m_options.config, m_options.run_folder));
}

void ConsoleSink::show(const RunFailed& failed)
{
    m_run.total_steps = 0;
    say("");
    say("The run failed: " + failed.message);
    if (!failed.checkpoint.empty())
        say(fmt::format(
            "Go on from {}: gym train {} --output_dir {} --resume_from_checkpoint latest",
            failed.checkpoint, m_options.config, m_options.run_folder));
}

std::optional<double> ConsoleSink::metric(const char* name) const
{
    return valueOf(m_step.metrics, name);
}

std::optional<double> ConsoleSink::secondsLeft() const
{
    if (m_step_ends.size() < 3)
        return std::nullopt;
    const double a_step
        = (m_step_ends.back() - m_step_ends.front()) / static_cast<double>(m_step_ends.size() - 1);
    return a_step * static_cast<double>(m_step.total_steps - m_step.step);
}

std::string ConsoleSink::bar(std::size_t cells) const
{
    const double share = m_run.total_steps > 0
        ? static_cast<double>(m_step.step) / static_cast<double>(m_run.total_steps)
        : 0;
    const auto full
        = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells));
    std::string text;
    for (std::size_t i = 0; i < cells; ++i)
        text += m_options.unicode ? (i < full ? "━" : "┄") : (i < full ? "#" : "-");
    return text;
}

std::string ConsoleSink::curve() const
{
    if (!m_options.unicode || m_rewards.size() < 2)
        return {};
    static constexpr const char* kLevels[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    const auto [low, high] = std::minmax_element(m_rewards.begin(), m_rewards.end());
    std::string text;
    for (const double reward : m_rewards) {
        const double height = *high > *low ? (reward - *low) / (*high - *low) : 0;
        text += kLevels[static_cast<std::size_t>(std::lround(height * 7))];
    }
    return text;
}

std::string ConsoleSink::liveLine() const
{
    const std::string separator = m_options.unicode ? " · " : " | ";
    std::string phase(nameOf(m_phase.phase));
    if (m_phase.fraction > 0 && m_phase.fraction < 1)
        phase += fmt::format(" {:.0f} %", m_phase.fraction * 100);
    std::string line = fmt::format("{} {}/{}", bar(16), m_step.step, m_run.total_steps);
    std::vector<std::string> parts;
    if (auto left = secondsLeft())
        parts.push_back(formatDuration(*left) + " left");
    for (std::string& part : headline(m_step.metrics)) {
        const bool is_reward = part.starts_with("reward") && !curve().empty();
        parts.push_back(is_reward ? part + " " + curve() : std::move(part));
    }
    parts.push_back(phase);
    for (const std::string& part : parts)
        if (displayWidth(line) + displayWidth(separator) + displayWidth(part) < m_options.width)
            line += separator + part;
    return line;
}

void JsonSink::publish(const Event& event)
{
    m_write(toJsonLine(event, utcNow()) + "\n");
}

} // namespace zen::gym
