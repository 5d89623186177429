#include "core/base/durable_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kStagingPrefix = ".tmp-";

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

fs::path stagingName(const fs::path& path)
{
    return path.parent_path()
        / (std::string(kStagingPrefix) + path.filename().string() + "-" + std::to_string(::getpid()));
}

} // namespace

Result<std::string> readFile(const fs::path& path, std::size_t max_bytes)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0)
        return fail(reason("cannot open", path));
    struct stat info {};
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
    if (::fsync(file.get()) != 0)
        return fail(reason("cannot fsync", path));
    return {};
}

Result<void> writeDurably(const fs::path& path, std::string_view bytes)
{
    std::error_code ignored;
    fs::path target = fs::is_symlink(path, ignored) ? fs::weakly_canonical(path, ignored) : path;
    if (target.empty())
        target = path;
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    const fs::path temporary = folder / stagingName(target).filename();
    auto written = [&]() -> Result<void> {
        const Descriptor file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (file.get() < 0)
            return fail(reason("cannot create", temporary));
        if (auto done = writeAll(file.get(), bytes, temporary); !done)
            return done;
        if (::fsync(file.get()) != 0)
            return fail(reason("cannot fsync", temporary));
        if (::rename(temporary.c_str(), target.c_str()) != 0)
            return fail(reason("cannot rename to", target));
        return {};
    }();
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    return syncPath(folder);
}

Result<void> writeFolderDurably(
    const fs::path& path, const std::function<Result<void>(const fs::path& staging)>& fill)
{
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const fs::path staging = parent / stagingName(path).filename();
    std::error_code error;
    fs::create_directories(parent, error);
    fs::remove_all(staging, error);
    if (!fs::create_directory(staging, error))
        return fail("cannot create " + staging.string() + ": " + error.message());
    auto written = [&]() -> Result<void> {
        if (auto filled = fill(staging); !filled)
            return filled;
        for (const auto& entry : fs::recursive_directory_iterator(staging))
            if (auto synced = syncPath(entry.path()); !synced)
                return synced;
        if (auto synced = syncPath(staging); !synced)
            return synced;
        if (::rename(staging.c_str(), path.c_str()) != 0)
            return fail(reason("cannot rename to", path));
        return syncPath(parent);
    }();
    if (!written)
        fs::remove_all(staging, error);
    return written;
}

void removeStaleStaging(const fs::path& parent)
{
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error))
        if (entry.path().filename().string().starts_with(kStagingPrefix)) {
            std::error_code ignored;
            fs::remove_all(entry.path(), ignored);
        }
}

} // namespace zen
