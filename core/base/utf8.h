#pragma once

#include <string>
#include <string_view>

namespace zen {

/// True if `text` is well-formed UTF-8.
bool isUtf8(std::string_view text);

/// `text` with every ill-formed sequence replaced by U+FFFD (one for each maximal bad part).
std::string repairUtf8(std::string_view text);

/// How many bytes at the end of `text` begin a sequence that is not complete yet (0 to 3).
std::size_t incompleteTail(std::string_view text);

} // namespace zen
