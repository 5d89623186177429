#pragma once

#include "core/model/kernels.h"
#include "core/model/qwen3_shape.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace zen {

// E head size, P panel width

/// Tokens in a block; a multiple of every panel width.
constexpr std::int64_t kCacheBlock = 32;

/// The keys and values of up to kCacheBlock consecutive tokens, all layers: for each layer and
/// key-value head, keys as a second factor [E, tokens] and values as a second factor [tokens, E],
/// both in panels.
using CacheBlock = std::unique_ptr<float[]>;

/// Hands out blocks and takes them back; memory follows the tokens that exist at the same time.
class CacheBlocks {
public:
    explicit CacheBlocks(const Qwen3Shape& shape);

    CacheBlock take();
    void giveBack(std::vector<CacheBlock> blocks);

    /// Keys [E, kCacheBlock] and values [kCacheBlock, E] of one layer and head.
    PanelMatrix keys(const CacheBlock& block, std::int64_t layer, std::int64_t head) const;
    PanelMatrix values(const CacheBlock& block, std::int64_t layer, std::int64_t head) const;
    /// Stores one token's normed, rotated key and its value, [E] each, at `index` of the block.
    void store(CacheBlock& block, std::int64_t layer, std::int64_t head, std::int64_t index,
        const float* key, const float* value) const;

private:
    float* place(const CacheBlock& block, std::int64_t layer, std::int64_t head) const;

    std::int64_t m_layers, m_heads, m_head_dim, m_padded_head_dim, m_panel;
    std::vector<CacheBlock> m_free;
};

/// A run of cached tokens: a shared prompt's, or a row's own.
struct CachedTokens {
    std::vector<CacheBlock> blocks;
    std::int64_t count = 0;
};

} // namespace zen
