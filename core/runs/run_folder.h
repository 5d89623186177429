#pragma once

#include "core/base/result.h"
#include "core/runs/events.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// The files of one run below `output_dir`. The folder is the truth; indexes are rebuilt from it.
struct RunFolder {
    std::filesystem::path path;
    std::filesystem::path configYaml() const { return path / "config.yaml"; }
    std::filesystem::path eventsJsonl() const { return path / "events.jsonl"; }
    std::filesystem::path completionsJsonl() const { return path / "completions.jsonl"; }
    std::filesystem::path consoleLog() const { return path / "console.log"; }
    std::filesystem::path summaryJson() const { return path / "summary.json"; }
    std::filesystem::path checkpoints() const { return path / "checkpoints"; }
    std::filesystem::path adapter() const { return path / "adapter"; }
};

/// Held while a run writes its folder: flock on <folder>/LOCK, freed by the kernel when the process dies.
class RunLock {
public:
    /// Errors: another process holds it (its pid is named); the folder cannot be written.
    static Result<RunLock> acquire(const std::filesystem::path& run_folder);
    RunLock(RunLock&& other) noexcept;
    RunLock& operator=(RunLock&& other) noexcept;
    ~RunLock();

private:
    explicit RunLock(int fd)
        : m_fd(fd)
    {
    }
    int m_fd = -1;
};

/// What to do with a folder that already holds a run.
enum class ExistingRun { refuse, overwrite, resume };

/// Creates the folder (or clears an old run's files when overwriting; nothing else is touched). Errors name the path.
Result<RunFolder> prepareRunFolder(const std::filesystem::path& output_dir, ExistingRun existing);

/// summary.json, durably. status is "failed" with `message` for a RunFailed.
Result<void> writeSummary(const RunFolder& folder, const RunFinished& finished);
Result<void> writeSummary(const RunFolder& folder, const RunFailed& failed);
Result<RunFinished> readSummary(const RunFolder& folder);

/// One line of the history: newest first; damaged folders are listed as such.
struct RunRecord {
    std::filesystem::path folder;
    std::string name, stage, model, status, started;
    std::int64_t steps = 0;
    double seconds = 0;
    std::optional<double> reward_first, reward_last, accuracy_before, accuracy_after;
    std::vector<double> reward_curve; ///< at most 200 points
    bool damaged = false;
};
std::vector<RunRecord> scanRuns(const std::filesystem::path& runs_root);

} // namespace zen
