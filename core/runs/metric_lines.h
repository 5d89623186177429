#pragma once

#include "core/runs/timed_events.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zen {

/// Turns a run's events into the lines of one text file.
class MetricLines {
public:
    virtual ~MetricLines() = default;

    /// The whole file for these events; next() continues it.
    std::string whole(std::span<const TimedEvent> events);

    struct Next {
        std::optional<std::string> line; ///< without its newline
        bool must_start_over = false; ///< the event does not fit the file as it is: make it anew
    };
    virtual Next next(const TimedEvent& event) = 0;

private:
    /// Forgets earlier events; what the file starts with.
    virtual std::string begin(std::span<const TimedEvent> events) = 0;
};

/// For a reporter's name: `csv` (one row an event; a column for every metric that occurs), `jsonl`
/// (one flat object an event) or `trainer_log` (LLaMA-Factory's trainer_log.jsonl). nullptr for
/// others.
std::unique_ptr<MetricLines> metricLinesFor(std::string_view reporter);

/// metrics.csv, metrics.jsonl, trainer_log.jsonl, or tensorboard (a folder); empty for others.
std::string_view metricFileName(std::string_view reporter);

} // namespace zen
