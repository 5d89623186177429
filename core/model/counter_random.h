#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace zen {

/// Philox-4x32-10 (Salmon et al., SC 2011): four random words that are a function of counter and
/// key alone.
std::array<std::uint32_t, 4> philox(
    std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A number in (0, 1) from 53 of these bits.
double unitInterval(std::uint32_t low, std::uint32_t high);

/// Number `index` of the stream `stream` of `seed`, uniform in (0, 1).
double uniformAt(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

/// The same, standard normal (Box-Muller).
double normalAt(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

/// Standard normal numbers drawn from 4,096 equally likely quantiles: five of them from one mix of
/// 64 bits, a hundred times as fast as normalAt.
class QuantileNormal {
public:
    QuantileNormal();
    std::uint64_t keyOf(std::uint64_t seed, std::uint64_t stream) const;
    /// to[i] = spread * number `first + i` of the key's stream.
    void fill(
        std::uint64_t key, std::uint64_t first, double spread, float* to, std::int64_t count) const;

private:
    std::vector<float> m_quantiles;
};

} // namespace zen
