#include "app/gym/commands.h"
#include "app/gym/terminal.h"
#include "core/base/duration_text.h"
#include "core/runs/run_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>

namespace zen::gym {

namespace {

std::string change(
    const std::optional<double>& first, const std::optional<double>& last, bool as_percent)
{
    const auto text = [as_percent](const std::optional<double>& value) -> std::string {
        if (!value)
            return "–";
        return as_percent ? formatPercent(*value) : fmt::format("{:.3f}", *value);
    };
    return first || last ? text(first) + " → " + text(last) : "–";
}

nlohmann::json asJson(const RunRecord& run)
{
    const auto orNull = [](const std::optional<double>& value) {
        return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
    };
    return { { "folder", run.folder.string() }, { "name", run.name }, { "stage", run.stage },
        { "model", run.model }, { "status", run.status }, { "started", run.started },
        { "steps", run.steps }, { "seconds", run.seconds },
        { "reward_first", orNull(run.reward_first) }, { "reward_last", orNull(run.reward_last) },
        { "accuracy_before", orNull(run.accuracy_before) },
        { "accuracy_after", orNull(run.accuracy_after) }, { "damaged", run.damaged } };
}

} // namespace

int runs(const RunsArguments& arguments)
{
    std::error_code ignored;
    if (!std::filesystem::is_directory(arguments.folder, ignored)) {
        printError(fmt::format(
            "there is no folder {}: nothing was trained here yet, or the runs are elsewhere "
            "(gym runs DIR)",
            arguments.folder.string()));
        return kBadInput;
    }
    const std::vector<RunRecord> records = scanRuns(arguments.folder);
    if (arguments.json) {
        for (const RunRecord& run : records)
            fmt::print(
                "{}\n", asJson(run).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return kDone;
    }
    Table table(
        { "run", "stage", "model", "status", "steps", "time", "reward", "accuracy", "started" });
    for (const RunRecord& run : records)
        table.add({ excerpt(run.folder.filename().string(), 32), run.stage, excerpt(run.model, 28),
            run.damaged ? "damaged" : excerpt(run.status, 12), fmt::format("{}", run.steps),
            formatDuration(run.seconds), change(run.reward_first, run.reward_last, false),
            change(run.accuracy_before, run.accuracy_after, true), excerpt(run.started, 20) });
    fmt::print(
        "{}", records.empty() ? "no runs in " + arguments.folder.string() + "\n" : table.text());
    return kDone;
}

} // namespace zen::gym
