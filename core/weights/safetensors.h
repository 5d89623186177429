#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// Element types of the format that we read; others are refused by name.
enum class TensorType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };
std::size_t sizeOf(TensorType type);
std::string_view nameOf(TensorType type); ///< as the format spells it: "BF16"

struct TensorEntry {
    std::string name;
    TensorType type = TensorType::f32;
    std::vector<std::int64_t> shape; ///< may be empty (a scalar) or hold zeros
    std::uint64_t begin = 0; ///< byte offset in the file
    std::uint64_t bytes = 0;
};

/// One .safetensors file, fully validated on opening (header size, UTF-8, overflow, no holes or
/// overlaps, end of file, duplicate names) before anything is allocated for tensors. Reads by
/// pread, no mmap: a file that shrinks under us is an Error, not a signal.
class SafetensorsFile {
public:
    static Result<SafetensorsFile> open(const std::filesystem::path& path);

    const std::vector<TensorEntry>& entries() const; ///< sorted by offset
    const TensorEntry* find(std::string_view name) const;
    const std::map<std::string, std::string>& metadata() const;
    const std::filesystem::path& path() const;

    /// Fills `destination` (entry.bytes long). Errors: I/O, the file changed since opening.
    Result<void> read(const TensorEntry& entry, std::span<std::byte> destination) const;
    /// Fills `destination` with the entry's bytes from `offset` on.
    Result<void> readPart(
        const TensorEntry& entry, std::uint64_t offset, std::span<std::byte> destination) const;

private:
    struct State;
    std::shared_ptr<const State> m_state;
};

struct TensorToWrite {
    std::string name;
    TensorType type = TensorType::f32;
    std::vector<std::int64_t> shape;
    const void* data = nullptr; ///< contiguous, native order
};

/// Writes the format (tensors sorted by name) to a new file, fsynced; use inside
/// writeFolderDurably, or give a path that does not exist yet. Same tensors and metadata give the
/// same bytes.
Result<void> writeSafetensors(const std::filesystem::path& path,
    std::span<const TensorToWrite> tensors, const std::map<std::string, std::string>& metadata);

} // namespace zen
