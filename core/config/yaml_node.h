#pragma once

#include "core/base/diagnostic.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A value of a YAML text with its place; plain data.
struct YamlNode {
    enum class Kind { null, scalar, sequence, mapping };
    Kind kind = Kind::null;
    std::string text; ///< scalar: its value, quotes and escapes undone
    bool quoted = false; ///< scalar: quoted or a block scalar, so it is text whatever it looks like
    int line = 0; ///< 1-based
    int column = 0; ///< 1-based
    std::size_t offset = 0; ///< byte where it starts (a byte order mark included)
    std::vector<YamlNode> keys; ///< mapping: as many as items
    std::vector<YamlNode> items; ///< sequence and mapping
};

/// True if both say the same, wherever they stand and however they are written.
bool sameContent(const YamlNode& left, const YamlNode& right);

/// A YAML text as one tree, or the reasons why it is refused.
struct ParsedYaml {
    YamlNode root; ///< null for an empty text
    Diagnostics findings; ///< errors only; root is incomplete if there are any
};

/// Parses one document of a restricted YAML: no anchors, aliases or tags, no duplicate keys, scalar
/// keys, at most 32 levels, at most 1 MiB of UTF-8 without control characters. Never throws.
ParsedYaml parseYaml(std::string_view text);

/// The largest text that parseYaml and YamlDocument take.
inline constexpr std::size_t kMaxYamlBytes = std::size_t{ 1 } << 20;

} // namespace zen
