#include "ui/plots/min_max_pyramid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace zen::ui {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void widen(MinMaxPyramid::Range& range, double value)
{
    if (std::isnan(value))
        return;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
}

void widen(MinMaxPyramid::Range& range, const MinMaxPyramid::Range& other)
{
    range.low = std::min(range.low, other.low);
    range.high = std::max(range.high, other.high);
}

} // namespace

void MinMaxPyramid::append(double value)
{
    m_values.push_back(value);
    std::size_t block = kFactor;
    for (std::size_t level = 0; m_values.size() % block == 0; ++level, block *= kFactor) {
        if (level == m_levels.size())
            m_levels.emplace_back();
        Range range{ kInfinity, -kInfinity };
        if (level == 0) {
            for (std::size_t i = m_values.size() - kFactor; i < m_values.size(); ++i)
                widen(range, m_values[i]);
        } else {
            const std::vector<Range>& below = m_levels[level - 1];
            for (std::size_t i = below.size() - kFactor; i < below.size(); ++i)
                widen(range, below[i]);
        }
        m_levels[level].push_back(range);
    }
}

void MinMaxPyramid::clear()
{
    m_values.clear();
    m_levels.clear();
}

MinMaxPyramid::Range MinMaxPyramid::range(std::size_t begin, std::size_t end) const
{
    Range range{ kInfinity, -kInfinity };
    end = std::min(end, m_values.size());
    while (begin < end) {
        std::size_t block = 1;
        std::size_t level = 0; // the largest whole block that starts here and fits
        while (begin % (block * kFactor) == 0 && begin + block * kFactor <= end) {
            block *= kFactor;
            ++level;
        }
        if (level == 0)
            widen(range, m_values[begin]);
        else
            widen(range, m_levels[level - 1][begin / block]);
        begin += block;
    }
    return range;
}

} // namespace zen::ui
