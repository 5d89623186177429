#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/config/yaml_document.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A configuration as read: the values that could be read, and every finding at once.
struct ReadConfig {
    TrainingConfig config; ///< defaults where a key is absent or wrong
    Diagnostics diagnostics; ///< syntax, unknown keys with the nearest known one, types, ranges,
                             ///< rules over fields
};

/// Reads a document through the schema (aliases included) and applies the rules of validate.h.
ReadConfig readConfig(const YamlDocument& document);

/// Writes one setting under whichever spelling the file uses (alias included), a new one beside its
/// group; no value removes it. `dtype` and `bf16`, `quantization` and `load_in_4bit` are kept in
/// step. Form, presets, fixes and the command line all edit through this.
Result<void> setField(YamlDocument& document, const Edit& edit);

/// The entry that gives this field, by key or alias; nullptr if the file does not.
const YamlEntry* findFieldEntry(const YamlDocument& document, std::string_view key);

/// What the command line adds: `--key value`, `--key=value`, `key=value`, kebab or snake case, a
/// bare `--flag` for a boolean. Later ones win. Findings name the argument.
struct Overrides {
    std::vector<Edit> edits;
    Diagnostics diagnostics;
};
Overrides parseOverrides(std::span<const std::string> arguments);

/// Document and overrides together: the overrides are written into the document (so that what is
/// saved as config.yaml is what ran), then read.
ReadConfig readConfig(YamlDocument& document, const Overrides& overrides);

/// A new document that says exactly what `config` says, grouped with `### Heading` comments as
/// LLaMA-Factory files are; fields at their default are left out unless `all_fields` (model, stage
/// and run folder always stand).
std::string writeConfig(const TrainingConfig& config, bool all_fields = false);

} // namespace zen
