#pragma once

#include "core/base/diagnostic.h"
#include "core/export/target.h"

#include <string_view>

namespace zen {

/// Checks a file for another tool as that tool would: every key, the type of every value as its
/// YAML reader sees it (2e-5 is text to some, no is false to all), choices, and the rules of its
/// parser. Findings carry the line and, where there is one obvious repair, a fix.
Diagnostics lint(std::string_view yaml, const Target& target);

/// True if a value of this kind may stand where these types are accepted.
bool acceptsScalar(
    const AcceptedKey& key, ScalarKind kind, std::string_view text, ValueConversion conversion);

} // namespace zen
