#pragma once

#include "core/runs/events.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace zen::gym {

struct ConsoleOptions {
    bool live = false; ///< a terminal: one progress line is redrawn below the log
    bool unicode = true; ///< bars and curves may use block characters
    std::size_t width = 80; ///< of the terminal, in characters
    std::int64_t logging_steps = 1; ///< plain output: a line every so many steps
    std::string run_folder; ///< named at the end
    std::string model; ///< for the command that tries the result
    std::string config; ///< for the command that resumes
};

/// Shows a run's events to a person: in a terminal a live line (bar, ETA, reward, loss, perplexity,
/// speed) with the log above it, elsewhere plain lines. Not thread-safe: the thread that drains the
/// queue owns it.
class ConsoleSink final : public EventSink {
public:
    using Write = std::function<void(std::string_view)>;
    using Clock = std::function<double()>; ///< seconds, monotonic

    ConsoleSink(ConsoleOptions options, Write write, Clock clock);

    void publish(const Event& event) override;

    /// Redraws the live line if something changed and the last drawing is at least 100 ms old.
    void tick();

    /// A line of our own above the live line.
    void say(std::string_view line);

    /// The live line as it would be drawn now.
    std::string liveLine() const;

private:
    void show(const RunStarted& started);
    void show(const PhaseChanged& changed);
    void show(const StepFinished& step);
    void show(const EvaluationFinished& evaluation);
    void show(const CompletionsSampled&) { }
    void show(const LogLine& line);
    void show(const CheckpointSaved& checkpoint);
    void show(const RunFinished& finished);
    void show(const RunFailed& failed);

    void clearLive();
    std::string bar(std::size_t cells) const;
    std::string curve() const;
    std::optional<double> secondsLeft() const;
    std::optional<double> metric(const char* name) const;

    ConsoleOptions m_options;
    Write m_write;
    Clock m_clock;
    RunStarted m_run;
    PhaseChanged m_phase;
    StepFinished m_step;
    std::deque<double> m_step_ends; ///< clock at the end of recent steps, for the ETA
    std::deque<double> m_rewards; ///< of recent steps, for the curve
    std::optional<double> m_first_loss;
    bool m_is_drawn = false;
    bool m_is_changed = false;
    double m_last_draw = -1;
};

/// Writes each event as one JSON line.
class JsonSink final : public EventSink {
public:
    explicit JsonSink(ConsoleSink::Write write)
        : m_write(std::move(write))
    {
    }
    void publish(const Event& event) override;

private:
    ConsoleSink::Write m_write;
};

} // namespace zen::gym
