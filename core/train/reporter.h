#pragma once

#include "core/runs/event_log.h"
#include "core/runs/events.h"
#include "core/runs/metric_reports.h"
#include "core/runs/run_folder.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zen {

/// Where the trainer's events go: first the run folder's logs, then the listener. Never throws into
/// the trainer.
class Reporter {
public:
    explicit Reporter(EventSink& listener)
        : m_listener(listener)
    {
    }

    /// From here on events are also written to the folder, also in the forms that `report_to`
    /// names. A log that cannot be opened is an Error.
    Result<void> openLogs(
        const RunFolder& folder, bool console_log, const std::vector<std::string>& report_to = {});

    void publish(const Event& event) noexcept;

    /// A phase's begin, or its growing fraction (at most ten a second reach the listener).
    void phase(Phase phase, std::int64_t step, double fraction = 0) noexcept;

    void info(std::string text) noexcept { publish(LogLine{ "info", std::move(text) }); }
    void warning(std::string text) noexcept { publish(LogLine{ "warning", std::move(text) }); }

    Phase currentPhase() const { return m_phase; }

private:
    EventSink& m_listener;
    std::vector<std::unique_ptr<EventSink>> m_logs;
    EventLog* m_event_log = nullptr; ///< one of m_logs
    MetricReports* m_reports = nullptr; ///< one of m_logs, behind it
    Phase m_phase = Phase::loading;
    std::int64_t m_phase_step = -1;
    std::chrono::steady_clock::time_point m_last_fraction;
};

} // namespace zen
