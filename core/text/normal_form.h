#pragma once

#include <string>
#include <string_view>

namespace zen {

/// `text` (well-formed UTF-8) in Unicode's normal form C.
std::string toNfc(std::string_view text);

} // namespace zen
