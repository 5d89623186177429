#pragma once

#include <algorithm>
#include <chrono>

namespace zen {

/// Seconds since it was made, never quite 0, by the clock that only goes forward.
class Stopwatch {
public:
    double seconds() const
    {
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - m_begin;
        return std::max(passed.count(), 1e-9);
    }

private:
    std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
};

} // namespace zen
