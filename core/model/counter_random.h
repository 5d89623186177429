#pragma once

#include <array>
#include <cstdint>

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

} // namespace zen
