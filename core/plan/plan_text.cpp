#include "core/plan/memory_plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace zen {

std::string_view nameOf(PlanPhase phase)
{
    static constexpr std::array<std::string_view, kPlanPhases> kNames
        = { "load", "rollout", "update", "evaluation" };
    return kNames[static_cast<std::size_t>(phase)];
}

const std::array<PlanRow, 9>& planRows()
{
    static constexpr std::array<PlanRow, 9> kRows
        = { { { "program", "program", &PhaseMemory::program },
            { "weights", "weights", &PhaseMemory::weights },
            { "adapter", "adapter", &PhaseMemory::adapter },
            { "gradients and optimiser", "optimizer", &PhaseMemory::optimizer },
            { "key-value cache", "kv_cache", &PhaseMemory::cache },
            { "activations", "activations", &PhaseMemory::activations },
            { "logits", "logits", &PhaseMemory::logits },
            { "data and rollouts", "rollouts", &PhaseMemory::rollouts },
            { "workspaces and allocator", "overhead", &PhaseMemory::overhead } } };
    return kRows;
}

std::string formatBytes(std::uint64_t bytes)
{
    static constexpr std::array<const char*, 5> kUnits = { "kB", "MB", "GB", "TB", "PB" };
    if (bytes < 1000)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    char text[48];
    std::snprintf(text, sizeof text, value < 9.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
    return text;
}

std::string comparedWithPlan(std::uint64_t peak_bytes, std::uint64_t planned_bytes)
{
    if (planned_bytes == 0)
        return formatBytes(peak_bytes);
    const double share = static_cast<double>(peak_bytes) / static_cast<double>(planned_bytes) - 1;
    const auto percent = std::llround(std::abs(share) * 100);
    const std::string difference = percent == 0
        ? "as planned: "
        : std::to_string(percent) + (share < 0 ? " % less than the " : " % more than the ");
    return formatBytes(peak_bytes) + ", " + difference + formatBytes(planned_bytes)
        + (percent == 0 ? "" : " planned");
}

std::optional<std::uint64_t> parseBytes(std::string_view text)
{
    const auto isSpace = [](char c) { return c == ' ' || c == '_'; };
    while (!text.empty() && isSpace(text.back()))
        text.remove_suffix(1);
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || !(number > 0))
        return std::nullopt;
    std::string unit;
    for (const char* at = end; at != text.data() + text.size(); ++at)
        if (!isSpace(*at))
            unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*at)));
    static constexpr std::string_view kPrefixes = "kmgtp";
    double factor = 1;
    if (!unit.empty() && unit != "b") {
        const std::size_t power = kPrefixes.find(unit.front());
        const std::string_view rest = std::string_view(unit).substr(1);
        if (power == kPrefixes.npos || (rest != "" && rest != "b" && rest != "ib" && rest != "i"))
            return std::nullopt;
        factor = std::pow(rest.starts_with('i') ? 1024 : 1000, static_cast<double>(power + 1));
    }
    const double bytes = number * factor;
    if (!(bytes < 9e18))
        return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(bytes));
}

std::string planText(const MemoryPlan& plan)
{
    std::string text;
    const auto line = [&text](std::string_view name, const auto& cell) {
        char cells[160];
        std::snprintf(cells, sizeof cells, "  %-26.*s%10s%10s%10s%12s\n",
            static_cast<int>(name.size()), name.data(), cell(PlanPhase::load).c_str(),
            cell(PlanPhase::rollout).c_str(), cell(PlanPhase::update).c_str(),
            cell(PlanPhase::evaluation).c_str());
        text += cells;
    };
    const auto shown = [](std::uint64_t bytes) { return bytes > 0 ? formatBytes(bytes) : "-"; };
    line("planned", [](PlanPhase phase) { return std::string(nameOf(phase)); });
    for (const PlanRow& row : planRows())
        line(row.name, [&](PlanPhase phase) { return shown(plan.in(phase).*row.bytes); });
    line("together", [&](PlanPhase phase) { return shown(plan.in(phase).total()); });
    return text;
}

} // namespace zen
