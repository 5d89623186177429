#pragma once

#include "core/base/result.h"
#include "core/model/nf4.h"
#include "core/weights/checkpoint_folder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zen {

// Matrices that bitsandbytes packed: beside `name` (uint8 codes) stand name.absmax,
// name.quant_map, name.quant_state.bitsandbytes__nf4 (JSON), and with double quantisation
// name.nested_absmax and name.nested_quant_map.

/// True if the checkpoint holds this matrix packed.
bool isPacked(const CheckpointFolder& checkpoint, const std::string& name);

/// The names beside a packed matrix that the checkpoint holds.
std::vector<std::string> namesBeside(const CheckpointFolder& checkpoint, const std::string& name);

/// Reads a packed matrix of [out, in], bit by bit as it is. Errors: another size, block, or type of
/// packing.
Result<std::shared_ptr<const Nf4Matrix>> readPacked(const CheckpointFolder& checkpoint,
    const std::string& name, std::int64_t out, std::int64_t in, at::ScalarType compute_type);

} // namespace zen
