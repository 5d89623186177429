#include "ui/run/run_trace.h"

#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

namespace zen::ui {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kLogLinesKept = 500;
constexpr std::streamoff kTailBytes = 4 << 20;

template <class T> void dropStepsAfter(std::vector<T>& events, std::int64_t step)
{
    std::erase_if(events, [step](const T& event) { return event.step > step; });
}

/// The last whole line of completions.jsonl that can be read.
std::optional<CompletionsSampled> newestCompletionsIn(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in)
        return std::nullopt;
    const std::streamoff size = in.tellg();
    const std::streamoff from = std::max<std::streamoff>(0, size - kTailBytes);
    in.seekg(from);
    std::string tail(static_cast<std::size_t>(size - from), '\0');
    in.read(tail.data(), size - from);
    std::size_t end = tail.find_last_of('\n');
    while (end != std::string::npos && end > 0) {
        const std::size_t before = tail.rfind('\n', end - 1);
        const std::size_t begin = before == std::string::npos ? 0 : before + 1;
        if (const auto event = fromJsonLine(std::string_view(tail).substr(begin, end - begin)))
            if (const auto* sampled = std::get_if<CompletionsSampled>(&*event))
                return *sampled;
        end = before;
    }
    return std::nullopt;
}

} // namespace

void RunTrace::apply(const Event& event)
{
    m_status.apply(event);
    if (const auto* started = std::get_if<RunStarted>(&event)) {
        dropAfter(started->first_step);
        m_started = *started;
        m_finished.reset();
        m_failed.reset();
    } else if (const auto* step = std::get_if<StepFinished>(&event)) {
        append(*step);
    } else if (const auto* evaluation = std::get_if<EvaluationFinished>(&event)) {
        m_evaluations.push_back(*evaluation);
    } else if (const auto* sampled = std::get_if<CompletionsSampled>(&event)) {
        m_newest = *sampled;
    } else if (const auto* line = std::get_if<LogLine>(&event)) {
        m_log.push_back(*line);
        if (m_log.size() > kLogLinesKept)
            m_log.pop_front();
    } else if (const auto* checkpoint = std::get_if<CheckpointSaved>(&event)) {
        m_checkpoints.push_back(*checkpoint);
    } else if (const auto* finished = std::get_if<RunFinished>(&event)) {
        m_finished = *finished;
    } else if (const auto* failed = std::get_if<RunFailed>(&event)) {
        m_failed = *failed;
    }
}

void RunTrace::append(const StepFinished& step)
{
    const auto time = step.metrics.find("step_time");
    const double seconds
        = time != step.metrics.end() && std::isfinite(time->second) ? time->second : 0;
    m_seconds.push_back((m_seconds.empty() ? 0 : m_seconds.back()) + seconds);
    const std::size_t row = m_steps.size();
    m_steps.push_back(step.step);
    for (const auto& [name, value] : step.metrics) {
        std::vector<double>& column = m_columns[name];
        column.resize(row, kNaN);
        column.push_back(value);
    }
}

void RunTrace::dropAfter(std::int64_t step)
{
    const auto keep = static_cast<std::size_t>(
        std::upper_bound(m_steps.begin(), m_steps.end(), step) - m_steps.begin());
    m_steps.resize(keep);
    m_seconds.resize(keep);
    for (auto& [name, column] : m_columns)
        column.resize(std::min(column.size(), keep));
    dropStepsAfter(m_evaluations, step);
    dropStepsAfter(m_checkpoints, step);
}

void RunTrace::prepend(const RunTrace& earlier)
{
    RunTrace whole = earlier;
    whole.dropAfter(
        m_steps.empty() ? (m_started ? m_started->first_step : 0) : m_steps.front() - 1);
    const double seconds_before = whole.m_seconds.empty() ? 0 : whole.m_seconds.back();
    const std::size_t rows_before = whole.rows();
    whole.m_steps.insert(whole.m_steps.end(), m_steps.begin(), m_steps.end());
    for (const double seconds : m_seconds)
        whole.m_seconds.push_back(seconds_before + seconds);
    for (const auto& [name, column] : m_columns) {
        std::vector<double>& target = whole.m_columns[name];
        target.resize(rows_before, kNaN);
        target.insert(target.end(), column.begin(), column.end());
    }
    for (const EvaluationFinished& evaluation : m_evaluations)
        if (whole.m_evaluations.empty() || evaluation.step > whole.m_evaluations.back().step)
            whole.m_evaluations.push_back(evaluation);
    whole.m_checkpoints.insert(
        whole.m_checkpoints.end(), m_checkpoints.begin(), m_checkpoints.end());
    m_steps = std::move(whole.m_steps);
    m_seconds = std::move(whole.m_seconds);
    m_columns = std::move(whole.m_columns);
    m_evaluations = std::move(whole.m_evaluations);
    m_checkpoints = std::move(whole.m_checkpoints);
}

const std::vector<double>* RunTrace::column(const std::string& metric) const
{
    const auto found = m_columns.find(metric);
    return found == m_columns.end() ? nullptr : &found->second;
}

double RunTrace::value(const std::string& metric, std::size_t row) const
{
    const std::vector<double>* values = column(metric);
    return values && row < values->size() ? (*values)[row] : kNaN;
}

MetricPoint RunTrace::point(
    const std::string& metric, const std::string& spread_metric, std::size_t row) const
{
    MetricPoint point;
    point.step = static_cast<double>(m_steps[row]);
    point.seconds = m_seconds[row];
    const double tokens = value("num_tokens", row);
    point.tokens = std::isfinite(tokens) ? tokens : 0;
    point.value = value(metric, row);
    point.spread = spread_metric.empty() ? kNaN : value(spread_metric, row);
    return point;
}

MetricSeries RunTrace::series(const std::string& metric, const std::string& spread_metric) const
{
    MetricSeries series;
    for (std::size_t row = 0; row < rows(); ++row)
        series.append(point(metric, spread_metric, row));
    return series;
}

std::optional<double> RunTrace::recentMean(
    const std::string& metric, std::size_t steps, std::size_t skip_newest) const
{
    const std::vector<double>* values = column(metric);
    if (!values)
        return std::nullopt;
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = values->size(); i-- > 0 && count < steps;) {
        if (!std::isfinite((*values)[i]))
            continue;
        if (skip_newest > 0) {
            --skip_newest;
            continue;
        }
        sum += (*values)[i];
        ++count;
    }
    return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

Result<RunTrace> loadRunTrace(const std::string& folder)
{
    const RunFolder run{ folder };
    std::error_code error;
    if (!std::filesystem::is_regular_file(run.eventsJsonl(), error))
        return fail(folder + ": no run here, events.jsonl is missing");
    RunTrace trace;
    for (const Event& event : readEvents(run.eventsJsonl()))
        trace.apply(event);
    if (const auto newest = newestCompletionsIn(run.completionsJsonl()))
        trace.apply(*newest);
    return trace;
}

} // namespace zen::ui
