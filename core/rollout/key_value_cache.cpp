#include "core/rollout/key_value_cache.h"

#include <c10/util/BFloat16.h>

#include <algorithm>

namespace zen {

namespace {

void put(float& to, float number)
{
    to = number;
}

void put(std::uint16_t& to, float number)
{
    to = c10::detail::round_to_nearest_even(number);
}

} // namespace

CacheBlocks::CacheBlocks(const Qwen3Shape& shape, CacheType type)
    : m_type(type)
    , m_layers(shape.num_layers)
    , m_heads(shape.num_kv_heads)
    , m_head_dim(shape.head_dim)
    , m_panel(kernels().panel)
{
    m_padded_head_dim = (m_head_dim + m_panel - 1) / m_panel * m_panel;
}

CacheBlock CacheBlocks::newBlock() const
{
    const std::size_t number = m_type == CacheType::float32 ? sizeof(float) : sizeof(std::uint16_t);
    return std::make_unique<std::byte[]>(
        static_cast<std::size_t>(m_layers * m_heads * numbersOfHead())
        * number); // zeroed: what lies beyond a head's last number is read, too
}

void CacheBlocks::reserve(std::size_t blocks)
{
    while (m_free.size() < blocks)
        m_free.push_back(newBlock());
}

CacheBlock CacheBlocks::take()
{
    if (m_free.empty())
        return newBlock();
    CacheBlock block = std::move(m_free.back());
    m_free.pop_back();
    return block;
}

void CacheBlocks::giveBack(std::vector<CacheBlock> blocks)
{
    for (CacheBlock& block : blocks)
        m_free.push_back(std::move(block));
}

template <class Number>
Number* CacheBlocks::numbers(const CacheBlock& block, std::int64_t layer, std::int64_t head) const
{
    return reinterpret_cast<Number*>(block.get()) + (layer * m_heads + head) * numbersOfHead();
}

/// `count` numbers of a head from `first` on, as float32.
const float* CacheBlocks::floats(const CacheBlock& block, std::int64_t layer, std::int64_t head,
    std::int64_t first, std::int64_t count, float* place) const
{
    if (m_type == CacheType::float32)
        return numbers<float>(block, layer, head) + first;
    kernels().widen(numbers<std::uint16_t>(block, layer, head) + first, place, count);
    return place;
}

std::int64_t CacheBlocks::widenedSize() const
{
    return m_type == CacheType::float32 ? 0 : kCacheBlock * m_padded_head_dim;
}

PanelMatrix CacheBlocks::keys(
    const CacheBlock& block, std::int64_t layer, std::int64_t head, float* place) const
{
    const std::int64_t count = kCacheBlock * m_head_dim;
    return { floats(block, layer, head, 0, count, place), m_panel, m_panel * m_head_dim };
}

PanelMatrix CacheBlocks::values(
    const CacheBlock& block, std::int64_t layer, std::int64_t head, float* place) const
{
    const std::int64_t count = kCacheBlock * m_padded_head_dim;
    return { floats(block, layer, head, kCacheBlock * m_head_dim, count, place), m_panel,
        m_panel * kCacheBlock };
}

template <class Number>
void CacheBlocks::storeAs(
    Number* head, std::int64_t index, const float* key, const float* value) const
{
    Number* keys = head + index / m_panel * m_panel * m_head_dim + index % m_panel;
    for (std::int64_t i = 0; i < m_head_dim; ++i)
        put(keys[i * m_panel], key[i]);
    Number* values = head + kCacheBlock * m_head_dim + index * m_panel;
    for (std::int64_t i = 0; i < m_head_dim; i += m_panel)
        for (std::int64_t j = 0; j < std::min(m_panel, m_head_dim - i); ++j)
            put(values[i * kCacheBlock + j], value[i + j]);
}

void CacheBlocks::store(CacheBlock& block, std::int64_t layer, std::int64_t head,
    std::int64_t index, const float* key, const float* value) const
{
    if (m_type == CacheType::float32)
        storeAs(numbers<float>(block, layer, head), index, key, value);
    else
        storeAs(numbers<std::uint16_t>(block, layer, head), index, key, value);
}

} // namespace zen
