#pragma once

#include "core/runs/events.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

namespace zen {

/// Appends events to a run folder: completions to completions.jsonl, everything else to events.jsonl, one line each, flushed
/// before publish() returns. A write error is counted and reported once, never stops the run.
class EventLog final : public EventSink {
public:
    /// Cuts a torn last line (no newline at the end) of an earlier, killed run.
    static Result<std::unique_ptr<EventLog>> open(const std::filesystem::path& run_folder);
    ~EventLog() override;

    void publish(const Event& event) override;
    std::size_t failedWrites() const { return m_failed_writes; }

private:
    EventLog() = default;
    std::FILE* m_events = nullptr;
    std::FILE* m_completions = nullptr;
    std::size_t m_failed_writes = 0;
};

/// Every whole, readable line of a .jsonl written by EventLog; bad lines are counted in *damaged.
std::vector<Event> readEvents(const std::filesystem::path& jsonl, std::size_t* damaged = nullptr);

} // namespace zen
