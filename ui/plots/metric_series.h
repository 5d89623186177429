#pragma once

#include "ui/plots/min_max_pyramid.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace zen::ui {

/// What the horizontal axis counts.
enum class XAxis { step, seconds, tokens };

/// One metric at one step. A NaN value is a gap; a NaN spread means that none was measured.
struct MetricPoint {
    double step = 0;
    double seconds = 0; ///< of training, from the first step; pauses left out
    double tokens = 0; ///< cumulative
    double value = std::numeric_limits<double>::quiet_NaN();
    double spread = std::numeric_limits<double>::quiet_NaN(); ///< one standard deviation
    double at(XAxis axis) const;
};

/// A metric's whole history and its smoothed line, in order of steps. Appending costs O(1), also
/// for the smoothed line.
class MetricSeries {
public:
    explicit MetricSeries(double smoothing = 0.0)
        : m_smoothing(smoothing)
    {
    }

    void append(const MetricPoint& point);
    void clear();

    std::size_t size() const { return m_steps.size(); }
    bool isEmpty() const { return m_steps.empty(); }
    MetricPoint point(std::size_t index) const;
    double smoothed(std::size_t index) const { return m_smooth[index]; }
    double x(std::size_t index, XAxis axis) const { return column(axis)[index]; }
    bool hasSpread() const { return m_has_spread; }

    /// Weight of the past in the moving average, 0 (none) to below 1. Recomputes the line: O(size).
    void setSmoothing(double weight);
    double smoothing() const { return m_smoothing; }

    /// The index whose x is nearest; empty for an empty series.
    std::optional<std::size_t> nearest(double x, XAxis axis) const;

    /// A view of [x_low, x_high] (and one neighbour on each side) for a drawing `columns` pixels
    /// wide: every point where they are few, else first, smallest, largest and last of each column,
    /// so that no spike is lost.
    struct View {
        std::vector<double> raw_x, raw_y; ///< raw line
        std::vector<double> x, smooth, low,
            high; ///< smoothed line and band; low and high empty without spread
    };
    View view(XAxis axis, double x_low, double x_high, int columns) const;

    /// Smallest and largest of what view() would show, band included.
    MinMaxPyramid::Range valueRange(XAxis axis, double x_low, double x_high) const;

    /// The same of the raw line alone.
    MinMaxPyramid::Range rawRange(XAxis axis, double x_low, double x_high) const;

    /// Smallest positive raw value in the range, for a logarithmic axis.
    std::optional<double> smallestPositive(XAxis axis, double x_low, double x_high) const;

private:
    const std::vector<double>& column(XAxis axis) const;
    std::pair<std::size_t, std::size_t> indices(XAxis axis, double x_low, double x_high) const;
    void appendSmooth(double value, double spread);
    void appendRawColumn(
        View& view, const std::vector<double>& xs, std::size_t begin, std::size_t end) const;
    void appendSmoothPoint(View& view, const std::vector<double>& xs, std::size_t index) const;

    double m_smoothing;
    std::vector<double> m_steps, m_seconds, m_tokens, m_spread;
    MinMaxPyramid m_raw, m_smooth, m_low, m_high; ///< low, high: smoothed line -+ smoothed spread
    double m_average = 0, m_average_spread = 0; ///< biased moving averages
    double m_weight_left = 1,
           m_weight_left_spread = 1; ///< smoothing^n: what debiasing divides by is 1 minus this
    bool m_has_spread = false;
};

} // namespace zen::ui
