#pragma once

#include "core/base/result.h"
#include "core/weights/gguf.h"
#include "core/weights/new_file.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace zen {

/// Writes a GGUF file front to back: metadata and tensor list first, then the numbers, so that only
/// one piece of one tensor is in memory. The file is removed unless finish() succeeds.
class GgufWriter {
public:
    /// Errors: the file exists or cannot be written; a row that is no multiple of its format's
    /// block; a name given twice.
    static Result<GgufWriter> create(const std::filesystem::path& path,
        const GgufMetadata& metadata, std::vector<GgufTensor> tensors);

    /// The next numbers of the tensors, in the order of the list and row by row: a whole tensor, or
    /// pieces of whole blocks. A piece never reaches into the next tensor. Errors: I/O; a number
    /// that float16 cannot hold (the tensor is named).
    Result<void> append(std::span<const float> values);

    /// Errors: numbers are missing; I/O.
    Result<void> finish();

private:
    GgufWriter(NewFile file, std::vector<GgufTensor> tensors)
        : m_file(std::move(file))
        , m_tensors(std::move(tensors))
    {
    }
    Result<void> pad();

    NewFile m_file;
    std::vector<GgufTensor> m_tensors;
    std::size_t m_tensor = 0; ///< the one being written
    std::uint64_t m_done = 0; ///< numbers of it that are written
    std::vector<std::byte> m_bytes;
};

} // namespace zen
