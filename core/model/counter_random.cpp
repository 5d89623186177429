#include "core/model/counter_random.h"

#include <algorithm>
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

namespace {

constexpr std::uint64_t kQuantiles = 4096;
constexpr std::uint64_t kInOneMix = 5;

/// SplitMix64 (Steele et al., 2014).
std::uint64_t mixed(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// The number below which a standard normal one lies with this probability, by bisection.
double normalQuantile(double probability)
{
    double low = -10, high = 10;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (std::erfc(-middle / std::numbers::sqrt2) / 2 < probability ? low : high) = middle;
    }
    return (low + high) / 2;
}

} // namespace

QuantileNormal::QuantileNormal()
    : m_quantiles(kQuantiles)
{
    for (std::uint64_t i = 0; i < kQuantiles; ++i)
        m_quantiles[i] = static_cast<float>(
            normalQuantile((static_cast<double>(i) + 0.5) / static_cast<double>(kQuantiles)));
}

std::uint64_t QuantileNormal::keyOf(std::uint64_t seed, std::uint64_t stream) const
{
    return mixed(mixed(seed) ^ stream);
}

void QuantileNormal::fill(
    std::uint64_t key, std::uint64_t first, double spread, float* to, std::int64_t count) const
{
    const auto factor = static_cast<float>(spread);
    const std::uint64_t end = first + static_cast<std::uint64_t>(count);
    for (std::uint64_t i = first; i < end;) {
        std::uint64_t bits = mixed(key ^ i / kInOneMix) >> (12 * (i % kInOneMix));
        const std::uint64_t next = std::min(end, (i / kInOneMix + 1) * kInOneMix);
        for (; i < next; ++i, bits >>= 12)
            to[i - first] = factor * m_quantiles[bits % kQuantiles];
    }
}

} // namespace zen
