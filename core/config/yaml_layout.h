#pragma once

#include "core/base/result.h"
#include "core/config/yaml_node.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace zen {

/// Where the parts of one top-level entry stand: byte offsets into the text.
struct EntryPlace {
    std::size_t line_begin = 0; ///< of the key's line
    std::size_t key_begin = 0;
    std::size_t colon_end = 0; ///< after the colon
    std::size_t value_begin = 0; ///< equals value_end where no value is written
    std::size_t value_end = 0; ///< without a comment behind it
    std::size_t entry_end = 0; ///< after the line end of the value's last line
    bool on_own_lines
        = false; ///< a block list or mapping; value_begin is then the start of its first line
};

/// Places of the entries of a block mapping, in file order. Errors: keys that do not stand alone at
/// the start of their line (flow style, `? key`), or not all in one column.
Result<std::vector<EntryPlace>> layoutOf(std::string_view text, const YamlNode& root);

/// Where further entries may be appended: the end of the text, or a closing `...`.
std::size_t documentEnd(std::string_view text);

} // namespace zen
