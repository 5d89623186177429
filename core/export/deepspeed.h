#pragma once

#include <string>
#include <string_view>

namespace zen {

/// What DeepSpeed shares out among devices: 2 optimiser state and gradients, 3 weights too.
struct DeepspeedKind {
    int stage = 3;
    bool offload = false; ///< what is shared out waits in main memory

    std::string fileName() const; ///< ds_z3_offload.json
};

/// The kind that a file's name states (`z2`, `zero2`, `offload`); stage 3 where it states none.
DeepspeedKind deepspeedKindOf(std::string_view file);

/// The DeepSpeed configuration as JSON; batch sizes are "auto", so that they come from the run.
std::string deepspeedJson(const DeepspeedKind& kind);

} // namespace zen
