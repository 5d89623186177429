#pragma once

#include "core/model/kernels.h"
#include "core/model/qwen3_shape.h"
#include "core/model/work_sizes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace zen {

// E head size, P panel width

/// The keys and values of up to kCacheBlock consecutive tokens, all layers: for each layer and
/// key-value head, keys as a second factor [E, tokens] and values as a second factor [tokens, E],
/// both in panels, of float32 or bfloat16 numbers.
using CacheBlock = std::unique_ptr<std::byte[]>;

/// bfloat16 where the weights are no float32: half the memory, and as exact as what is computed
/// from it.
enum class CacheType { float32, bfloat16 };

/// Hands out blocks and takes them back; memory follows the tokens that exist at the same time.
class CacheBlocks {
public:
    CacheBlocks(const Qwen3Shape& shape, CacheType type);

    /// Holds so many free blocks from now on, so that taking them cannot fail.
    void reserve(std::size_t blocks);
    CacheBlock take();
    void giveBack(std::vector<CacheBlock> blocks);

    /// Keys [E, kCacheBlock] and values [kCacheBlock, E] of one layer and head, for the next
    /// product: where they lie, or widened into `place` (of widenedSize() floats).
    PanelMatrix keys(
        const CacheBlock& block, std::int64_t layer, std::int64_t head, float* place) const;
    PanelMatrix values(
        const CacheBlock& block, std::int64_t layer, std::int64_t head, float* place) const;
    std::int64_t widenedSize() const; ///< 0 for a float32 cache
    /// Stores one token's normed, rotated key and its value, [E] each, at `index` of the block.
    void store(CacheBlock& block, std::int64_t layer, std::int64_t head, std::int64_t index,
        const float* key, const float* value) const;

private:
    std::int64_t numbersOfHead() const { return kCacheBlock * (m_head_dim + m_padded_head_dim); }
    CacheBlock newBlock() const;
    template <class Number>
    Number* numbers(const CacheBlock& block, std::int64_t layer, std::int64_t head) const;
    template <class Number>
    void storeAs(Number* head, std::int64_t index, const float* key, const float* value) const;
    const float* floats(const CacheBlock& block, std::int64_t layer, std::int64_t head,
        std::int64_t first, std::int64_t count, float* place) const;

    CacheType m_type;
    std::int64_t m_layers, m_heads, m_head_dim, m_padded_head_dim, m_panel;
    std::vector<CacheBlock> m_free;
};

/// A run of cached tokens: a shared prompt's, or a row's own.
struct CachedTokens {
    std::vector<CacheBlock> blocks;
    std::int64_t count = 0;
};

} // namespace zen
