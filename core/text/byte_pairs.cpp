#include "core/text/byte_pairs.h"

#include <queue>

#include <algorithm>
#include <bit>

namespace zen {

namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{ 0 };

struct Symbol {
    std::uint32_t id = 0;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    bool gone = false;
};

struct Candidate {
    std::uint32_t rank = 0;
    std::uint32_t at = 0;
    std::uint32_t result = 0;
    bool operator>(const Candidate& other) const
    {
        return rank != other.rank ? rank > other.rank : at > other.at;
    }
};

constexpr std::uint64_t pairKey(std::uint32_t left, std::uint32_t right)
{
    return (std::uint64_t{ left } << 32) | right;
}

} // namespace

BytePairs::BytePairs(const std::array<std::uint32_t, 256>& byte_ids, std::size_t merge_count)
    : m_byte_ids(byte_ids)
    , m_slots(std::bit_ceil(std::max<std::size_t>(merge_count * 2, 2)))
{
}

std::size_t BytePairs::slotOf(std::uint64_t pair) const
{
    std::uint64_t hash = pair * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
    std::size_t slot = hash & (m_slots.size() - 1);
    while (m_slots[slot].pair != kEmpty && m_slots[slot].pair != pair)
        slot = (slot + 1) & (m_slots.size() - 1);
    return slot;
}

bool BytePairs::add(std::uint32_t left, std::uint32_t right, Merge merge)
{
    const std::uint64_t pair = pairKey(left, right);
    Slot& slot = m_slots[slotOf(pair)];
    if (slot.pair == pair)
        return false;
    slot = { pair, merge };
    return true;
}

const BytePairs::Merge* BytePairs::find(std::uint32_t left, std::uint32_t right) const
{
    const Slot& slot = m_slots[slotOf(pairKey(left, right))];
    return slot.pair == kEmpty ? nullptr : &slot.merge;
}

void BytePairs::encode(std::string_view word, std::vector<TokenId>& ids) const
{
    std::vector<Symbol> symbols(word.size());
    for (std::uint32_t i = 0; i < symbols.size(); ++i)
        symbols[i] = { m_byte_ids[static_cast<std::uint8_t>(word[i])], i == 0 ? kNone : i - 1,
            i + 1 == symbols.size() ? kNone : i + 1, false };

    std::vector<Candidate> storage;
    storage.reserve(word.size());
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue(
        {}, std::move(storage));
    const auto consider = [&](std::uint32_t at) {
        if (at == kNone || symbols[at].next == kNone)
            return;
        if (const Merge* merge = find(symbols[at].id, symbols[symbols[at].next].id))
            queue.push({ merge->rank, at, merge->result });
    };
    for (std::uint32_t i = 0; i + 1 < symbols.size(); ++i)
        consider(i);

    while (!queue.empty()) {
        const Candidate candidate = queue.top();
        queue.pop();
        Symbol& left = symbols[candidate.at];
        if (left.gone || left.next == kNone)
            continue;
        Symbol& right = symbols[left.next];
        const Merge* merge = find(left.id, right.id);
        if (!merge || merge->rank != candidate.rank)
            continue; // one of the two has been merged away since
        left.id = merge->result;
        right.gone = true;
        left.next = right.next;
        if (left.next != kNone)
            symbols[left.next].previous = candidate.at;
        consider(left.previous);
        consider(candidate.at);
    }
    for (const Symbol& symbol : symbols)
        if (!symbol.gone)
            ids.push_back(symbol.id);
}

} // namespace zen
