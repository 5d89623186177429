#include "core/runs/run_folder.h"

#include "core/base/durable_file.h"
#include "core/runs/json_fields.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLockName = "LOCK";
constexpr const char* kRunFiles[] = { "config.yaml", "events.jsonl", "completions.jsonl",
    "console.log", "summary.json", "metrics.csv", "metrics.jsonl", "trainer_log.jsonl" };
constexpr const char* kRunFolders[] = { "checkpoints", "adapter", "model", "tensorboard" };

bool present(const fs::path& path)
{
    std::error_code error;
    return fs::symlink_status(path, error).type() != fs::file_type::not_found && !error;
}

bool holdsSomething(const fs::path& folder)
{
    std::error_code error;
    return present(folder) && !(fs::is_directory(folder, error) && fs::is_empty(folder, error));
}

std::string holderOf(int fd)
{
    char text[128] = {};
    const ssize_t length = ::pread(fd, text, sizeof text - 1, 0);
    return length > 0 ? std::string(text, std::strcspn(text, "\n")) : "unknown";
}

/// A run that ended or starts may hold the lock for a moment while it clears its folder or is being
/// looked at.
bool lockWithin(int fd, int attempts)
{
    for (int i = 0; i < attempts; ++i) {
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        ::usleep(5000);
    }
    errno = EWOULDBLOCK;
    return false;
}

Result<void> clearRun(const RunFolder& folder)
{
    const bool ours = present(folder.eventsJsonl()) || present(folder.summaryJson());
    for (const char* name : kRunFolders)
        if (holdsSomething(folder.path / name) && !ours)
            return fail(folder.path.string() + " holds " + name
                + "/ but no events.jsonl, so it may not be a run of this program; nothing was "
                  "removed. "
                  "Choose another output_dir or remove that folder yourself.");
    const auto removed = [&](const char* name) -> Result<void> {
        std::error_code error;
        fs::remove_all(folder.path / name, error); // of a symbolic link: the link
        if (error)
            return fail("cannot remove " + (folder.path / name).string() + ": " + error.message());
        return {};
    };
    for (const char* name : kRunFolders) // before events.jsonl, which says that they are ours
        if (auto done = removed(name); !done)
            return done;
    for (const char* name : kRunFiles)
        if (auto done = removed(name); !done)
            return done;
    return {};
}

nlohmann::ordered_json numberOrNull(const std::optional<double>& value)
{
    return value && std::isfinite(*value) ? nlohmann::ordered_json(*value)
                                          : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json summaryOf(const RunFinished& finished)
{
    nlohmann::ordered_json summary;
    summary["status"] = finished.status;
    summary["steps"] = finished.steps;
    summary["seconds"] = numberOrNull(finished.seconds);
    summary["eval_accuracy_before"] = numberOrNull(finished.eval_accuracy_before);
    summary["eval_accuracy_after"] = numberOrNull(finished.eval_accuracy_after);
    summary["reward_first"] = numberOrNull(finished.reward_first);
    summary["reward_last"] = numberOrNull(finished.reward_last);
    summary["planned_memory_bytes"] = finished.planned_memory_bytes;
    summary["peak_memory_bytes"] = finished.peak_memory_bytes;
    return summary;
}

Result<void> write(const RunFolder& folder, const nlohmann::ordered_json& summary)
{
    return writeDurably(folder.summaryJson(),
        summary.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

} // namespace

Result<RunLock> RunLock::acquire(const fs::path& run_folder)
{
    const fs::path path = run_folder / kLockName;
    RunLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (lock.m_fd < 0)
        return fail("cannot open " + path.string() + ": " + std::strerror(errno));
    if (!lockWithin(lock.m_fd, 10)) {
        const int reason = errno;
        const std::string holder = holderOf(lock.m_fd);
        ::close(std::exchange(lock.m_fd, -1));
        if (reason != EWOULDBLOCK)
            return fail("cannot lock " + path.string() + ": " + std::strerror(reason));
        return fail("another run is writing " + run_folder.string() + " (process " + holder
            + "). Wait for it, stop it, or choose another output_dir.");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.m_fd, 0) != 0
        || ::pwrite(lock.m_fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        // The lock holds all the same; only a second starter's message is poorer.
    }
    return lock;
}

RunLock::RunLock(RunLock&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1))
{
}

RunLock& RunLock::operator=(RunLock&& other) noexcept
{
    std::swap(m_fd, other.m_fd);
    return *this;
}

RunLock::~RunLock()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

bool isLocked(const fs::path& run_folder)
{
    const int fd = ::open((run_folder / kLockName).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(fd);
    return locked;
}

bool holdsRun(const fs::path& output_dir)
{
    for (const char* name : kRunFiles)
        if (present(output_dir / name))
            return true;
    for (const char* name : kRunFolders)
        if (holdsSomething(output_dir / name))
            return true;
    return false;
}

bool holdsWeights(const fs::path& run_folder)
{
    const RunFolder files{ run_folder };
    std::error_code ignored;
    return fs::is_regular_file(files.adapter() / "adapter_config.json", ignored)
        || fs::is_regular_file(files.model() / "config.json", ignored);
}

Result<RunFolder> prepareRunFolder(const fs::path& output_dir, ExistingRun existing)
{
    std::error_code error;
    if (output_dir.empty())
        return fail("output_dir is empty: give the folder that the run writes to");
    const RunFolder folder{ output_dir };
    fs::create_directories(output_dir, error);
    if (!fs::is_directory(output_dir, error))
        return fail("cannot create the folder " + output_dir.string() + ": "
            + (error ? error.message() : "a file of that name exists"));
    if (holdsRun(output_dir)) {
        if (existing == ExistingRun::refuse)
            return fail(output_dir.string()
                + " already holds a run. Choose another output_dir, or set overwrite_output_dir: "
                  "true to replace it, or "
                  "resume_from_checkpoint: latest to continue it.");
        const auto lock = RunLock::acquire(output_dir);
        if (!lock)
            return tl::unexpected(lock.error());
        if (existing == ExistingRun::overwrite) {
            if (auto cleared = clearRun(folder); !cleared)
                return tl::unexpected(cleared.error());
        } else
            fs::remove(folder.summaryJson(), error); // of the interrupted run: no longer true
    }
    removeStaleStaging(output_dir);
    fs::create_directories(folder.checkpoints(), error);
    if (error)
        return fail("cannot create " + folder.checkpoints().string() + ": " + error.message());
    return folder;
}

Result<void> writeSummary(const RunFolder& folder, const RunFinished& finished)
{
    return write(folder, summaryOf(finished));
}

Result<void> writeSummary(const RunFolder& folder, const RunFailed& failed)
{
    const RunRecord record = readRecord(folder.path);
    RunFinished reached;
    reached.status = "failed";
    reached.steps = record.steps;
    reached.seconds = record.seconds;
    reached.eval_accuracy_before = record.accuracy_before;
    reached.eval_accuracy_after = record.accuracy_after;
    reached.reward_first = record.reward_first;
    reached.reward_last = record.reward_last;
    reached.planned_memory_bytes = record.planned_memory_bytes;
    nlohmann::ordered_json summary = summaryOf(reached);
    summary["message"] = failed.message;
    summary["checkpoint"] = failed.checkpoint;
    return write(folder, summary);
}

Result<RunFinished> readSummary(const RunFolder& folder)
{
    const auto text = readFile(folder.summaryJson(), 1 << 20);
    if (!text)
        return tl::unexpected(text.error());
    const auto object = nlohmann::json::parse(*text, nullptr, false);
    if (!object.is_object())
        return fail(folder.summaryJson().string() + " is not a JSON object");
    JsonFields fields(object);
    RunFinished finished = readRunFinished(fields);
    if (!fields.problem().empty())
        return fail(folder.summaryJson().string() + ": " + fields.problem());
    if (finished.status.empty())
        return fail(folder.summaryJson().string() + ": \"status\" is missing");
    return finished;
}

} // namespace zen
