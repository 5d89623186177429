#include "core/base/byte_text.h"
#include "core/plan/memory_plan.h"

#include <algorithm>
#include <array>
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
