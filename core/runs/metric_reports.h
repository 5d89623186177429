#pragma once

#include "core/base/result.h"
#include "core/runs/events.h"
#include "core/runs/run_folder.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// Writes what `report_to` asks for into the run folder while the run goes on: tensorboard/,
/// metrics.csv, metrics.jsonl, trainer_log.jsonl. Stands behind the EventLog: a file that does not
/// fit any more (a resumed run repeats steps, a metric is new) is made anew from events.jsonl. A
/// write error is kept for takeError() and never stops the run.
class MetricReports final : public EventSink {
public:
    /// Names that are not ours are passed over.
    MetricReports(const RunFolder& folder, const std::vector<std::string>& report_to);
    ~MetricReports() override;

    void publish(const Event& event) override;

    /// The first write error, once; then nullopt.
    std::optional<std::string> takeError();

private:
    class Report;
    class TextReport;
    class TensorBoardReport;

    std::vector<std::unique_ptr<Report>> m_reports;
    std::optional<std::string> m_error;
    bool m_has_failed = false;
};

/// The same for a run that is over, from its events.jsonl. `output` empty: into the run folder,
/// where a text file is replaced; a folder with event files must not exist yet. Returns what was
/// written. Errors: no run there, no metrics in it, an unknown reporter.
Result<std::filesystem::path> exportMetrics(const std::filesystem::path& run_folder,
    std::string_view reporter, const std::filesystem::path& output);

} // namespace zen
