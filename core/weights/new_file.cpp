#include "core/weights/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace zen {

Result<NewFile> NewFile::create(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail("cannot create " + path.string() + ": " + std::strerror(errno));
    return NewFile(path, fd);
}

NewFile::NewFile(NewFile&& other) noexcept
    : m_path(std::move(other.m_path))
    , m_fd(std::exchange(other.m_fd, -1))
    , m_size(other.m_size)
{
}

NewFile& NewFile::operator=(NewFile&& other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_fd, other.m_fd);
    std::swap(m_size, other.m_size);
    return *this;
}

NewFile::~NewFile()
{
    if (m_fd < 0)
        return;
    ::close(m_fd);
    ::unlink(m_path.c_str());
}

Result<void> NewFile::write(std::span<const std::byte> bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail("cannot write " + m_path.string() + ": " + std::strerror(errno));
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        m_size += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> NewFile::finish()
{
    if (::fsync(m_fd) != 0)
        return fail(m_path.string() + ": cannot reach the disk: " + std::strerror(errno));
    if (::close(std::exchange(m_fd, -1)) != 0) {
        const int reason = errno;
        ::unlink(m_path.c_str());
        return fail("cannot write " + m_path.string() + ": " + std::strerror(reason));
    }
    return {};
}

} // namespace zen
