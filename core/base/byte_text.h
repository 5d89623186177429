#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zen {

/// "1.9 GB" (decimal units, two significant digits and more).
std::string formatBytes(std::uint64_t bytes);

/// The bytes that "8GB", "1.5 GiB", "800 MB" or a plain number above zero mean; GB is 10^9, as in
/// transformers; empty for anything else.
std::optional<std::uint64_t> parseBytes(std::string_view text);

} // namespace zen
