#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/config/yaml_document.h"
#include "core/export/target.h"
#include "core/export/yaml_tree.h"

#include <string>

namespace zen {

/// A configuration as a file for another tool.
struct TargetConfig {
    std::string yaml;
    Diagnostics notes; ///< what the tool cannot express or takes differently; keys are own ones
};

/// Translates by the target's table, then reads the result back: every setting that does not return
/// is among the notes. Values that mean there what their absence means are left out.
TargetConfig translate(const TrainingConfig& config, const Target& target);

/// Only the settings, without headings and comments.
YamlTree translatedTree(const TrainingConfig& config, const Target& target);

/// A file of that tool with the changes that lead from one configuration to another written into
/// it; everything else stays as it was, comments and unknown keys among it. Errors: the file cannot
/// be edited.
Result<YamlDocument> writeBack(YamlDocument foreign, const TrainingConfig& before,
    const TrainingConfig& after, const Target& target);

} // namespace zen
