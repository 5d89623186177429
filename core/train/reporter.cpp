#include "core/train/reporter.h"

#include "core/runs/console_log_sink.h"

#include <exception>

namespace zen {

namespace {

constexpr std::chrono::milliseconds kFractionInterval{ 100 };

void publishQuietly(EventSink& sink, const Event& event) noexcept
{
    try {
        sink.publish(event);
    } catch (const std::exception&) { // a sink that fails must not end the run
    }
}

} // namespace

Result<void> Reporter::openLogs(
    const RunFolder& folder, bool console_log, const std::vector<std::string>& report_to)
{
    auto events = EventLog::open(folder.path);
    if (!events)
        return tl::unexpected(events.error());
    m_event_log = events->get();
    m_logs.push_back(std::move(*events));
    auto reports = std::make_unique<MetricReports>(folder, report_to);
    m_reports = reports.get();
    m_logs.push_back(std::move(reports));
    if (!console_log)
        return {};
    auto console = ConsoleLog::open(folder.consoleLog());
    if (!console)
        return tl::unexpected(console.error());
    m_logs.push_back(std::make_unique<ConsoleLogSink>(std::move(*console)));
    return {};
}

void Reporter::publish(const Event& event) noexcept
{
    for (const auto& log : m_logs)
        publishQuietly(*log, event);
    publishQuietly(m_listener, event);
    if (const auto error = m_event_log != nullptr ? m_event_log->takeError() : std::nullopt)
        warning(*error + ". Training goes on; events are missing from the run folder.");
    if (const auto error = m_reports != nullptr ? m_reports->takeError() : std::nullopt)
        warning(*error
            + ". Training goes on; gym export --to tensorboard|csv writes the metrics again from "
              "events.jsonl.");
}

void Reporter::phase(Phase phase, std::int64_t step, double fraction) noexcept
{
    const auto now = std::chrono::steady_clock::now();
    const bool begins = phase != m_phase || step != m_phase_step;
    if (!begins && now - m_last_fraction < kFractionInterval)
        return;
    m_phase = phase;
    m_phase_step = step;
    m_last_fraction = now;
    publish(PhaseChanged{ phase, step, fraction });
}

} // namespace zen
