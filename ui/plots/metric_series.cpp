#include "ui/plots/metric_series.h"

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// One step of a debiased exponential moving average (weight of the past w; as TensorBoard
/// smooths): NaN changes nothing.
double average(double value, double w, double& biased, double& weight_left)
{
    if (std::isfinite(value)) {
        biased = w * biased + (1 - w) * value;
        weight_left *= w;
    }
    return weight_left < 1 ? biased / (1 - weight_left) : kNaN;
}

} // namespace

double MetricPoint::at(XAxis axis) const
{
    return axis == XAxis::step ? step : axis == XAxis::seconds ? seconds : tokens;
}

void MetricSeries::append(const MetricPoint& point)
{
    m_steps.push_back(point.step);
    m_seconds.push_back(point.seconds);
    m_tokens.push_back(point.tokens);
    m_raw.append(std::isfinite(point.value) ? point.value : kNaN);
    m_spread.push_back(point.spread);
    m_has_spread = m_has_spread || std::isfinite(point.spread);
    appendSmooth(point.value, point.spread);
}

void MetricSeries::appendSmooth(double value, double spread)
{
    const double mean = average(value, m_smoothing, m_average, m_weight_left);
    const double width = average(spread, m_smoothing, m_average_spread, m_weight_left_spread);
    m_smooth.append(std::isfinite(value) ? mean : kNaN);
    m_low.append(mean - width);
    m_high.append(mean + width);
}

void MetricSeries::clear()
{
    *this = MetricSeries(m_smoothing);
}

MetricPoint MetricSeries::point(std::size_t index) const
{
    return { m_steps[index], m_seconds[index], m_tokens[index], m_raw[index], m_spread[index] };
}

void MetricSeries::setSmoothing(double weight)
{
    weight = std::clamp(weight, 0.0, 0.999);
    if (weight == m_smoothing)
        return;
    m_smoothing = weight;
    m_smooth.clear();
    m_low.clear();
    m_high.clear();
    m_average = m_average_spread = 0;
    m_weight_left = m_weight_left_spread = 1;
    for (std::size_t i = 0; i < size(); ++i)
        appendSmooth(m_raw[i], m_spread[i]);
}

std::optional<std::size_t> MetricSeries::nearest(double x, XAxis axis) const
{
    if (isEmpty())
        return std::nullopt;
    const std::vector<double>& xs = column(axis);
    const auto after = std::lower_bound(xs.begin(), xs.end(), x);
    if (after == xs.begin())
        return 0;
    if (after == xs.end())
        return xs.size() - 1;
    const auto index = static_cast<std::size_t>(after - xs.begin());
    return x - xs[index - 1] < xs[index] - x ? index - 1 : index;
}

MetricSeries::View MetricSeries::view(XAxis axis, double x_low, double x_high, int columns) const
{
    View view;
    const auto [begin, end] = indices(axis, x_low, x_high);
    const std::vector<double>& xs = column(axis);
    const auto width = static_cast<std::size_t>(std::max(columns, 1));
    if (end - begin <= 4 * width) {
        for (std::size_t i = begin; i < end; ++i) {
            view.raw_x.push_back(xs[i]);
            view.raw_y.push_back(m_raw[i]);
            appendSmoothPoint(view, xs, i);
        }
        return view;
    }
    const double column_width = (xs[end - 1] - xs[begin]) / static_cast<double>(width);
    std::size_t from = begin;
    for (std::size_t c = 1; c <= width && from < end; ++c) {
        const double edge = xs[begin] + column_width * static_cast<double>(c);
        const auto found = std::upper_bound(xs.begin() + static_cast<std::ptrdiff_t>(from),
            xs.begin() + static_cast<std::ptrdiff_t>(end), edge);
        const std::size_t to = c == width ? end : static_cast<std::size_t>(found - xs.begin());
        if (to > from)
            appendRawColumn(view, xs, from, to);
        from = to;
    }
    return view;
}

void MetricSeries::appendRawColumn(
    View& view, const std::vector<double>& xs, std::size_t begin, std::size_t end) const
{
    const auto add = [&view](double x, double y) {
        view.raw_x.push_back(x);
        view.raw_y.push_back(y);
    };
    add(xs[begin], m_raw[begin]);
    const double middle = (xs[begin] + xs[end - 1]) / 2;
    if (const auto raw = m_raw.range(begin, end); !raw.isEmpty()) {
        add(middle, raw.low);
        add(middle, raw.high);
    }
    add(xs[end - 1], m_raw[end - 1]);

    const auto smooth = m_smooth.range(begin, end);
    const auto addSmooth = [&](double value) {
        view.x.push_back(middle);
        view.smooth.push_back(value);
        if (m_has_spread) {
            view.low.push_back(m_low.range(begin, end).low);
            view.high.push_back(m_high.range(begin, end).high);
        }
    };
    if (smooth.isEmpty())
        return addSmooth(kNaN);
    const bool falls = m_smooth[end - 1] < m_smooth[begin];
    addSmooth(falls ? smooth.high : smooth.low);
    if (smooth.low < smooth.high)
        addSmooth(falls ? smooth.low : smooth.high);
}

void MetricSeries::appendSmoothPoint(
    View& view, const std::vector<double>& xs, std::size_t index) const
{
    view.x.push_back(xs[index]);
    view.smooth.push_back(m_smooth[index]);
    if (m_has_spread) {
        view.low.push_back(m_low[index]);
        view.high.push_back(m_high[index]);
    }
}

MinMaxPyramid::Range MetricSeries::valueRange(XAxis axis, double x_low, double x_high) const
{
    const auto [begin, end] = indices(axis, x_low, x_high);
    MinMaxPyramid::Range range = m_raw.range(begin, end);
    if (m_has_spread) {
        const auto low = m_low.range(begin, end);
        const auto high = m_high.range(begin, end);
        if (!low.isEmpty())
            range = { std::min(range.low, low.low), std::max(range.high, high.high) };
    }
    return range;
}

MinMaxPyramid::Range MetricSeries::rawRange(XAxis axis, double x_low, double x_high) const
{
    const auto [begin, end] = indices(axis, x_low, x_high);
    return m_raw.range(begin, end);
}

std::optional<double> MetricSeries::smallestPositive(XAxis axis, double x_low, double x_high) const
{
    const auto [begin, end] = indices(axis, x_low, x_high);
    if (const auto range = m_raw.range(begin, end); !range.isEmpty() && range.low > 0)
        return range.low;
    std::optional<double> smallest;
    for (std::size_t i = begin; i < end; ++i)
        if (m_raw[i] > 0 && (!smallest || m_raw[i] < *smallest))
            smallest = m_raw[i];
    return smallest;
}

const std::vector<double>& MetricSeries::column(XAxis axis) const
{
    return axis == XAxis::step ? m_steps : axis == XAxis::seconds ? m_seconds : m_tokens;
}

std::pair<std::size_t, std::size_t> MetricSeries::indices(
    XAxis axis, double x_low, double x_high) const
{
    const std::vector<double>& xs = column(axis);
    auto begin
        = static_cast<std::size_t>(std::lower_bound(xs.begin(), xs.end(), x_low) - xs.begin());
    auto end
        = static_cast<std::size_t>(std::upper_bound(xs.begin(), xs.end(), x_high) - xs.begin());
    begin = begin > 0 ? begin - 1 : 0;
    end = std::min(end + 1, xs.size());
    return { std::min(begin, end), end };
}

} // namespace zen::ui
