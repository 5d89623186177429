#include "core/base/duration_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

constexpr double kLongest = 3.6e12; ///< seconds; more is as good as endless

} // namespace

std::string formatDuration(double seconds)
{
    const double shown = seconds > 0 ? std::min(seconds, kLongest) : 0; // not a number: 0
    const auto whole = std::llround(shown);
    if (whole < 60)
        return fmt::format("{} s", whole);
    if (whole < 3600)
        return fmt::format("{} min {} s", whole / 60, whole % 60);
    return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

} // namespace zen
