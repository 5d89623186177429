#pragma once

#include "core/runs/events.h"
#include "ui/plots/metric_series.h"
#include "ui/run/run_status.h"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zen::ui {

/// What the pages know of one run, collected from its events, live or read from its folder. Metrics
/// are kept by name, one value a step (NaN where a step has none).
class RunTrace {
public:
    /// A RunStarted that resumes at step k drops the rows after k: they are done again.
    void apply(const Event& event);

    /// Puts the steps and marks of the same run from before this trace began (a resumed run) in
    /// front.
    void prepend(const RunTrace& earlier);

    std::size_t rows() const { return m_steps.size(); }
    std::int64_t stepOf(std::size_t row) const { return m_steps[row]; }
    const std::vector<double>* column(const std::string& metric) const; ///< nullptr: never measured
    double value(const std::string& metric, std::size_t row) const; ///< NaN where there is none
    MetricPoint point(
        const std::string& metric, const std::string& spread_metric, std::size_t row) const;
    MetricSeries series(const std::string& metric, const std::string& spread_metric) const;

    /// Mean of a metric over the newest `steps` rows that have it; empty where none has.
    std::optional<double> recentMean(
        const std::string& metric, std::size_t steps, std::size_t skip_newest = 0) const;

    const RunStatus& status() const { return m_status; }
    const std::optional<RunStarted>& started() const { return m_started; }
    const std::vector<EvaluationFinished>& evaluations() const { return m_evaluations; }
    const std::vector<CheckpointSaved>& checkpoints() const { return m_checkpoints; }
    const std::optional<CompletionsSampled>& newestCompletions() const { return m_newest; }
    const std::deque<LogLine>& log() const { return m_log; } ///< the newest lines
    const std::optional<RunFinished>& finished() const { return m_finished; }
    const std::optional<RunFailed>& failed() const { return m_failed; }

private:
    void append(const StepFinished& step);
    void dropAfter(std::int64_t step);

    RunStatus m_status;
    std::optional<RunStarted> m_started;
    std::vector<std::int64_t> m_steps;
    std::vector<double> m_seconds; ///< cumulative step_time
    std::map<std::string, std::vector<double>> m_columns;
    std::vector<EvaluationFinished> m_evaluations;
    std::vector<CheckpointSaved> m_checkpoints;
    std::optional<CompletionsSampled> m_newest;
    std::deque<LogLine> m_log;
    std::optional<RunFinished> m_finished;
    std::optional<RunFailed> m_failed;
};

/// A run read from its folder: everything in events.jsonl and the newest completions. Errors: no
/// such run.
Result<RunTrace> loadRunTrace(const std::string& folder);

} // namespace zen::ui
