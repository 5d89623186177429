#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zen {

/// true/false, yes/no, on/off in any of YAML 1.1's spellings; nullopt for anything else.
std::optional<bool> parseBool(std::string_view text);

/// A decimal whole number. Errors explain other spellings (017, 0x10, 1_000, 1e3, 2.0).
Result<std::int64_t> parseInteger(std::string_view text);

/// A finite decimal number; `1e-5` too. Errors explain nan, inf and other spellings.
Result<double> parseReal(std::string_view text);

/// `1.0e-05`, `0.2`, `3.0`: the shortest spelling that reads back exactly and that YAML 1.1 readers
/// take for a float. Values that are not finite give `.nan`, `.inf`, `-.inf`.
std::string formatReal(double value);

/// Text as a YAML scalar for block and flow context: plain where every YAML 1.1 and 1.2 reader
/// takes it for this very text, else quoted.
std::string formatText(std::string_view text);

} // namespace zen
