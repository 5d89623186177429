#include "core/fetch/fetch_file.h"

#include "core/base/byte_text.h"
#include "core/base/durable_file.h"
#include "core/plan/memory_plan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kReadPiece = 1 << 20;

std::string systemError(const std::string& action, const fs::path& path)
{
    const int number = errno;
    std::string text = action + " " + path.string() + ": " + std::strerror(number);
    if (number == ENOSPC)
        text += "; make room and fetch again: what came so far is kept";
    return text;
}

/// A file that grows to one that is known by size and hash.
class PartialFile {
public:
    explicit PartialFile(const HubFile& file, fs::path path)
        : m_file(file)
        , m_path(std::move(path))
        , m_digest(file.digest())
    {
    }
    ~PartialFile()
    {
        if (m_descriptor >= 0)
            ::close(m_descriptor);
    }
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;

    /// Digests what is there already; one that is too long begins anew. False: stopped.
    Result<bool> open(ProgressMeter& meter, const std::stop_token& stop);
    Result<void> append(std::string_view bytes);
    Result<void> restart();
    /// Empty if the bytes are right, else how they are not.
    std::string whatIsWrong();
    Result<void> moveTo(const fs::path& final);

    std::uint64_t size() const { return m_size; }
    bool isWhole() const { return m_size == m_file.size; }

private:
    const HubFile& m_file;
    fs::path m_path;
    ContentDigest m_digest;
    int m_descriptor = -1;
    std::uint64_t m_size = 0;
};

Result<bool> PartialFile::open(ProgressMeter& meter, const std::stop_token& stop)
{
    m_descriptor = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct stat info { };
    if (m_descriptor < 0 || ::fstat(m_descriptor, &info) != 0)
        return fail(systemError("cannot open", m_path));
    if (static_cast<std::uint64_t>(info.st_size) > m_file.size) {
        if (auto done = restart(); !done)
            return tl::unexpected(done.error());
        return true;
    }
    if (info.st_size > 0)
        meter.setPhase(FetchProgress::Phase::checking);
    std::vector<char> piece(kReadPiece);
    while (!stop.stop_requested()) {
        const ssize_t got = ::read(m_descriptor, piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(systemError("cannot read", m_path));
        if (got == 0) {
            meter.setPhase(FetchProgress::Phase::fetching);
            return true;
        }
        m_digest.add({ piece.data(), static_cast<std::size_t>(got) });
        m_size += static_cast<std::uint64_t>(got);
        meter.found(static_cast<std::uint64_t>(got));
    }
    return false;
}

Result<void> PartialFile::append(std::string_view bytes)
{
    if (bytes.size() > m_file.size - m_size)
        return fail("the server sends more of " + m_file.name + " than the "
            + std::to_string(m_file.size) + " bytes that it lists");
    m_digest.add(bytes);
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(systemError("cannot write", m_path));
        bytes.remove_prefix(static_cast<std::size_t>(written));
        m_size += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> PartialFile::restart()
{
    if (::ftruncate(m_descriptor, 0) != 0 || ::lseek(m_descriptor, 0, SEEK_SET) != 0)
        return fail(systemError("cannot empty", m_path));
    m_digest = m_file.digest();
    m_size = 0;
    return {};
}

std::string PartialFile::whatIsWrong()
{
    const std::string hash = m_digest.hex();
    if (hash == m_file.id)
        return {};
    return m_file.name + " arrived damaged: its hash is " + hash + " where the hub lists "
        + m_file.id;
}

Result<void> PartialFile::moveTo(const fs::path& final)
{
    int synced = 0;
    do
        synced = ::fsync(m_descriptor);
    while (synced != 0 && errno == EINTR);
    if (synced != 0)
        return fail(systemError("cannot fsync", m_path));
    if (::rename(m_path.c_str(), final.c_str()) != 0)
        return fail(systemError("cannot rename to", final));
    return syncPath(final.parent_path());
}

/// Leaves no empty file behind where nothing came.
class EmptyFileGuard {
public:
    explicit EmptyFileGuard(const fs::path& path)
        : m_path(path)
    {
    }
    ~EmptyFileGuard()
    {
        std::error_code ignored;
        if (fs::is_empty(m_path, ignored) && !ignored)
            fs::remove(m_path, ignored);
    }
    EmptyFileGuard(const EmptyFileGuard&) = delete;
    EmptyFileGuard& operator=(const EmptyFileGuard&) = delete;

private:
    const fs::path& m_path;
};

/// Prepares the partial file for what the server is about to send.
Result<void> acceptReply(const HttpHead& head, const HubFile& file, PartialFile& partial,
    ProgressMeter& meter, bool& in_parts)
{
    const auto whole = head.status == 206 ? head.whole_size : head.content_length;
    if (whole && *whole != file.size)
        return fail(head.host + " has " + std::to_string(*whole) + " bytes for " + file.name
            + " where the hub lists " + std::to_string(file.size));
    if (head.status == 206) {
        if (head.range_start != partial.size())
            return fail(
                head.host + " sends another part of " + file.name + " than the one asked for");
        in_parts = in_parts || partial.size() > 0;
        return {};
    }
    if (partial.size() == 0)
        return {};
    in_parts = false; // the server ignores ranges: all of it comes again
    meter.restartFile();
    return partial.restart();
}

/// One pass: goes on until the file is whole or cannot become so.
Result<FileOutcome> fill(const HubFile& file, PartialFile& partial, const std::string& url,
    RetryingClient& client, ProgressMeter& meter, const std::stop_token& stop, bool& in_parts)
{
    Download download;
    download.url = url;
    download.start = [&partial] { return partial.size(); };
    download.is_whole = [&partial] { return partial.isWhole(); };
    download.body.begin
        = [&](const HttpHead& head) { return acceptReply(head, file, partial, meter, in_parts); };
    download.body.bytes = [&](std::string_view bytes) -> Result<void> {
        if (auto done = partial.append(bytes); !done)
            return done;
        meter.received(bytes.size());
        return {};
    };
    HttpOutcome answer = client.get(download, stop);
    if (answer.end == HttpEnd::refused && answer.head.status == 416 && partial.size() > 0) {
        meter.restartFile(); // no such part: begin anew
        if (auto done = partial.restart(); !done)
            return tl::unexpected(done.error());
        answer = client.get(download, stop);
    }
    switch (answer.end) {
    case HttpEnd::complete:
        return FileOutcome{};
    case HttpEnd::stopped:
        return FileOutcome{ FileEnd::stopped, {} };
    case HttpEnd::refused:
        return FileOutcome{ FileEnd::refused, std::move(answer) };
    case HttpEnd::failed:
        return fail(answer.message);
    case HttpEnd::broken:
    case HttpEnd::unreachable:
        break;
    }
    return fail(answer.message + ". Fetch again to go on: " + formatBytes(partial.size()) + " of "
        + file.name + " are kept");
}

/// The end that a file at the final place means: somebody else may have fetched it before we had
/// the lock. Empty: it has to be fetched (anew, if a blob of the cache has another size). Errors: a
/// plain folder has another file of that name.
Result<std::optional<FileEnd>> whatIsThere(
    const HubFile& file, const FilePlace& place, ProgressMeter& meter, const std::stop_token& stop)
{
    std::error_code error;
    if (!fs::exists(fs::symlink_status(place.final, error)))
        return std::optional<FileEnd>();
    if (place.final != place.shown) { // a blob, named by its hash
        const bool is_whole = fs::is_regular_file(place.final, error)
            && fs::file_size(place.final, error) == file.size && !error;
        return is_whole ? std::optional(FileEnd::complete) : std::nullopt;
    }
    const auto same = isSameFile(file, place.final, meter, stop);
    if (!same)
        return tl::unexpected(same.error());
    if (!same->has_value())
        return std::optional(FileEnd::stopped);
    if (!**same)
        return otherFilesThere(place.final.parent_path(), file.name);
    return std::optional(FileEnd::complete);
}

} // namespace

tl::unexpected<Error> otherFilesThere(const fs::path& folder, const std::string& names)
{
    return fail(folder.string() + " has other files of these names: " + names
        + "; nothing was changed. Name another folder, or move them away");
}

Result<FileOutcome> fetchFile(const HubFile& file, const FilePlace& place, const std::string& url,
    RetryingClient& client, ProgressMeter& meter, const std::stop_token& stop)
{
    std::error_code error;
    for (const fs::path& path : { place.incomplete, place.final }) {
        fs::create_directories(path.parent_path(), error);
        if (error)
            return fail(
                "cannot create the folder " + path.parent_path().string() + ": " + error.message());
    }
    const auto lock = FileLock::take(place.lock);
    if (!lock)
        return tl::unexpected(lock.error());
    const EmptyFileGuard guard(place.incomplete);
    const auto there = whatIsThere(file, place, meter, stop);
    if (!there)
        return tl::unexpected(there.error());
    if (there->has_value())
        return FileOutcome{ **there, {} };
    PartialFile partial(file, place.incomplete);
    const auto opened = partial.open(meter, stop);
    if (!opened)
        return tl::unexpected(opened.error());
    if (!*opened)
        return FileOutcome{ FileEnd::stopped, {} };
    bool in_parts = partial.size() > 0;
    for (int passes = 1;; ++passes) {
        if (!partial.isWhole()) {
            auto outcome = fill(file, partial, url, client, meter, stop, in_parts);
            if (!outcome || outcome->end != FileEnd::complete)
                return outcome;
        }
        const std::string wrong = partial.whatIsWrong();
        if (wrong.empty())
            break;
        if (auto done = partial.restart(); !done)
            return tl::unexpected(done.error());
        if (!in_parts || passes > 1) // the guard removes it
            return fail(wrong + ". It was deleted; fetch again, or try another HF_ENDPOINT");
        in_parts = false;
        meter.restartFile();
        meter.setNote("the parts of " + file.name + " do not fit together; fetching it anew");
    }
    if (auto moved = partial.moveTo(place.final); !moved)
        return tl::unexpected(moved.error());
    return FileOutcome{};
}

Result<std::optional<bool>> isSameFile(
    const HubFile& file, const fs::path& path, ProgressMeter& meter, const std::stop_token& stop)
{
    std::error_code error;
    if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != file.size || error)
        return std::optional<bool>(false);
    meter.startFile(file.name, file.size);
    meter.setPhase(FetchProgress::Phase::checking);
    ContentDigest digest = file.digest();
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail(systemError("cannot open", path));
    std::vector<char> piece(kReadPiece);
    ssize_t got = 1;
    while (got > 0 && !stop.stop_requested()) {
        got = ::read(descriptor, piece.data(), piece.size());
        if (got > 0) {
            digest.add({ piece.data(), static_cast<std::size_t>(got) });
            meter.found(static_cast<std::uint64_t>(got));
        }
    }
    const std::string problem = got < 0 ? systemError("cannot read", path) : std::string();
    ::close(descriptor);
    if (!problem.empty())
        return fail(problem);
    if (stop.stop_requested())
        return std::optional<bool>();
    return std::optional<bool>(digest.hex() == file.id);
}

} // namespace zen
