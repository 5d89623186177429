#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/export/accepted_keys.h"
#include "core/export/condition.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zen {

/// The tools that a configuration can be exported to, in the order in which they are offered.
inline constexpr std::array<std::string_view, 4> kTargetNames
    = { "gym", "llamafactory", "axolotl", "trl" };

/// How a changed value is given on a tool's command line; read as the tables spell it.
enum class OverrideForm {
    assignments, ///< key=value
    kebab_options, ///< --kebab-key value
    options, ///< --key value
};

/// Both ways, or one only.
enum class RowDirection { both, export_only, import_only };

/// One line of a target's table: an own key and what it is called there.
struct TargetRow {
    std::string own;
    std::string key; ///< dots for nesting
    std::string group; ///< heading in the file
    Conditions when; ///< over the own, resolved configuration
    Conditions import_when; ///< over the foreign file
    Conditions matters; ///< when the tool's other default makes it worth writing
    RowDirection direction = RowDirection::both;
    std::string as; ///< a conversion of target_values.h; empty: as it stands, or by `values`
    std::vector<std::pair<std::string, std::string>> values; ///< own word -> YAML there
    std::vector<std::pair<std::string, std::string>> import_values; ///< word there -> own word
    std::vector<std::pair<std::string, std::string>> rename; ///< own word -> word there, in lists
    std::string skip; ///< own value that is not written
    std::string null_is; ///< own value that null, or no key at all, means there
    std::string only; ///< share: a value below 1; whole: 0 or from 1 on
    std::string target_default; ///< where the accepted keys do not say it
    bool always = false;
};

/// A key that the tool needs and that has no own counterpart.
struct FixedEntry {
    std::string key;
    std::string value; ///< YAML
    std::string group;
    Conditions when;
};

/// An own key without equivalent, or something to know about one that has.
struct TargetNote {
    std::string own;
    std::string text;
    Conditions when;
};

/// What the tool's parser demands beyond types: if all of `conditions` hold, one of `any` must.
struct TargetRule {
    std::string key;
    std::string text;
    Conditions conditions;
    Conditions any;
    bool is_warning = false;
};

/// The product of `of` (of `else_of` where those are not set) is a multiple of `by`.
struct MultipleRule {
    std::string key;
    std::string text;
    Conditions conditions;
    std::vector<std::string> of; ///< `a|b`: the first of them that is set
    std::vector<std::string> else_of;
    std::string by;
};

/// A tool, as its tables in resources/targets describe it.
struct Target {
    std::string name; ///< gym, llamafactory, axolotl, trl
    std::string title;
    std::string program; ///< what starts a training there, before the file's name
    OverrideForm overrides = OverrideForm::assignments;
    AcceptedKeys accepted;
    std::vector<TargetRow> rows;
    std::vector<FixedEntry> fixed;
    std::vector<TargetNote> notes;
    std::vector<TargetNote> lost;
    std::vector<TargetRule> rules;
    std::vector<MultipleRule> multiples;
};

/// Reads NAME.yaml and NAME.keys.json of the program's resources. Errors: an unknown name (with the
/// known ones), a table that cannot be read.
Result<Target> loadTarget(std::string_view name);

/// The same from a folder.
Result<Target> loadTarget(std::string_view name, const std::filesystem::path& folder);

/// All of kTargetNames.
Result<std::vector<Target>> loadTargets();

} // namespace zen
