#pragma once

#include "core/base/result.h"
#include "core/weights/safetensors.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace zen {

using NamedTensors = std::map<std::string, at::Tensor>;

/// The tensor type for an element type of the format.
at::ScalarType scalarTypeOf(TensorType type);

/// One tensor on the CPU in the file's own type (bf16 stays bf16).
Result<at::Tensor> readTensor(const SafetensorsFile& file, const TensorEntry& entry);

/// Every tensor of a file.
Result<NamedTensors> readTensors(const std::filesystem::path& path);

/// Writes contiguous CPU copies; see writeSafetensors.
Result<void> writeTensors(const std::filesystem::path& path, const NamedTensors& tensors,
    const std::map<std::string, std::string>& metadata);

} // namespace zen
