#pragma once

#include "core/base/result.h"
#include "core/weights/safetensors.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

struct SafetensorsHeader {
    std::vector<TensorEntry> entries; ///< sorted by offset
    std::map<std::string, std::string> metadata;
};

/// Parses and checks the JSON header of a file of `file_bytes` bytes whose data starts at
/// `data_begin`. Errors name the tensor.
Result<SafetensorsHeader> parseSafetensorsHeader(
    std::string_view json, std::uint64_t data_begin, std::uint64_t file_bytes);

/// The type of this name as the format spells it; empty if we do not read it.
std::optional<TensorType> tensorTypeNamed(std::string_view name);

} // namespace zen
