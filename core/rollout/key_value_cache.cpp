#include "core/rollout/key_value_cache.h"

#include <algorithm>
#include <cstring>

namespace zen {

CacheBlocks::CacheBlocks(const Qwen3Shape& shape)
    : m_layers(shape.num_layers)
    , m_heads(shape.num_kv_heads)
    , m_head_dim(shape.head_dim)
    , m_panel(kernels().panel)
{
    m_padded_head_dim = (m_head_dim + m_panel - 1) / m_panel * m_panel;
}

CacheBlock CacheBlocks::take()
{
    if (!m_free.empty()) {
        CacheBlock block = std::move(m_free.back());
        m_free.pop_back();
        return block;
    }
    const auto floats = static_cast<std::size_t>(
        m_layers * m_heads * kCacheBlock * (m_head_dim + m_padded_head_dim));
    return std::make_unique<float[]>(
        floats); // zeroed: what lies beyond a head's last number is read, too
}

void CacheBlocks::giveBack(std::vector<CacheBlock> blocks)
{
    for (CacheBlock& block : blocks)
        m_free.push_back(std::move(block));
}

float* CacheBlocks::place(const CacheBlock& block, std::int64_t layer, std::int64_t head) const
{
    return block.get() + (layer * m_heads + head) * kCacheBlock * (m_head_dim + m_padded_head_dim);
}

PanelMatrix CacheBlocks::keys(const CacheBlock& block, std::int64_t layer, std::int64_t head) const
{
    return { place(block, layer, head), m_panel, m_panel * m_head_dim };
}

PanelMatrix CacheBlocks::values(
    const CacheBlock& block, std::int64_t layer, std::int64_t head) const
{
    return { place(block, layer, head) + kCacheBlock * m_head_dim, m_panel, m_panel * kCacheBlock };
}

void CacheBlocks::store(CacheBlock& block, std::int64_t layer, std::int64_t head,
    std::int64_t index, const float* key, const float* value) const
{
    float* keys
        = place(block, layer, head) + index / m_panel * m_panel * m_head_dim + index % m_panel;
    for (std::int64_t i = 0; i < m_head_dim; ++i)
        keys[i * m_panel] = key[i];
    float* values = place(block, layer, head) + kCacheBlock * m_head_dim + index * m_panel;
    for (std::int64_t i = 0; i < m_head_dim; i += m_panel)
        std::memcpy(values + i * kCacheBlock, value + i,
            static_cast<std::size_t>(std::min(m_panel, m_head_dim - i)) * sizeof(float));
}

} // namespace zen
