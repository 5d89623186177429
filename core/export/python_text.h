#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A Python string literal in double quotes.
std::string pythonText(std::string_view text);

/// A Python list of string literals.
std::string pythonList(const std::vector<std::string>& words);

/// `pattern`, which is RE2's, as arguments for Python's re: the literal and `, flags=…`, which
/// find the same in a text. `flags` holds any of ignorecase, multiline, dotall. Errors: something
/// that Python's patterns do not have, e.g. \p{Greek}.
Result<std::string> pythonPattern(std::string_view pattern, const std::vector<std::string>& flags);

} // namespace zen
