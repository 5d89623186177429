#include "core/train/metric_window.h"

#include <cmath>

namespace zen {

void MetricWindow::add(const Metrics& metrics)
{
    for (const auto& [name, value] : metrics) {
        if (!std::isfinite(value))
            continue;
        Entry& entry = m_entries[name];
        entry.sum += value;
        ++entry.count;
    }
}

Metrics MetricWindow::means() const
{
    Metrics means;
    for (const auto& [name, entry] : m_entries)
        means[name] = entry.sum / static_cast<double>(entry.count);
    return means;
}

} // namespace zen
