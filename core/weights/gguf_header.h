#pragma once

#include "core/base/result.h"
#include "core/weights/gguf.h"

#include <cstdint>
#include <vector>

namespace zen {

struct GgufHeader {
    GgufMetadata metadata;
    std::vector<GgufTensor> tensors; ///< `begin` counts from the start of the file
};

/// Reads and checks everything before the tensor data of an open file of `file_bytes` bytes. Errors
/// in a key or tensor name it, or its place in the list where it has no name.
Result<GgufHeader> parseGgufHeader(int fd, std::uint64_t file_bytes);

/// Fills `to` from `offset` on. Errors: I/O, the end of the file.
Result<void> readGgufBytes(int fd, void* to, std::uint64_t bytes, std::uint64_t offset);

} // namespace zen
