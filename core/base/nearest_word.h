#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zen {

/// The known word nearest to a misspelt one by edit distance (ties: the first); empty if none is
/// near (more than a third of its letters differ).
std::string nearestWord(std::string_view word, std::span<const std::string_view> known);

} // namespace zen
