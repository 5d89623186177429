#include "core/base/durable_file.h"
#include "core/runs/json_fields.h"
#include "core/runs/run_folder.h"
#include "core/runs/timed_events.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <set>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kCurvePoints = 200;
constexpr int kDepth = 3;

/// The lines that a record needs, found by their beginning (toJsonLine puts "event" first): a long
/// run's log is scanned, not parsed.
struct Lines {
    std::string_view started; ///< of the latest start
    std::vector<std::string_view> steps; ///< without those that a resumed run repeats
    std::vector<std::string_view> evaluations;
    std::string_view last;
    bool damaged = false;
};

bool isEvent(std::string_view line, std::string_view name)
{
    constexpr std::string_view kBefore = "{\"event\":\"";
    return line.starts_with(kBefore) && line.substr(kBefore.size()).starts_with(name)
        && line.substr(kBefore.size() + name.size()).starts_with('"');
}

std::int64_t integerIn(std::string_view line, const char* key)
{
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object())
        return -1;
    JsonFields fields(object);
    return fields.integer(key);
}

void dropRepeatedSteps(Lines& lines)
{
    const std::int64_t first_step = integerIn(lines.started, "first_step");
    const auto repeated
        = [&](std::string_view line) { return integerIn(line, "step") > first_step; };
    while (first_step >= 0 && !lines.steps.empty() && repeated(lines.steps.back()))
        lines.steps.pop_back();
    while (first_step >= 0 && !lines.evaluations.empty() && repeated(lines.evaluations.back()))
        lines.evaluations.pop_back();
}

Lines linesOf(std::string_view text)
{
    Lines lines;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.empty())
            continue;
        if (!line.starts_with("{\"event\":\"") || !line.ends_with('}'))
            lines.damaged = true;
        else if (isEvent(line, "step_finished"))
            lines.steps.push_back(line);
        else if (isEvent(line, "evaluation_finished"))
            lines.evaluations.push_back(line);
        else if (isEvent(line, "run_started")) {
            lines.started = line;
            dropRepeatedSteps(lines);
        }
        lines.last = line;
    }
    return lines;
}

/// The line's event and time, if it is whole.
template <class Kind> std::optional<Kind> parse(std::string_view line, RunRecord& record)
{
    const Result<Event> event = fromJsonLine(line);
    const Kind* kind = event ? std::get_if<Kind>(&*event) : nullptr;
    if (kind == nullptr) {
        record.damaged = true;
        return std::nullopt;
    }
    return *kind;
}

std::string timeOf(std::string_view line)
{
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object())
        return {};
    JsonFields fields(object);
    return fields.text("time");
}

void takeStart(std::string_view line, RunRecord& record)
{
    if (line.empty())
        return;
    record.started = timeOf(line);
    if (const auto started = parse<RunStarted>(line, record)) {
        if (!started->run_name.empty())
            record.name = started->run_name;
        record.stage = started->stage;
        record.model = started->model;
        record.planned_memory_bytes = started->planned_memory_bytes;
        record.steps = started->first_step;
    }
}

void takeSteps(const std::vector<std::string_view>& lines, RunRecord& record)
{
    std::set<std::size_t> chosen;
    const std::size_t points = std::min(lines.size(), kCurvePoints);
    for (std::size_t i = 0; i < points; ++i)
        chosen.insert(points == 1 ? 0 : i * (lines.size() - 1) / (points - 1));
    for (const std::size_t i : chosen) {
        const auto step = parse<StepFinished>(lines[i], record);
        if (!step)
            continue;
        record.steps = std::max(record.steps, step->step);
        if (const auto reward = step->metrics.find("reward");
            reward != step->metrics.end() && std::isfinite(reward->second))
            record.reward_curve.push_back(reward->second);
    }
    if (!record.reward_curve.empty()) {
        record.reward_first = record.reward_curve.front();
        record.reward_last = record.reward_curve.back();
    }
}

void takeEvaluations(const std::vector<std::string_view>& lines, RunRecord& record)
{
    for (const std::string_view line : lines)
        if (const auto evaluation = parse<EvaluationFinished>(line, record)) {
            const auto accuracy = evaluation->metrics.find("eval/accuracy");
            if (accuracy == evaluation->metrics.end() || !std::isfinite(accuracy->second))
                continue;
            (evaluation->step == 0 ? record.accuracy_before : record.accuracy_after)
                = accuracy->second;
        }
}

void takeSummary(const RunFolder& folder, RunRecord& record)
{
    std::error_code error;
    if (!fs::exists(folder.summaryJson(), error)) {
        record.status = isLocked(folder.path) ? "running" : "interrupted";
        return;
    }
    const Result<RunFinished> summary = readSummary(folder);
    if (!summary) {
        record.status = "interrupted";
        record.damaged = true;
        return;
    }
    record.status = summary->status;
    record.steps = summary->steps;
    record.seconds = summary->seconds;
    record.reward_first = summary->reward_first;
    record.reward_last = summary->reward_last;
    record.accuracy_before = summary->eval_accuracy_before;
    record.accuracy_after = summary->eval_accuracy_after;
}

void collect(
    const fs::path& folder, int depth, std::set<fs::path>& seen, std::vector<RunRecord>& records)
{
    std::error_code error;
    if (!seen.insert(fs::weakly_canonical(folder, error)).second)
        return;
    if (const RunFolder run{ folder };
        fs::exists(run.eventsJsonl(), error) || fs::exists(run.summaryJson(), error)) {
        records.push_back(readRecord(folder));
        return;
    }
    if (depth == 0)
        return;
    for (auto entry = fs::directory_iterator(folder, error);
         !error && entry != fs::directory_iterator(); entry.increment(error))
        if (std::error_code ignored; entry->is_directory(ignored))
            collect(entry->path(), depth - 1, seen, records);
}

} // namespace

RunRecord readRecord(const fs::path& run_folder)
{
    RunRecord record;
    record.folder = run_folder;
    record.name = run_folder.filename().string();
    const RunFolder folder{ run_folder };
    if (const auto text = readFile(folder.eventsJsonl(), std::size_t{ 1 } << 33)) {
        const Lines lines = linesOf(*text);
        record.damaged = lines.damaged;
        takeStart(lines.started, record);
        takeSteps(lines.steps, record);
        takeEvaluations(lines.evaluations, record);
        if (const double begin = secondsOf(record.started), end = secondsOf(timeOf(lines.last));
            begin > 0 && end > begin)
            record.seconds = end - begin;
    } else
        record.damaged = true;
    takeSummary(folder, record);
    return record;
}

std::vector<RunRecord> scanRuns(const fs::path& runs_root)
{
    std::vector<RunRecord> records;
    std::set<fs::path> seen;
    collect(runs_root, kDepth, seen, records);
    std::stable_sort(records.begin(), records.end(), [](const RunRecord& a, const RunRecord& b) {
        return a.started != b.started ? a.started > b.started : a.folder < b.folder;
    });
    return records;
}

} // namespace zen
