#pragma once

#include "core/runs/events.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace zen::ui {

/// What the run strip shows of a run: kept up to date from its events, live or read from a file.
class RunStatus {
public:
    void apply(const Event& event);

    Phase phase() const { return m_phase; }
    double phaseFraction() const { return m_fraction; }
    std::int64_t step() const { return m_step; } ///< finished steps
    std::int64_t totalSteps() const { return m_total_steps; }
    std::uint64_t plannedMemory() const { return m_planned_memory; }
    std::uint64_t peakMemory() const { return m_peak_memory; } ///< bytes; 0 until the first step
    bool hasEnded() const { return m_ended; }
    const std::string& stage() const { return m_stage; }

    /// The newest value of a metric that came with a step.
    std::optional<double> metric(const std::string& name) const;

    /// Seconds to the last step, from the median of the newest step times; empty for the first
    /// steps and after the end.
    std::optional<double> secondsLeft() const;

private:
    Phase m_phase = Phase::loading;
    double m_fraction = 0;
    std::int64_t m_step = 0;
    std::int64_t m_total_steps = 0;
    std::int64_t m_steps_seen = 0;
    std::uint64_t m_planned_memory = 0;
    std::uint64_t m_peak_memory = 0;
    bool m_ended = false;
    std::string m_stage;
    Metrics m_metrics;
    std::vector<double> m_step_times; ///< the newest, at most kTimesKept
};

} // namespace zen::ui
