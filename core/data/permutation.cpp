#include "core/data/dataset.h"

#include <numeric>
#include <utility>

namespace zen {

namespace {

/// SplitMix64: element `counter` of the stream that `key` names.
std::uint64_t drawn(std::uint64_t key, std::uint64_t counter)
{
    std::uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

} // namespace

std::vector<std::size_t> permutation(std::size_t count, std::uint64_t seed)
{
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{ 0 });
    const std::uint64_t key = drawn(seed, 0);
    std::uint64_t counter = 0;
    for (std::size_t left = count; left > 1; --left) {
        // Draws above the last whole multiple of `left` would favour small numbers; draw again.
        const std::uint64_t excess = (~std::uint64_t{ 0 } % left + 1) % left;
        std::uint64_t draw = drawn(key, counter++);
        while (draw > ~std::uint64_t{ 0 } - excess)
            draw = drawn(key, counter++);
        std::swap(order[left - 1], order[draw % left]);
    }
    return order;
}

} // namespace zen
