#include "core/runs/timed_events.h"

#include "core/base/durable_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <limits>

namespace zen {

namespace {

/// The step whose numbers the event tells; 0 for others.
std::int64_t stepTold(const Event& event)
{
    if (const auto* step = std::get_if<StepFinished>(&event))
        return step->step;
    if (const auto* evaluation = std::get_if<EvaluationFinished>(&event))
        return evaluation->step;
    return 0;
}

std::vector<TimedEvent> withoutRepeated(std::vector<TimedEvent> events)
{
    std::int64_t resumed_at = std::numeric_limits<std::int64_t>::max();
    std::vector<TimedEvent> kept;
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
        if (stepTold(event->event) > resumed_at)
            continue;
        if (const auto* started = std::get_if<RunStarted>(&event->event))
            resumed_at = std::min(resumed_at, started->first_step);
        kept.push_back(std::move(*event));
    }
    std::reverse(kept.begin(), kept.end());
    return kept;
}

} // namespace

double wallTimeNow()
{
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

double secondsOf(const std::string& utc_time)
{
    std::tm parts{};
    const char* rest = strptime(utc_time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr)
        return 0;
    double fraction = 0; // strtod would want the locale's own point
    if (*rest == '.')
        std::from_chars(
            rest, utc_time.c_str() + utc_time.size(), fraction, std::chars_format::fixed);
    return static_cast<double>(timegm(&parts)) + fraction;
}

std::vector<TimedEvent> readTimedEvents(const std::filesystem::path& events_jsonl)
{
    std::vector<TimedEvent> events;
    const auto text = readFile(events_jsonl, std::size_t{ 1 } << 33);
    if (!text)
        return events;
    std::string_view rest = *text;
    double time = 0;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        auto event = fromJsonLine(line);
        if (!event)
            continue;
        const auto object = nlohmann::json::parse(line, nullptr, false);
        if (const auto given = object.find("time"); given != object.end() && given->is_string())
            if (const double seconds = secondsOf(given->get<std::string>()); seconds > 0)
                time = seconds;
        events.push_back({ time, std::move(*event) });
    }
    return withoutRepeated(std::move(events));
}

} // namespace zen
