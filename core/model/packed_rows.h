#pragma once

#include "core/model/qwen3_shape.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace zen {

// B rows, T columns, N real tokens, E head size

/// The real tokens of a padded batch, row after row: everything but attention works on them alone.
struct PackedRows {
    std::int64_t rows = 0; ///< B
    std::int64_t columns = 0; ///< T
    std::int64_t tokens = 0; ///< N, padding included where it is computed
    std::int64_t real_tokens = 0; ///< the first of the N
    std::int64_t longest = 0;
    std::vector<std::int64_t>
        row_begin; ///< B + 1: the tokens of row b are [row_begin[b], row_begin[b + 1])
    std::vector<std::int64_t> position; ///< N: index among the real tokens of its row
    std::vector<std::int64_t> source; ///< N: b * T + t
};

/// @param mask_BT bool or integer; false on padding, on either side
/// @param with_padding appends padding after the real tokens, in no row
PackedRows packRows(const at::Tensor& mask_BT, bool with_padding = false);

/// Cosines and sines of the rotary embedding for positions [0, count), E / 2 of each, computed as
/// transformers does in float32.
struct RotaryTable {
    std::vector<float> cosine, sine;
    std::int64_t half = 0;
    const float* cosineAt(std::int64_t position) const { return cosine.data() + position * half; }
    const float* sineAt(std::int64_t position) const { return sine.data() + position * half; }
};
RotaryTable rotaryTable(const Qwen3Shape& shape, std::int64_t count);

} // namespace zen
