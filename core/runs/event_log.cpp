#include "core/runs/event_log.h"

#include "core/base/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace zen {

namespace fs = std::filesystem;

namespace {

/// Where the last whole line ends: the offset after the last newline.
std::int64_t endOfLastLine(int fd, std::int64_t size)
{
    std::vector<char> piece(1 << 16);
    for (std::int64_t end = size; end > 0;) {
        const std::int64_t begin
            = std::max<std::int64_t>(0, end - static_cast<std::int64_t>(piece.size()));
        const ssize_t got = ::pread(fd, piece.data(), static_cast<std::size_t>(end - begin), begin);
        if (got <= 0)
            return size;
        for (ssize_t i = got - 1; i >= 0; --i)
            if (piece[static_cast<std::size_t>(i)] == '\n')
                return begin + i + 1;
        end = begin;
    }
    return 0;
}

std::int64_t stepOf(const Event& event)
{
    if (const auto* step = std::get_if<StepFinished>(&event))
        return step->step;
    if (const auto* evaluation = std::get_if<EvaluationFinished>(&event))
        return evaluation->step;
    if (const auto* completions = std::get_if<CompletionsSampled>(&event))
        return completions->step;
    return -1;
}

} // namespace

Result<std::unique_ptr<LineFile>> LineFile::open(const fs::path& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail("cannot open " + path.string() + ": " + std::strerror(errno));
    std::unique_ptr<LineFile> file(new LineFile(path, fd, 0));
    struct stat info { };
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return fail(path.string() + " is not a regular file");
    file->m_end = endOfLastLine(fd, info.st_size);
    if (file->m_end != info.st_size && ::ftruncate(fd, file->m_end) != 0)
        return fail(
            "cannot cut the torn last line of " + path.string() + ": " + std::strerror(errno));
    return file;
}

LineFile::~LineFile()
{
    ::close(m_fd);
}

Result<void> LineFile::append(std::string_view line)
{
    std::string bytes;
    bytes.reserve(line.size() + 1);
    bytes.append(line).push_back('\n');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t written = ::pwrite(m_fd, bytes.data() + done, bytes.size() - done,
            m_end + static_cast<std::int64_t>(done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            const int reason = errno;
            if (::ftruncate(m_fd, m_end) != 0)
                return fail("cannot write " + m_path.string()
                    + " nor cut it back: " + std::strerror(errno));
            return fail("cannot write " + m_path.string() + ": " + std::strerror(reason));
        }
        done += static_cast<std::size_t>(written);
    }
    m_end += static_cast<std::int64_t>(bytes.size());
    return {};
}

Result<std::unique_ptr<EventLog>> EventLog::open(const fs::path& run_folder)
{
    std::unique_ptr<EventLog> log(new EventLog);
    auto events = LineFile::open(run_folder / "events.jsonl");
    if (!events)
        return tl::unexpected(events.error());
    auto completions = LineFile::open(run_folder / "completions.jsonl");
    if (!completions)
        return tl::unexpected(completions.error());
    log->m_events = std::move(*events);
    log->m_completions = std::move(*completions);
    return log;
}

bool EventLog::repeatsPhase(const Event& event)
{
    const auto* phase = std::get_if<PhaseChanged>(&event);
    if (phase == nullptr)
        return false;
    const bool repeats
        = m_last_phase && m_last_phase->phase == phase->phase && m_last_phase->step == phase->step;
    m_last_phase = *phase;
    return repeats;
}

void EventLog::publish(const Event& event)
{
    if (repeatsPhase(event))
        return;
    LineFile& file = std::holds_alternative<CompletionsSampled>(event) ? *m_completions : *m_events;
    Result<void> written;
    try {
        written = file.append(toJsonLine(event, utcNow()));
    } catch (const std::exception& problem) {
        written = fail(std::string("cannot write an event: ") + problem.what());
    }
    if (written)
        return;
    if (m_failed_writes++ == 0)
        m_first_error = written.error().message;
}

std::optional<std::string> EventLog::takeError()
{
    return std::exchange(m_first_error, std::nullopt);
}

std::vector<Event> readEvents(const fs::path& jsonl, std::size_t* damaged)
{
    if (damaged != nullptr)
        *damaged = 0;
    std::vector<Event> events;
    const Result<std::string> text = readFile(jsonl, std::size_t{ 1 } << 33);
    if (!text)
        return events;
    std::string_view rest = *text;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (line.empty())
            continue;
        if (Result<Event> event = fromJsonLine(line))
            events.push_back(std::move(*event));
        else if (damaged != nullptr)
            ++*damaged;
    }
    return events;
}

std::vector<Event> withoutSuperseded(std::vector<Event> events)
{
    std::int64_t resumed_at = std::numeric_limits<std::int64_t>::max();
    std::vector<Event> kept;
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
        if (stepOf(*event) > resumed_at)
            continue;
        if (const auto* started = std::get_if<RunStarted>(&*event))
            resumed_at = std::min(resumed_at, started->first_step);
        kept.push_back(std::move(*event));
    }
    std::reverse(kept.begin(), kept.end());
    return kept;
}

} // namespace zen
