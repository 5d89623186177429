#pragma once

#include "core/runs/events.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// A file that only grows by whole lines. Not copyable; closes itself.
class LineFile {
public:
    /// Opens for appending, creating the file; cuts a torn last line (no newline at the end).
    static Result<std::unique_ptr<LineFile>> open(const std::filesystem::path& path);
    ~LineFile();
    LineFile(const LineFile&) = delete;
    LineFile& operator=(const LineFile&) = delete;

    /// Writes the line and a newline to the file system before it returns. On an error (disk full)
    /// the file is cut back to the last whole line.
    Result<void> append(std::string_view line);

private:
    LineFile(std::filesystem::path path, int fd, std::int64_t end)
        : m_path(std::move(path))
        , m_fd(fd)
        , m_end(end)
    {
    }
    std::filesystem::path m_path;
    int m_fd = -1;
    std::int64_t m_end = 0;
};

/// Appends events to a run folder: completions to completions.jsonl, everything else to
/// events.jsonl, one line each, written before publish() returns. A phase is written when it
/// begins, not at each growing fraction. A write error is counted and reported once, never stops
/// the run.
class EventLog final : public EventSink {
public:
    /// Cuts a torn last line of an earlier, killed run.
    static Result<std::unique_ptr<EventLog>> open(const std::filesystem::path& run_folder);

    void publish(const Event& event) override;
    std::size_t failedWrites() const { return m_failed_writes; }

    /// The first write error, once; then nullopt. For the other sinks.
    std::optional<std::string> takeError();

private:
    EventLog() = default;
    bool repeatsPhase(const Event& event);

    std::unique_ptr<LineFile> m_events, m_completions;
    std::optional<PhaseChanged> m_last_phase;
    std::size_t m_failed_writes = 0;
    std::optional<std::string> m_first_error;
};

/// Every whole, readable line of a .jsonl written by EventLog; bad lines are counted in *damaged. A
/// torn last line is left out silently. A missing file gives no events.
std::vector<Event> readEvents(const std::filesystem::path& jsonl, std::size_t* damaged = nullptr);

/// What counts after resumes: a run resumed at step k repeats the steps after k, so their earlier
/// steps, evaluations and completions are left out.
std::vector<Event> withoutSuperseded(std::vector<Event> events);

} // namespace zen
