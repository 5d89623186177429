#include "core/runs/metric_lines.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <vector>

namespace zen {

namespace {

/// What a step or an evaluation tells; empty for other events.
struct MetricRow {
    double wall_time = 0;
    std::int64_t step = 0;
    std::optional<double> epoch;
    const Metrics* metrics = nullptr;
};

std::optional<MetricRow> rowOf(const TimedEvent& timed)
{
    if (const auto* step = std::get_if<StepFinished>(&timed.event))
        return MetricRow{ timed.wall_time, step->step, step->epoch, &step->metrics };
    if (const auto* evaluation = std::get_if<EvaluationFinished>(&timed.event))
        return MetricRow{ timed.wall_time, evaluation->step, std::nullopt, &evaluation->metrics };
    return std::nullopt;
}

/// The shortest decimal that reads back the same; empty for what is not finite.
std::string decimal(double value)
{
    if (!std::isfinite(value))
        return {};
    char text[40];
    const auto written = std::to_chars(text, text + sizeof text, value);
    return { text, written.ptr };
}

std::string timeText(double wall_time)
{
    char text[40];
    const auto written
        = std::to_chars(text, text + sizeof text, wall_time, std::chars_format::fixed, 3);
    return { text, written.ptr };
}

/// RFC 4180
std::string csvCell(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string cell = "\"";
    for (const char c : text)
        cell += c == '"' ? std::string("\"\"") : std::string(1, c);
    return cell + '"';
}

class CsvLines final : public MetricLines {
public:
    Next next(const TimedEvent& event) override
    {
        const auto row = rowOf(event);
        if (!row)
            return {};
        for (const auto& [name, value] : *row->metrics)
            if (!std::binary_search(m_columns.begin(), m_columns.end(), name))
                return { std::nullopt, true };
        std::string line = timeText(row->wall_time) + "," + std::to_string(row->step) + ","
            + (row->epoch ? decimal(*row->epoch) : "");
        for (const std::string& column : m_columns) {
            const auto value = row->metrics->find(column);
            line += "," + (value == row->metrics->end() ? std::string() : decimal(value->second));
        }
        return { std::move(line), false };
    }

private:
    std::string begin(std::span<const TimedEvent> events) override
    {
        std::set<std::string> names;
        for (const TimedEvent& event : events)
            if (const auto row = rowOf(event))
                for (const auto& [name, value] : *row->metrics)
                    names.insert(name);
        m_columns.assign(names.begin(), names.end());
        std::string head = "time,step,epoch";
        for (const std::string& column : m_columns)
            head += "," + csvCell(column);
        return head + "\n";
    }

    std::vector<std::string> m_columns; ///< sorted
};

class JsonLines final : public MetricLines {
public:
    Next next(const TimedEvent& event) override
    {
        const auto row = rowOf(event);
        if (!row)
            return {};
        nlohmann::ordered_json object;
        object["time"] = std::round(row->wall_time * 1000) / 1000;
        object["step"] = row->step;
        if (row->epoch)
            object["epoch"] = *row->epoch;
        for (const auto& [name, value] : *row->metrics)
            object[name] = std::isfinite(value) ? nlohmann::ordered_json(value)
                                                : nlohmann::ordered_json(nullptr);
        return { object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
            false };
    }

private:
    std::string begin(std::span<const TimedEvent> /*events*/) override { return {}; }
};

/// "0:01:23", "1 day, 2:03:04": how Python writes a time span.
std::string spanText(double seconds)
{
    const auto whole = static_cast<std::int64_t>(std::max(seconds, 0.0));
    char clock[32];
    std::snprintf(clock, sizeof clock, "%d:%02d:%02d", static_cast<int>(whole % 86400 / 3600),
        static_cast<int>(whole % 3600 / 60), static_cast<int>(whole % 60));
    const std::int64_t days = whole / 86400;
    if (days == 0)
        return clock;
    return std::to_string(days) + (days == 1 ? " day, " : " days, ") + clock;
}

/// LLaMA-Factory's: progress for its own board. Time counts over all sessions.
class TrainerLogLines final : public MetricLines {
public:
    Next next(const TimedEvent& event) override
    {
        if (std::holds_alternative<RunStarted>(event.event)) {
            m_before += m_last - m_session_start;
            m_session_start = m_last = event.wall_time;
        } else if (rowOf(event)) {
            m_last = event.wall_time; // what comes before a session's start is not its time
        }
        const auto* step = std::get_if<StepFinished>(&event.event);
        if (step == nullptr || step->step < 1)
            return {};
        const double elapsed = m_before + m_last - m_session_start;
        const auto done = static_cast<double>(step->step);
        const auto total = static_cast<double>(std::max(step->total_steps, step->step));
        nlohmann::ordered_json object;
        object["current_steps"] = step->step;
        object["total_steps"] = step->total_steps;
        const auto add = [&](const char* key, const char* metric) {
            const auto value = step->metrics.find(metric);
            if (value != step->metrics.end() && std::isfinite(value->second))
                object[key] = std::round(value->second * 1e6) / 1e6;
        };
        add("loss", "loss");
        add("reward", "reward");
        if (const auto rate = step->metrics.find("learning_rate"); rate != step->metrics.end())
            object["lr"] = rate->second;
        object["epoch"] = std::round(step->epoch * 1e4) / 1e4;
        object["percentage"] = std::round(done / total * 1e4) / 100;
        object["elapsed_time"] = spanText(elapsed);
        object["remaining_time"] = spanText(elapsed / done * (total - done));
        return { object.dump(), false };
    }

private:
    std::string begin(std::span<const TimedEvent> /*events*/) override
    {
        m_before = m_session_start = m_last = 0;
        return {};
    }

    double m_before = 0; ///< seconds of earlier sessions
    double m_session_start = 0, m_last = 0;
};

} // namespace

std::string MetricLines::whole(std::span<const TimedEvent> events)
{
    std::string text = begin(events);
    for (const TimedEvent& event : events)
        if (const auto line = next(event).line)
            text += *line + "\n";
    return text;
}

std::unique_ptr<MetricLines> metricLinesFor(std::string_view reporter)
{
    if (reporter == "csv")
        return std::make_unique<CsvLines>();
    if (reporter == "jsonl")
        return std::make_unique<JsonLines>();
    if (reporter == "trainer_log")
        return std::make_unique<TrainerLogLines>();
    return nullptr;
}

std::string_view metricFileName(std::string_view reporter)
{
    if (reporter == "csv")
        return "metrics.csv";
    if (reporter == "jsonl")
        return "metrics.jsonl";
    if (reporter == "trainer_log")
        return "trainer_log.jsonl";
    return reporter == "tensorboard" ? "tensorboard" : "";
}

} // namespace zen
