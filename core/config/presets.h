#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/yaml_document.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zen {

enum class PresetKind { hardware, task };

/// A small YAML file of settings that go together (resources/presets/<kind>/<name>.yaml).
struct Preset {
    std::string name; ///< file stem, e.g. consumer
    std::string title; ///< e.g. Consumer
    std::string summary; ///< e.g. 8 to 24 GB
    PresetKind kind = PresetKind::hardware;
    std::vector<Edit> edits; ///< in file order
    bool built_in = true;
};

/// Presets shipped with the program (`folder`/hardware and /task), in the order of the form; a
/// damaged file is left out and named in `problems`. The first line of a file is a comment with
/// title and summary, `# Consumer: 8 to 24 GB`.
std::vector<Preset> loadPresets(
    const std::filesystem::path& folder, Diagnostics* problems = nullptr);

/// The same, with the user's own (same layout below `user_folder`, which need not exist) after the
/// shipped ones of their kind.
std::vector<Preset> loadPresets(const std::filesystem::path& folder,
    const std::filesystem::path& user_folder, Diagnostics* problems);

/// One field that applying a preset would change; before is empty where the key is absent.
struct PresetChange {
    std::string key;
    std::string before;
    std::string after;
    bool operator==(const PresetChange&) const = default;
};

/// What applying would change in this document (nothing that is already so).
std::vector<PresetChange> changesOf(const Preset& preset, const YamlDocument& document);

/// The document with the preset applied; the caller keeps the old one for undo.
Result<YamlDocument> applyPreset(const Preset& preset, YamlDocument document);

} // namespace zen
