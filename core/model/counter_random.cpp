#include "core/model/counter_random.h"

#include <cmath>
#include <numbers>

namespace zen {

std::array<std::uint32_t, 4> philox(
    std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key)
{
    constexpr std::uint64_t kFirst = 0xD2511F53, kSecond = 0xCD9E8D57;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = kFirst * counter[0], b = kSecond * counter[2];
        counter = { static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0],
            static_cast<std::uint32_t>(b),
            static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1],
            static_cast<std::uint32_t>(a) };
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

double unitInterval(std::uint32_t low, std::uint32_t high)
{
    const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
    return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

namespace {

std::array<std::uint32_t, 4> wordsAt(std::uint64_t seed, std::uint64_t stream, std::uint64_t index)
{
    return philox(
        { static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
            static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32) },
        { static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32) });
}

} // namespace

double uniformAt(std::uint64_t seed, std::uint64_t stream, std::uint64_t index)
{
    const auto words = wordsAt(seed, stream, index);
    return unitInterval(words[0], words[1]);
}

double normalAt(std::uint64_t seed, std::uint64_t stream, std::uint64_t index)
{
    const auto words = wordsAt(seed, stream, index);
    const double radius = std::sqrt(-2.0 * std::log(unitInterval(words[0], words[1])));
    return radius * std::cos(2.0 * std::numbers::pi * unitInterval(words[2], words[3]));
}

} // namespace zen
