#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace zen::ui {

/// An append-only column of numbers with the smallest and the largest of every range at hand: level
/// k keeps one pair for kFactor^k values. NaN values are skipped.
class MinMaxPyramid {
public:
    void append(double value); ///< O(1) amortised
    void clear();

    std::size_t size() const { return m_values.size(); }
    double operator[](std::size_t index) const { return m_values[index]; }
    const std::vector<double>& values() const { return m_values; }

    struct Range {
        double low;
        double high; ///< low > high: no number in the range
        bool isEmpty() const { return low > high; }
    };

    /// Smallest and largest of [begin, end); O(log size).
    Range range(std::size_t begin, std::size_t end) const;

private:
    static constexpr std::size_t kFactor = 8;

    std::vector<double> m_values;
    std::vector<std::vector<Range>> m_levels; ///< m_levels[k]: whole blocks of kFactor^(k+1) values
};

} // namespace zen::ui
