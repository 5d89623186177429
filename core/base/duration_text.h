#pragma once

#include <string>

namespace zen {

/// "59 s", "1 min 32 s", "2 h 5 min": rounded to whole seconds; nothing below 0.
std::string formatDuration(double seconds);

} // namespace zen
