#pragma once

#include "core/base/result.h"
#include "core/export/yaml_reading.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// What a tool accepts under one key.
struct AcceptedKey {
    std::vector<std::string> types; ///< bool, int, float, str, null, dict, list, list[str], …, any
    std::vector<std::string> choices; ///< of text; empty: any
    std::optional<std::string> default_yaml; ///< what an absent key means; nullopt: not known
    bool is_required = false;
    std::map<std::string, AcceptedKey, std::less<>> keys; ///< of a sub-object; empty: any
    std::map<std::string, AcceptedKey, std::less<>> items; ///< of each entry of a list; empty: any

    bool accepts(std::string_view type) const;
};

/// How a tool turns what its YAML reader gives into the type that it wants.
enum class ValueConversion {
    none, ///< not at all
    argparse, ///< only text, by the field's type
    pydantic, ///< numbers and booleans from text, never text from numbers
};

/// Every key that one version of a tool accepts (resources/targets/NAME.keys.json).
struct AcceptedKeys {
    std::string tool;
    std::string version;
    std::string date; ///< of that version, ISO
    bool strict = true; ///< an unknown key stops the tool; else it is dropped in silence
    NumberReading reading = NumberReading::yaml11;
    ValueConversion conversion = ValueConversion::none;
    std::map<std::string, AcceptedKey, std::less<>> keys;

    /// Follows dots into sub-objects; nullptr if the tool does not know the key. Below a key that
    /// takes any mapping, the key itself is returned.
    const AcceptedKey* find(std::string_view dotted_key) const;
};

/// Errors name the file and what is wrong.
Result<AcceptedKeys> readAcceptedKeys(const std::filesystem::path& file);

} // namespace zen
