#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace zen {

/// The whole file as bytes. Errors: missing, not a regular file, unreadable, larger than max_bytes.
Result<std::string> readFile(
    const std::filesystem::path& path, std::size_t max_bytes = std::size_t{ 1 } << 30);

/// Replaces `path` so that a reader (also after a power cut) sees the old bytes or the new, never a
/// mix: writes a temporary file beside it, fsyncs it, renames it, fsyncs the folder. The target of
/// a symbolic link is replaced, not the link. Errors name the path and errno's text; the old file
/// is then untouched.
Result<void> writeDurably(const std::filesystem::path& path, std::string_view bytes);

/// Writes a folder that appears whole or not at all: `fill` writes files into a temporary sibling
/// folder, every file and the folder are fsynced, the folder is renamed to `path` (which must not
/// exist), the parent is fsynced. On any failure the temporary folder is removed.
Result<void> writeFolderDurably(const std::filesystem::path& path,
    const std::function<Result<void>(const std::filesystem::path& staging)>& fill);

/// Opens, fsyncs and closes a file or folder. An error is real: the data may not be on disk.
Result<void> syncPath(const std::filesystem::path& path);

/// Removes what earlier, killed writeFolderDurably calls left in `parent`.
void removeStaleStaging(const std::filesystem::path& parent);

} // namespace zen
