#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/export/target.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zen {

/// One file of a bundle.
struct BundleFile {
    std::string path; ///< in the bundle's folder
    std::string bytes;
};

/// Everything that a run elsewhere needs but the model: the YAML, DeepSpeed files, the dataset's
/// rows with their registration, the rewards as Python where the tool wants functions, a README
/// with the launch lines, and a Slurm script. Paths inside are relative to the folder.
struct Bundle {
    std::vector<BundleFile> files;
    std::string yaml; ///< of the file named `name`
    Diagnostics notes; ///< of translate(), and data that is not on this machine
};

/// `name` is the YAML's file name. Errors: a reward's settings are wrong, rows that cannot be read.
Result<Bundle> makeBundle(
    const TrainingConfig& config, const Target& target, const std::string& name);

/// Writes the folder, whole or not at all. Errors: it exists, or cannot be written.
Result<void> writeBundle(const Bundle& bundle, const std::filesystem::path& folder);

/// The README's text.
std::string bundleReadme(const TrainingConfig& config, const Target& target,
    const std::string& name, const Bundle& bundle);

} // namespace zen
