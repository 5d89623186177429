#include "core/model/packed_rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace zen {

PackedRows packRows(const at::Tensor& mask_BT, bool with_padding)
{
    const at::Tensor mask = mask_BT.to(at::kBool).contiguous();
    const bool* real = mask.data_ptr<bool>();
    PackedRows packed;
    packed.rows = mask.size(0);
    packed.columns = mask.size(1);
    packed.row_begin.push_back(0);
    for (std::int64_t b = 0; b < packed.rows; ++b) {
        for (std::int64_t t = 0; t < packed.columns; ++t) {
            if (!real[b * packed.columns + t])
                continue;
            packed.position.push_back(
                static_cast<std::int64_t>(packed.source.size()) - packed.row_begin.back());
            packed.source.push_back(b * packed.columns + t);
        }
        const auto end = static_cast<std::int64_t>(packed.source.size());
        packed.longest = std::max(packed.longest, end - packed.row_begin.back());
        packed.row_begin.push_back(end);
    }
    packed.real_tokens = packed.row_begin.back();
    for (std::int64_t i = 0; with_padding && i < packed.rows * packed.columns; ++i) {
        if (!real[i])
            packed.source.push_back(i);
    }
    packed.tokens = static_cast<std::int64_t>(packed.source.size());
    return packed;
}

RotaryTable rotaryTable(const Qwen3Shape& shape, std::int64_t count)
{
    RotaryTable table;
    table.half = shape.head_dim / 2;
    table.cosine.resize(static_cast<std::size_t>(count * table.half));
    table.sine.resize(table.cosine.size());
    for (std::int64_t i = 0; i < table.half; ++i) {
        const auto exponent = static_cast<float>(2 * i) / static_cast<float>(shape.head_dim);
        const auto frequency
            = static_cast<float>(1.0 / std::pow(shape.rope_theta, static_cast<double>(exponent)));
        for (std::int64_t position = 0; position < count; ++position) {
            const double angle = static_cast<float>(position) * frequency;
            const auto at = static_cast<std::size_t>(position * table.half + i);
            table.cosine[at] = static_cast<float>(std::cos(angle));
            table.sine[at] = static_cast<float>(std::sin(angle));
        }
    }
    return table;
}

} // namespace zen
