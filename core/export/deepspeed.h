#pragma once

#include "core/config/yaml_node.h"

#include <optional>
#include <string>
#include <string_view>

namespace zen {

/// What DeepSpeed shares out among devices: 2 optimiser state and gradients, 3 weights too.
struct DeepspeedKind {
    int stage = 3;
    bool offload = false; ///< what is shared out waits in main memory

    std::string fileName() const; ///< ds_z3_offload.json
    std::string inWords() const; ///< ZeRO stage 3, offloaded to main memory
};

/// The kind that a file's name states (`z2`, `zero2`, `offload`); stage 3 where it states none.
DeepspeedKind deepspeedKindOf(std::string_view file);

/// The kind that a parsed file states; nullopt if it is no DeepSpeed file at all.
std::optional<DeepspeedKind> deepspeedKindOf(const YamlNode& root);

/// The DeepSpeed configuration as JSON; batch sizes are "auto", so that they come from the run.
std::string deepspeedJson(const DeepspeedKind& kind);

} // namespace zen
