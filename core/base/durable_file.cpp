#include "core/base/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kStagingPrefix = ".tmp-";
constexpr std::size_t kLongestStem = 200; ///< bytes of the final name in a staging name
constexpr int kMostLinks = 40;

std::string reason(const std::string& action, const fs::path& path)
{
    return action + " " + path.string() + ": " + std::strerror(errno);
}

class Descriptor {
public:
    explicit Descriptor(int fd)
        : m_fd(fd)
    {
    }
    ~Descriptor()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return m_fd; }

private:
    int m_fd;
};

Result<void> writeAll(int fd, std::string_view bytes, const fs::path& path)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return fail(reason("cannot write", path));
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// A sibling's name that no other process and no other thread of this one uses.
fs::path stagingName(const fs::path& path)
{
    static std::atomic<unsigned> count{ 0 };
    return path.parent_path()
        / (std::string(kStagingPrefix) + path.filename().string().substr(0, kLongestStem) + "-"
            + std::to_string(::getpid()) + "-" + std::to_string(count++));
}

/// Where a chain of symbolic links ends, also if nothing is there yet.
Result<fs::path> followLinks(fs::path path)
{
    std::error_code error;
    for (int links = 0; links < kMostLinks; ++links) {
        if (!fs::is_symlink(fs::symlink_status(path, error)))
            return path;
        const fs::path target = fs::read_symlink(path, error);
        if (error)
            return fail("cannot read the link " + path.string() + ": " + error.message());
        path = target.is_absolute() ? target : path.parent_path() / target;
    }
    return fail(path.string() + ": too many symbolic links");
}

int fsyncRetrying(int fd)
{
    int result = 0;
    do
        result = ::fsync(fd);
    while (result != 0 && errno == EINTR);
    return result;
}

/// Removes a staging file or folder unless it was renamed.
class StagingGuard {
public:
    explicit StagingGuard(fs::path path)
        : m_path(std::move(path))
    {
    }
    ~StagingGuard()
    {
        std::error_code ignored;
        if (!m_path.empty())
            fs::remove_all(m_path, ignored);
    }
    StagingGuard(const StagingGuard&) = delete;
    StagingGuard& operator=(const StagingGuard&) = delete;
    void release() { m_path.clear(); }

private:
    fs::path m_path;
};

/// Writes and fsyncs a new file with the given mode.
Result<void> writeNewFile(const fs::path& path, std::string_view bytes, mode_t mode)
{
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.get() < 0)
        return fail(reason("cannot create", path));
    if (mode != 0 && ::fchmod(file.get(), mode) != 0)
        return fail(reason("cannot set the mode of", path));
    if (auto done = writeAll(file.get(), bytes, path); !done)
        return done;
    if (fsyncRetrying(file.get()) != 0)
        return fail(reason("cannot fsync", path));
    return {};
}

Result<void> syncBelow(const fs::path& folder)
{
    std::error_code error;
    auto entry = fs::recursive_directory_iterator(folder, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
        if (!entry->is_symlink(error))
            if (auto synced = syncPath(entry->path()); !synced)
                return synced;
    if (error)
        return fail("cannot read " + folder.string() + ": " + error.message());
    return syncPath(folder);
}

} // namespace

Result<std::string> readFile(const fs::path& path, std::size_t max_bytes)
{
    const Descriptor file(
        ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); // a FIFO does not hang
    if (file.get() < 0)
        return fail(reason("cannot open", path));
    struct stat info { };
    if (::fstat(file.get(), &info) != 0)
        return fail(reason("cannot read", path));
    if (!S_ISREG(info.st_mode))
        return fail(path.string() + " is not a regular file");
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size > max_bytes)
        return fail(path.string() + " has " + std::to_string(size) + " bytes; at most "
            + std::to_string(max_bytes) + " are accepted here");
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, size - done);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return fail(reason("cannot read", path));
        }
        if (got == 0)
            break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

Result<void> syncPath(const fs::path& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0)
        return fail(reason("cannot open", path));
    if (fsyncRetrying(file.get()) != 0)
        return fail(reason("cannot fsync", path));
    return {};
}

Result<void> writeDurably(const fs::path& path, std::string_view bytes)
{
    const auto target = followLinks(path);
    if (!target)
        return tl::unexpected(target.error());
    struct stat old { };
    const bool exists = ::stat(target->c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return fail("cannot write " + path.string() + ": it is not a regular file");
    const fs::path folder = target->has_parent_path() ? target->parent_path() : fs::path(".");
    const fs::path temporary = folder / stagingName(*target).filename();
    StagingGuard guard(temporary);
    if (auto written = writeNewFile(temporary, bytes, exists ? old.st_mode & 07777 : 0); !written)
        return written;
    if (::rename(temporary.c_str(), target->c_str()) != 0)
        return fail(reason("cannot rename to", *target));
    guard.release();
    return syncPath(folder);
}

Result<void> writeFolderDurably(
    const fs::path& path, const std::function<Result<void>(const fs::path& staging)>& fill)
{
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const fs::path staging = parent / stagingName(path).filename();
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error)))
        return fail(path.string() + " exists already");
    fs::create_directories(parent, error);
    if (!fs::create_directory(staging, error))
        return fail("cannot create " + staging.string() + ": " + error.message());
    StagingGuard guard(staging);
    if (auto filled = fill(staging); !filled)
        return filled;
    if (auto synced = syncBelow(staging); !synced)
        return synced;
    if (::rename(staging.c_str(), path.c_str()) != 0)
        return fail(reason("cannot rename to", path));
    guard.release();
    return syncPath(parent);
}

void removeStaleStaging(const fs::path& parent)
{
    std::error_code error;
    auto entry = fs::directory_iterator(parent, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
        if (entry->path().filename().string().starts_with(kStagingPrefix)) {
            std::error_code ignored;
            fs::remove_all(entry->path(), ignored);
        }
}

} // namespace zen
