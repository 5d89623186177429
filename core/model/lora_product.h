#pragma once

#include <cstdint>
#include <span>

namespace zen {

// O outputs, I inputs, R rank

/// weight_OI += scale * b_OR a_RI in float32, over the processor's cores.
void addLoraProduct(std::span<float> weight_OI, std::span<const float> b_OR,
    std::span<const float> a_RI, std::int64_t rank, double scale);

} // namespace zen
