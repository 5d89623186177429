#pragma once

#include "app/gym/commands.h"
#include "core/base/diagnostic.h"
#include "core/config/training_config.h"
#include "core/config/yaml_document.h"

#include <optional>
#include <string>

namespace zen::gym {

/// A configuration file with the command line's changes written into it.
struct LoadedConfig {
    std::string file;
    YamlDocument document;
    TrainingConfig config;
    TrainingConfig in_file; ///< without the command line's changes
    Diagnostics diagnostics; ///< of the file and of the overrides
};

/// Empty if the file cannot be read; the reason is then on standard error.
std::optional<LoadedConfig> readConfigFile(const ConfigArguments& source);

/// The same, and prints every finding to standard error; empty if one of them is an error.
std::optional<LoadedConfig> loadUsableConfig(const ConfigArguments& source);

/// For a file of another tool, which need not run here: what only the rules over several fields
/// object to (no rewards, say) is a warning.
std::optional<LoadedConfig> loadReadableConfig(const ConfigArguments& source);

/// Prints findings to standard error, errors first, each with its suggestion. Advice only on
/// request.
enum class Advice { hide, show };
void printFindings(const Diagnostics& findings, const std::string& file, Advice advice);

/// Says, in one line on standard error, which device settings this build does not follow.
void explainDevices(const TrainingConfig& config);

} // namespace zen::gym
