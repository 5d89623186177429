#include "core/fetch/progress_meter.h"

namespace zen {

namespace {

constexpr std::chrono::milliseconds kBetweenReports{ 100 };
constexpr std::chrono::seconds kRateWindow{ 5 };

} // namespace

ProgressMeter::ProgressMeter(ReportProgress report)
    : m_report(std::move(report))
{
}

void ProgressMeter::begin(std::size_t files, std::uint64_t size)
{
    m_progress.files_in_all = files;
    m_progress.size = size;
    report(true);
}

void ProgressMeter::startFile(const std::string& name, std::uint64_t size)
{
    m_progress.phase = FetchProgress::Phase::fetching;
    m_progress.file = name;
    m_progress.file_bytes = 0;
    m_progress.file_size = size;
    report(true);
}

void ProgressMeter::setPhase(FetchProgress::Phase phase)
{
    m_progress.phase = phase;
    report(true);
}

void ProgressMeter::received(std::uint64_t bytes)
{
    m_network_bytes += bytes;
    m_progress.note.clear();
    found(bytes);
}

void ProgressMeter::found(std::uint64_t bytes)
{
    m_progress.file_bytes += bytes;
    m_progress.bytes += bytes;
    report(false);
}

void ProgressMeter::restartFile()
{
    m_progress.bytes -= m_progress.file_bytes;
    m_progress.file_bytes = 0;
    report(true);
}

void ProgressMeter::finishFile()
{
    m_progress.bytes += m_progress.file_size - m_progress.file_bytes;
    m_progress.file_bytes = m_progress.file_size;
    ++m_progress.files;
    report(true);
}

void ProgressMeter::setNote(const std::string& note)
{
    m_progress.note = note;
    report(true);
}

void ProgressMeter::measure(Clock::time_point now)
{
    m_marks.push_back({ now, m_network_bytes });
    while (m_marks.size() > 2 && now - m_marks.front().time > kRateWindow)
        m_marks.pop_front();
    const double seconds = std::chrono::duration<double>(now - m_marks.front().time).count();
    const auto gained = static_cast<double>(m_network_bytes - m_marks.front().bytes);
    m_progress.bytes_per_second = seconds > 0.2 ? gained / seconds : 0;
    m_progress.seconds_left.reset();
    if (m_progress.bytes_per_second > 0)
        m_progress.seconds_left
            = static_cast<double>(m_progress.size - m_progress.bytes) / m_progress.bytes_per_second;
}

void ProgressMeter::report(bool now)
{
    const auto time = Clock::now();
    if (!now && time - m_reported < kBetweenReports)
        return;
    m_reported = time;
    measure(time);
    if (m_report)
        m_report(m_progress);
}

} // namespace zen
