#pragma once

#include "core/runs/events.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <vector>

namespace zen::ui {

/// Where one step's completions stand in completions.jsonl.
struct CompletionEntry {
    std::int64_t step = 0;
    std::int64_t offset = 0;
    std::int64_t length = 0; ///< bytes, without the line break
};

/// Every whole line of a completions.jsonl, by step; a step written again (a resumed run) counts
/// once, the later one. Reads the whole file: for a thread of its own. Empty if there is no file.
std::vector<CompletionEntry> indexCompletions(
    const std::filesystem::path& file, const std::stop_token& stop);

/// The completions of a run by step: the newest in memory as they come, the others read from the
/// file when asked for.
class CompletionStore {
public:
    void clear();
    void add(CompletionsSampled sampled);
    void setIndex(const std::filesystem::path& file, const std::vector<CompletionEntry>& entries);

    bool isEmpty() const { return m_live.empty() && m_entries.empty(); }
    std::vector<std::int64_t> steps() const; ///< ascending
    std::optional<std::int64_t> newest() const;
    std::optional<std::int64_t> before(std::int64_t step) const;
    std::optional<std::int64_t> after(std::int64_t step) const;
    std::optional<std::int64_t> nearest(std::int64_t step) const;

    /// nullopt: no such step, or its line cannot be read any more.
    std::optional<CompletionsSampled> load(std::int64_t step) const;

private:
    std::map<std::int64_t, CompletionsSampled> m_live; ///< at most kMemoryKept bytes
    std::size_t m_live_bytes = 0;
    std::filesystem::path m_file;
    std::map<std::int64_t, CompletionEntry> m_entries;
};

} // namespace zen::ui
