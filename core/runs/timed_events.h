#pragma once

#include "core/runs/events.h"

#include <filesystem>
#include <vector>

namespace zen {

/// An event and when it was logged, in seconds since 1970.
struct TimedEvent {
    double wall_time = 0;
    Event event;
};

/// Now, as wall_time counts.
double wallTimeNow();

/// Every readable event of an events.jsonl with its time (that of the event before it if its own
/// cannot be read); what a resumed run repeated is left out, as withoutSuperseded does.
std::vector<TimedEvent> readTimedEvents(const std::filesystem::path& events_jsonl);

/// 2026-11-24T03:35:00.123Z -> seconds since 1970; 0 if it is not such a time.
double secondsOf(const std::string& utc_time);

} // namespace zen
