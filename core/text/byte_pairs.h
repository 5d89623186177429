#pragma once

#include "core/text/tokenizer.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace zen {

/// The merges of a byte-level BPE vocabulary, and how they are applied to one word.
class BytePairs {
public:
    struct Merge {
        std::uint32_t rank = 0; ///< lower is earlier
        std::uint32_t result = 0; ///< the id that the pair becomes
    };

    BytePairs() = default;
    /// `byte_ids`: the token of every single byte. `merge_count`: how many merges will be added,
    /// for the table's size.
    BytePairs(const std::array<std::uint32_t, 256>& byte_ids, std::size_t merge_count);

    /// False if the pair has a merge already.
    bool add(std::uint32_t left, std::uint32_t right, Merge merge);

    /// Appends the ids of `word` (raw bytes): the pair of lowest rank is merged first, the leftmost
    /// on ties. O(n log n).
    void encode(std::string_view word, std::vector<TokenId>& ids) const;

private:
    struct Slot {
        std::uint64_t pair = kEmpty;
        Merge merge;
    };
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{ 0 };

    const Merge* find(std::uint32_t left, std::uint32_t right) const;
    std::size_t slotOf(std::uint64_t pair) const;

    std::array<std::uint32_t, 256> m_byte_ids{};
    std::vector<Slot> m_slots; ///< open addressing, size a power of two, at most half full
};

} // namespace zen
