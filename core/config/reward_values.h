#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"
#include "core/config/yaml_node.h"

#include <string>
#include <vector>

namespace zen {

/// The terms of a `rewards:` list; what cannot be read is left out and every problem named with its
/// line.
std::vector<RewardTermSpec> rewardsFromNode(const YamlNode& node, Diagnostics& problems);

/// The terms as an indented block of flow mappings, one a line; `[]` if there are none.
std::string rewardsToYaml(const std::vector<RewardTermSpec>& terms);

} // namespace zen
