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
    std::filesystem::path adapter() const { return path / "adapter"; } ///< LoRA
    std::filesystem::path model() const { return path / "model"; } ///< full fine-tuning
};

/// Held while a run writes its folder: flock on <folder>/LOCK, freed by the kernel when the process
/// dies.
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

/// True while some process holds the folder's lock.
bool isLocked(const std::filesystem::path& run_folder);

/// True if the folder holds files of a run (a config.yaml, events, checkpoints, an adapter …).
bool holdsRun(const std::filesystem::path& output_dir);

/// True if the run has left what it learnt: an adapter, or a model trained in full.
bool holdsWeights(const std::filesystem::path& run_folder);

/// What to do with a folder that already holds a run.
enum class ExistingRun { refuse, overwrite, resume };

/// Creates the folder and its checkpoints/. Overwriting removes an old run's files and folders,
/// nothing else; resuming keeps them but for summary.json, which is no longer true. Call it before
/// RunLock::acquire. Errors name the path: not writable, holds a run (refuse), a run is being
/// written to it right now, checkpoints that are not a run's.
Result<RunFolder> prepareRunFolder(const std::filesystem::path& output_dir, ExistingRun existing);

/// summary.json, durably, with the members of RunFinished. For a RunFailed: status "failed", what
/// events.jsonl tells of the rest, and `message` and `checkpoint`.
Result<void> writeSummary(const RunFolder& folder, const RunFinished& finished);
Result<void> writeSummary(const RunFolder& folder, const RunFailed& failed);
Result<RunFinished> readSummary(const RunFolder& folder);

/// One line of the history.
struct RunRecord {
    std::filesystem::path folder;
    std::string name, stage, model;
    std::string
        status; ///< completed, stopped, failed; running (its lock is held); interrupted (killed)
    std::string started; ///< UTC, 2026-11-24T03:35:00.123Z; of the latest start when resumed
    std::int64_t steps = 0;
    double seconds = 0;
    std::optional<double> reward_first, reward_last, accuracy_before, accuracy_after;
    std::vector<double> reward_curve; ///< finite rewards of at most 200 evenly spaced steps
    std::uint64_t planned_memory_bytes = 0;
    bool damaged = false; ///< a line or summary.json cannot be read; the rest is what could be
};

/// What a run folder tells; never fails.
RunRecord readRecord(const std::filesystem::path& run_folder);

/// The runs below a folder (three levels deep), newest first; damaged folders are listed as such.
std::vector<RunRecord> scanRuns(const std::filesystem::path& runs_root);

} // namespace zen
