#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zen {

/// "a, b or c", for messages that list what is possible.
std::string alternatives(std::span<const std::string_view> words);

} // namespace zen
