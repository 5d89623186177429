#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// What `report_to` can name here: files in the run folder (core/runs/metric_reports.h).
inline constexpr auto kReporters
    = std::to_array<std::string_view>({ "tensorboard", "csv", "jsonl", "trainer_log" });

/// What it can name elsewhere; kept for export.
inline constexpr auto kForeignReporters
    = std::to_array<std::string_view>({ "wandb", "mlflow", "comet_ml", "clearml", "swanlab",
        "neptune", "dagshub", "dvclive", "azure_ml", "codecarbon", "flyte", "trackio" });

/// The files that this list asks for: `all` is every one of ours.
inline std::vector<std::string_view> reportersIn(const std::vector<std::string>& report_to)
{
    std::vector<std::string_view> wanted;
    for (const std::string_view reporter : kReporters)
        if (std::any_of(report_to.begin(), report_to.end(),
                [&](const std::string& name) { return name == reporter || name == "all"; }))
            wanted.push_back(reporter);
    return wanted;
}

} // namespace zen
