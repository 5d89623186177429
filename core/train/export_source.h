#pragma once

#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/runs/run_folder.h"

#include <filesystem>
#include <optional>
#include <string>

namespace zen {

/// The run behind an export.
struct ExportedRun {
    std::filesystem::path folder;
    TrainingConfig config; ///< resolved
    std::string config_yaml;
    RunRecord record;
};

/// What weights are exported: a run's result on its base, or a model as it is.
struct ExportSource {
    std::optional<ExportedRun> run;
    std::string name; ///< for file names and titles: letters, digits, dots, dashes, underscores
    std::string base_model; ///< as configured: a hub id, zen/starter, or a folder
    std::filesystem::path model_folder; ///< the weights below the adapter
    std::filesystem::path adapter; ///< empty: model_folder alone
};

/// Finds a run's parts, or a model by name or folder. Errors: neither; a run that has left neither
/// adapter nor model yet; a base model that is not on this machine.
Result<ExportSource> findExportSource(const std::string& run_or_model);

/// The name under which others find the base: a hub id as it is, a folder as an absolute path.
std::string portableModelName(const std::string& model_name_or_path);

} // namespace zen
