#include "ui/run/run_status.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace zen::ui {

namespace {

constexpr std::size_t kTimesKept = 20;
constexpr std::int64_t kStepsBeforeEstimate = 5;

} // namespace

void RunStatus::apply(const Event& event)
{
    if (const auto* started = std::get_if<RunStarted>(&event)) {
        *this = RunStatus();
        m_step = started->first_step;
        m_total_steps = started->total_steps;
        m_planned_memory = started->planned_memory_bytes;
        m_stage = started->stage;
    } else if (const auto* phase = std::get_if<PhaseChanged>(&event)) {
        m_phase = phase->phase;
        m_fraction = std::clamp(phase->fraction, 0.0, 1.0);
    } else if (const auto* step = std::get_if<StepFinished>(&event)) {
        m_step = step->step;
        m_total_steps = step->total_steps;
        m_metrics = step->metrics;
        ++m_steps_seen;
        if (const auto peak = metric("memory/peak_bytes"); peak && std::isfinite(*peak))
            m_peak_memory = static_cast<std::uint64_t>(std::max(0.0, *peak));
        if (const auto seconds = metric("step_time"); seconds && std::isfinite(*seconds)) {
            if (m_step_times.size() == kTimesKept)
                m_step_times.erase(m_step_times.begin());
            m_step_times.push_back(*seconds);
        }
    } else if (const auto* finished = std::get_if<RunFinished>(&event)) {
        m_phase = Phase::finished;
        m_ended = true;
        m_peak_memory = std::max(m_peak_memory, finished->peak_memory_bytes);
    } else if (std::holds_alternative<RunFailed>(event)) {
        m_ended = true;
    }
}

std::optional<double> RunStatus::metric(const std::string& name) const
{
    const auto found = m_metrics.find(name);
    return found == m_metrics.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> RunStatus::secondsLeft() const
{
    if (m_ended || m_steps_seen < kStepsBeforeEstimate || m_step_times.empty()
        || m_total_steps <= 0)
        return std::nullopt;
    std::vector<double> times = m_step_times;
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle * static_cast<double>(std::max<std::int64_t>(0, m_total_steps - m_step));
}

} // namespace zen::ui
