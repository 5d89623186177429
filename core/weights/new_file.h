#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace zen {

/// A file that is written once, from its beginning to its end. Unless finish() succeeds, it is
/// removed again.
class NewFile {
public:
    /// Errors: the path exists already or cannot be created.
    static Result<NewFile> create(const std::filesystem::path& path);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&& other) noexcept;
    ~NewFile();

    /// Errors: a full disk and the like; the message names the file.
    Result<void> write(std::span<const std::byte> bytes);

    /// Brings what was written to the disk and closes the file.
    Result<void> finish();

    std::uint64_t size() const { return m_size; }
    const std::filesystem::path& path() const { return m_path; }

private:
    NewFile(std::filesystem::path path, int fd)
        : m_path(std::move(path))
        , m_fd(fd)
    {
    }
    std::filesystem::path m_path;
    int m_fd = -1;
    std::uint64_t m_size = 0;
};

} // namespace zen
