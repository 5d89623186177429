#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace zen {

/// What identifies the content of an open file well enough to notice a change.
struct FileStamp {
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const FileStamp&) const = default;
};

inline FileStamp stampOf(const struct stat& info)
{
    return { static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec };
}

} // namespace zen
