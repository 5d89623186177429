#pragma once

#include "core/config/yaml_node.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A mapping that is being written: keys in order, a value as YAML text or a nested mapping.
struct YamlTree {
    std::string key;
    std::string value; ///< scalar, flow collection, or a block list (starts with `- `)
    std::vector<YamlTree> children; ///< if there are any, `value` is not used
};

/// Sets a dotted key below `root`, making what is missing on the way.
void setInTree(YamlTree& root, std::string_view dotted_key, std::string yaml);

/// Removes a dotted key, and mappings that become empty by it.
void removeFromTree(YamlTree& root, std::string_view dotted_key);

/// Every value below `root` by its dotted key.
std::map<std::string, std::string> leavesOf(const YamlTree& root);

/// `key: value` lines of the children, indented.
std::string blockLines(const YamlTree& root, int indent = 0);

/// What stands behind the key of one entry: a value, or its lines as a block.
std::string entryValue(const YamlTree& entry);

/// A parsed mapping as a tree; comments are not part of it.
YamlTree treeOf(const YamlNode& mapping);

/// Any parsed value on one line, quoted as it was; and inside of a list or mapping also where its
/// text would end early between the brackets.
std::string flowText(const YamlNode& node);

/// The node under a dotted key; nullptr if there is none.
const YamlNode* nodeAt(const YamlNode& mapping, std::string_view dotted_key);

} // namespace zen
