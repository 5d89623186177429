#pragma once

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace zen {

/// Bounds that keep hostile JSON from exhausting the stack or the memory.
struct JsonLimits {
    std::size_t max_depth = 64;
    std::size_t max_values = 4'000'000;
};

/// What is wrong with a JSON text, and at which byte (0-based).
struct JsonFault {
    std::size_t offset = 0;
    std::string message;
};

/// `text` as one JSON value that keeps the order of keys. Faults: not JSON, ill-formed UTF-8, a key
/// given twice, a limit passed. `number_texts`, when given, receives the spelling of every
/// fractional number that is a direct member of the outermost object.
tl::expected<nlohmann::ordered_json, JsonFault> readJson(std::string_view text,
    const JsonLimits& limits = {}, std::map<std::string, std::string>* number_texts = nullptr);

/// One line of JSON spaced as Python's json.dumps does (`{"a": 1, "b": [2, 3]}`), text unescaped
/// where JSON permits it: the form in which chat templates show tools. Expects a value that
/// readJson made (bounded depth).
std::string writeSpacedJson(const nlohmann::ordered_json& value);

/// A place in a text: both 1-based, columns counted in characters.
struct TextPosition {
    std::size_t line = 1;
    std::size_t column = 1;
};

/// Where byte `offset` of `text` stands, when the text begins at `start`.
TextPosition positionOf(std::string_view text, std::size_t offset, TextPosition start = {});

/// What nlohmann-json's exception text says, without its prefixes, shortened to one readable line.
std::string jsonFaultText(const std::string& what);

} // namespace zen
