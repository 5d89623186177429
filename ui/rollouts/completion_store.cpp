#include "ui/rollouts/completion_store.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <string_view>

namespace zen::ui {

namespace {

constexpr std::size_t kMemoryKept = std::size_t{ 32 } << 20;
constexpr std::int64_t kLongestLine = std::int64_t{ 256 } << 20;

std::size_t bytesOf(const CompletionsSampled& sampled)
{
    std::size_t bytes = 0;
    for (const SampledGroup& group : sampled.groups) {
        bytes += group.prompt.size() + group.answer.size() + 64;
        for (const SampledCompletion& completion : group.completions)
            bytes += completion.text.size() + completion.ids.size() * 12 + 128;
    }
    return bytes;
}

/// The number after the line's last `"step":`. Inside a JSON string the quotes would be escaped, so
/// it is the key.
std::optional<std::int64_t> stepIn(std::string_view line)
{
    constexpr std::string_view key = "\"step\":";
    const auto at = line.rfind(key);
    if (at == std::string_view::npos)
        return std::nullopt;
    std::string_view rest = line.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::int64_t step = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), step);
    return error == std::errc() ? std::optional(step) : std::nullopt;
}

template <class Map> std::optional<std::int64_t> lastBelow(const Map& map, std::int64_t step)
{
    const auto at = map.lower_bound(step);
    return at == map.begin() ? std::nullopt : std::optional(std::prev(at)->first);
}

template <class Map> std::optional<std::int64_t> firstAbove(const Map& map, std::int64_t step)
{
    const auto at = map.upper_bound(step);
    return at == map.end() ? std::nullopt : std::optional(at->first);
}

std::optional<std::int64_t> larger(std::optional<std::int64_t> a, std::optional<std::int64_t> b)
{
    return a && b ? std::max(*a, *b) : a ? a : b;
}

} // namespace

std::vector<CompletionEntry> indexCompletions(
    const std::filesystem::path& file, const std::stop_token& stop)
{
    std::vector<CompletionEntry> entries;
    std::ifstream in(file, std::ios::binary);
    std::string line;
    std::int64_t offset = 0;
    while (in && !stop.stop_requested() && std::getline(in, line)) {
        if (in.eof())
            break; // a torn last line
        const auto length = static_cast<std::int64_t>(line.size());
        if (const auto step = stepIn(line); step && length < kLongestLine)
            entries.push_back({ *step, offset, length });
        offset += length + 1;
    }
    return entries;
}

void CompletionStore::clear()
{
    *this = CompletionStore();
}

void CompletionStore::add(CompletionsSampled sampled)
{
    const std::int64_t step = sampled.step;
    if (const auto old = m_live.find(step); old != m_live.end())
        m_live_bytes -= bytesOf(old->second);
    m_live_bytes += bytesOf(sampled);
    m_live[step] = std::move(sampled);
    while (m_live_bytes > kMemoryKept && m_live.size() > 1) {
        m_live_bytes -= bytesOf(m_live.begin()->second);
        m_live.erase(m_live.begin());
    }
}

void CompletionStore::setIndex(
    const std::filesystem::path& file, const std::vector<CompletionEntry>& entries)
{
    m_file = file;
    m_entries.clear();
    for (const CompletionEntry& entry : entries)
        m_entries[entry.step] = entry;
}

std::vector<std::int64_t> CompletionStore::steps() const
{
    std::set<std::int64_t> steps;
    for (const auto& [step, entry] : m_entries)
        steps.insert(step);
    for (const auto& [step, sampled] : m_live)
        steps.insert(step);
    return { steps.begin(), steps.end() };
}

std::optional<std::int64_t> CompletionStore::newest() const
{
    return before(std::numeric_limits<std::int64_t>::max());
}

std::optional<std::int64_t> CompletionStore::before(std::int64_t step) const
{
    return larger(lastBelow(m_live, step), lastBelow(m_entries, step));
}

std::optional<std::int64_t> CompletionStore::after(std::int64_t step) const
{
    const auto a = firstAbove(m_live, step);
    const auto b = firstAbove(m_entries, step);
    return a && b ? std::min(*a, *b) : a ? a : b;
}

std::optional<std::int64_t> CompletionStore::nearest(std::int64_t step) const
{
    if (m_live.contains(step) || m_entries.contains(step))
        return step;
    const auto below = before(step);
    const auto above = after(step);
    if (!below || !above)
        return below ? below : above;
    return step - *below <= *above - step ? below : above;
}

std::optional<CompletionsSampled> CompletionStore::load(std::int64_t step) const
{
    if (const auto found = m_live.find(step); found != m_live.end())
        return found->second;
    const auto entry = m_entries.find(step);
    if (entry == m_entries.end())
        return std::nullopt;
    std::ifstream in(m_file, std::ios::binary);
    std::string line(static_cast<std::size_t>(entry->second.length), '\0');
    in.seekg(entry->second.offset);
    if (!in.read(line.data(), entry->second.length))
        return std::nullopt;
    const auto event = fromJsonLine(line);
    const auto* sampled = event ? std::get_if<CompletionsSampled>(&*event) : nullptr;
    return sampled ? std::optional(*sampled) : std::nullopt;
}

} // namespace zen::ui
