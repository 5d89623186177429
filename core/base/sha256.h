#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace zen {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);

/// SHA-256 of a file's content, read in pieces. Errors: unreadable.
Result<std::string> sha256HexOfFile(const std::filesystem::path& path);

} // namespace zen
