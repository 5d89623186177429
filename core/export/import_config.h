#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"
#include "core/config/yaml_document.h"
#include "core/export/target.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace zen {

/// What became of one key of a foreign file.
enum class KeyFate {
    taken, ///< it is a setting here
    without_effect, ///< the tool knows it, and it decides nothing here
    unknown, ///< the tool itself does not know it
    refused, ///< it should be a setting here, but its value cannot be used
};

/// One key of a foreign file, sub-objects taken apart.
struct ForeignKey {
    std::string key; ///< dotted
    int line = 0;
    std::string value; ///< on one line
    KeyFate fate = KeyFate::taken;
    std::string own; ///< the own key that it became; empty: none
    std::string why; ///< in words; empty where it was taken as it stands
};

/// A foreign file as an own configuration.
struct ImportedConfig {
    TrainingConfig config;
    std::vector<ForeignKey> keys; ///< every key of the file, in its order
    Diagnostics findings; ///< syntax; and defaults of the tool that were made explicit (advice)
    std::string yaml; ///< the own file: settings, and as comments every key that is none here
};

/// Whose file this is: the index into `targets`, or -1 for an own configuration; and the other
/// tools that read all of it as well.
struct RecognisedFile {
    int target = -1;
    std::vector<int> as_well;
    bool is_known = false; ///< at least one key is a key of that tool, or of this program
};
RecognisedFile recognise(const YamlDocument& document, std::span<const Target> targets);

/// Reads a foreign file by the target's table. `folder` is where the file lies: a generated
/// zen_rewards.py there gives the rewards back (empty: not looked for).
ImportedConfig importConfig(
    const YamlDocument& document, const Target& target, const std::filesystem::path& folder);

/// The report as lines for a person: whose file, what was taken, what was not and why.
std::string importReport(const ImportedConfig& imported, const Target& target);

} // namespace zen
