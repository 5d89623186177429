#pragma once

#include "core/base/result.h"
#include "core/weights/new_file.h"
#include "core/weights/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace zen {

struct TensorPlan {
    std::string name;
    TensorType type = TensorType::f32;
    std::vector<std::int64_t> shape;
    std::uint64_t bytes() const;
};

/// Writes a model's tensors one after another as Hugging Face stores them: model.safetensors, or,
/// if they are larger than `max_shard_bytes`, model-0000i-of-0000n.safetensors and
/// model.safetensors.index.json. Only the piece at hand is in memory. Use inside
/// writeFolderDurably.
class ShardedWriter {
public:
    static Result<ShardedWriter> create(std::filesystem::path folder,
        std::vector<TensorPlan> tensors, std::uint64_t max_shard_bytes);

    /// The next bytes of the tensors in the order of the list: a whole tensor or a piece that does
    /// not reach into the next. Errors: I/O.
    Result<void> append(std::span<const std::byte> bytes);

    /// Writes the index where there are several shards. Errors: bytes are missing; I/O.
    Result<void> finish();

private:
    ShardedWriter() = default;
    Result<void> openShard();
    std::string shardName(std::size_t shard) const;

    std::filesystem::path m_folder;
    std::vector<TensorPlan> m_tensors;
    std::vector<std::size_t> m_shard_ends; ///< one past the last tensor of each shard
    std::optional<NewFile> m_file; ///< the shard being written
    std::size_t m_shard = 0, m_tensor = 0;
    std::uint64_t m_done = 0; ///< bytes of the tensor that are written
};

} // namespace zen
