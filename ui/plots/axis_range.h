#pragma once

#include <string>
#include <vector>

namespace zen::ui {

/// An axis whose ends and lines are round numbers.
struct AxisRange {
    double low = 0;
    double high = 1;
    double step = 0.25; ///< between lines: 1, 2, 2.5 or 5 times a power of ten
};

/// The tightest such range around [low, high] with about `intervals` intervals. Equal or non-finite
/// ends give a range around the value (or 0 to 1).
AxisRange roundRange(double low, double high, int intervals);

/// `value` with as many decimals as `step` needs: 0.25, 1.0, 20k, 1.5M.
std::string axisLabel(double value, double step);

/// The right end of an axis that follows a run: an eighth, a quarter, a half or all of `total`,
/// whichever first holds `last`; `last` itself when the total is unknown or exceeded. The axis
/// moves three times in a run, not every step.
double followEnd(double last, double total);

/// A number for people: about three significant digits, no exponent between 1e-4 and 1e6 ("0.662",
/// "0.0019", "4,310").
std::string shortNumber(double value);

/// "45 s", "3 min 12 s", "2 h 05 min".
std::string shortDuration(double seconds);

} // namespace zen::ui
