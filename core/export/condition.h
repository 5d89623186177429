#pragma once

#include "core/base/result.h"
#include "core/config/yaml_node.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// `key: word` or `key: [word, …]` of the target tables: true if the key's value is one of the
/// words. Words with a meaning: set, unset, positive (above 0), share (0 to 1), two (2 or more),
/// file (names a .json or .jsonl file),
/// zero3 (names a ZeRO-3 file); `not WORD` turns any of them round.
struct Condition {
    std::string key;
    std::vector<std::string> words;
};
using Conditions = std::vector<Condition>;

/// The value of a key as text; nullopt: not set.
using ValueLookup = std::function<std::optional<std::string>(std::string_view key)>;

/// The conditions of a mapping node; empty for null. Errors name the line.
Result<Conditions> readConditions(const YamlNode& node);

bool holds(const Condition& condition, const ValueLookup& valueOf);
bool allHold(const Conditions& conditions, const ValueLookup& valueOf);
bool anyHolds(const Conditions& conditions, const ValueLookup& valueOf);

} // namespace zen
