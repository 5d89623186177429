#pragma once

#include "core/runs/events.h"

#include <cstdint>
#include <map>
#include <string>

namespace zen {

/// Means of metrics over the steps since the last log line. A metric that a step does not have (no
/// generation in it) does not count for that step; a non-finite value is left out.
class MetricWindow {
public:
    struct Entry {
        double sum = 0;
        std::int64_t count = 0;
        bool operator==(const Entry&) const = default;
    };

    void add(const Metrics& metrics);
    Metrics means() const;
    void clear() { m_entries.clear(); }
    bool empty() const { return m_entries.empty(); }

    const std::map<std::string, Entry>& entries() const { return m_entries; }
    void restore(std::map<std::string, Entry> entries) { m_entries = std::move(entries); }

    bool operator==(const MetricWindow&) const = default;

private:
    std::map<std::string, Entry> m_entries;
};

} // namespace zen
