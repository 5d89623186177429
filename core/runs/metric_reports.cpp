#include "core/runs/metric_reports.h"

#include "core/base/durable_file.h"
#include "core/base/word_list.h"
#include "core/config/reporters.h"
#include "core/runs/event_log.h"
#include "core/runs/metric_lines.h"
#include "core/runs/tensorboard_file.h"

#include <algorithm>

namespace zen {

namespace fs = std::filesystem;

class MetricReports::Report {
public:
    virtual ~Report() = default;
    virtual Result<void> add(const TimedEvent& event) = 0;
};

class MetricReports::TextReport final : public Report {
public:
    TextReport(const RunFolder& folder, std::string_view reporter)
        : m_events(folder.eventsJsonl())
        , m_path(folder.path / metricFileName(reporter))
        , m_lines(metricLinesFor(reporter))
    {
    }

    Result<void> add(const TimedEvent& event) override
    {
        if (!m_file || std::holds_alternative<RunStarted>(event.event))
            return startOver();
        const MetricLines::Next next = m_lines->next(event);
        if (next.must_start_over)
            return startOver();
        return next.line ? m_file->append(*next.line) : Result<void>{};
    }

private:
    /// From events.jsonl, which holds the event at hand already.
    Result<void> startOver()
    {
        m_file.reset();
        const std::string text = m_lines->whole(readTimedEvents(m_events));
        if (auto written = writeDurably(m_path, text); !written)
            return written;
        auto file = LineFile::open(m_path);
        if (!file)
            return tl::unexpected(file.error());
        m_file = std::move(*file);
        return {};
    }

    fs::path m_events, m_path;
    std::unique_ptr<MetricLines> m_lines;
    std::unique_ptr<LineFile> m_file;
};

class MetricReports::TensorBoardReport final : public Report {
public:
    explicit TensorBoardReport(const RunFolder& folder)
        : m_events(folder.eventsJsonl())
        , m_folder(folder.path / metricFileName("tensorboard"))
    {
    }

    Result<void> add(const TimedEvent& event) override
    {
        if (const auto* started = std::get_if<RunStarted>(&event.event))
            return start(started->first_step, event.wall_time);
        return m_file ? m_file->add(event) : Result<void>{};
    }

private:
    Result<void> start(std::int64_t first_step, double wall_time)
    {
        const bool continues = holdsEventFiles(m_folder);
        auto file = TensorBoardFile::create(m_folder, continues ? first_step : 0, wall_time);
        if (!file)
            return tl::unexpected(file.error());
        m_file.emplace(std::move(*file));
        if (continues || first_step == 0)
            return {};
        for (const TimedEvent& earlier : readTimedEvents(m_events)) // sessions without TensorBoard
            if (auto added = m_file->add(earlier); !added)
                return added;
        return {};
    }

    fs::path m_events, m_folder;
    std::optional<TensorBoardFile> m_file;
};

MetricReports::MetricReports(const RunFolder& folder, const std::vector<std::string>& report_to)
{
    for (const std::string_view reporter : reportersIn(report_to)) {
        if (reporter == "tensorboard")
            m_reports.push_back(std::make_unique<TensorBoardReport>(folder));
        else
            m_reports.push_back(std::make_unique<TextReport>(folder, reporter));
    }
}

MetricReports::~MetricReports() = default;

void MetricReports::publish(const Event& event)
{
    const bool counts = std::holds_alternative<RunStarted>(event)
        || std::holds_alternative<StepFinished>(event)
        || std::holds_alternative<EvaluationFinished>(event);
    if (!counts)
        return;
    const TimedEvent timed{ wallTimeNow(), event };
    for (const auto& report : m_reports)
        if (auto added = report->add(timed); !added && !m_has_failed) {
            m_has_failed = true;
            m_error = added.error().message;
        }
}

std::optional<std::string> MetricReports::takeError()
{
    return std::exchange(m_error, std::nullopt);
}

Result<fs::path> exportMetrics(
    const fs::path& run_folder, std::string_view reporter, const fs::path& output)
{
    const std::string_view name = metricFileName(reporter);
    if (name.empty())
        return fail("there is no reporter " + std::string(reporter) + "; choose "
            + alternatives(kReporters));
    const RunFolder folder{ run_folder };
    std::error_code ignored;
    if (!fs::is_regular_file(folder.eventsJsonl(), ignored))
        return fail(run_folder.string()
            + " has no events.jsonl: it is not a run of this program. gym runs lists runs.");
    const std::vector<TimedEvent> events = readTimedEvents(folder.eventsJsonl());
    const bool has_metrics = std::any_of(events.begin(), events.end(), [](const TimedEvent& timed) {
        return std::holds_alternative<StepFinished>(timed.event)
            || std::holds_alternative<EvaluationFinished>(timed.event);
    });
    if (!has_metrics)
        return fail(folder.eventsJsonl().string() + " holds no metrics yet: no step was finished");
    const fs::path target = output.empty() ? run_folder / name : output;
    Result<void> written;
    if (reporter == "tensorboard")
        written = writeFolderDurably(target, [&](const fs::path& staging) -> Result<void> {
            auto file = TensorBoardFile::create(staging, 0, events.front().wall_time);
            for (std::size_t i = 0; file && i < events.size(); ++i)
                if (auto added = file->add(events[i]); !added)
                    return added;
            return file ? Result<void>{} : tl::unexpected(file.error());
        });
    else
        written = writeDurably(target, metricLinesFor(reporter)->whole(events));
    if (!written)
        return tl::unexpected(written.error());
    return target;
}

} // namespace zen
