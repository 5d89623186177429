#include "core/model/nf4.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zen {

const std::array<float, 16> kNf4Values = { -1.0f, -0.6961928009986877f, -0.5250730514526367f,
    -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f,
    0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f };

namespace {

/// Blocks that one thread packs or unpacks in turn.
constexpr std::int64_t kBlocksAtOnce = 1024;

/// The number of the nearest entry of an ascending map.
std::uint8_t nearest(const float* values, float x)
{
    const float* above = std::lower_bound(values, values + 256, x);
    if (above == values)
        return 0;
    if (above == values + 256)
        return 255;
    return static_cast<std::uint8_t>((*above - x < x - above[-1] ? above : above - 1) - values);
}

/// Scales to 8 bits around their mean, 256 at a time.
void nestScales(Nf4Matrix& matrix, const at::Tensor& scales)
{
    const std::int64_t count = scales.numel();
    matrix.nested_offset = scales.mean().item<float>();
    matrix.nested_values = dynamicMap();
    matrix.scales = at::empty({ count }, at::kByte);
    matrix.nested_scales
        = at::empty({ (count + kNf4NestedBlock - 1) / kNf4NestedBlock }, at::kFloat);
    const float* from = scales.data_ptr<float>();
    const float* values = matrix.nested_values.data_ptr<float>();
    auto* to = matrix.scales.data_ptr<std::uint8_t>();
    float* nested = matrix.nested_scales.data_ptr<float>();
    for (std::int64_t begin = 0; begin < count; begin += kNf4NestedBlock) {
        const std::int64_t end = std::min(count, begin + kNf4NestedBlock);
        float most = 0;
        for (std::int64_t i = begin; i < end; ++i)
            most = std::max(most, std::abs(from[i] - matrix.nested_offset));
        nested[begin / kNf4NestedBlock] = most;
        const float inverse = most > 0 ? 1.0f / most : 0.0f;
        for (std::int64_t i = begin; i < end; ++i)
            to[i] = nearest(values, (from[i] - matrix.nested_offset) * inverse);
    }
}

float valueAt(const Nf4Matrix& matrix, std::int64_t index, const float* scale)
{
    const std::uint8_t pair = matrix.codes.data_ptr<std::uint8_t>()[index / 2];
    return kNf4Values[index % 2 == 0 ? pair >> 4 : pair & 15] * *scale;
}

float valueAt(const Nf4Matrix& matrix, std::int64_t index)
{
    float buffer = 0;
    return valueAt(matrix, index, matrix.scalesOf(index / kNf4Block, 1, &buffer));
}

void put(float value, float* to)
{
    *to = value;
}

void put(float value, std::uint16_t* to)
{
    const at::BFloat16 rounded(value);
    *to = rounded.x;
}

void unpackBlocks(const std::uint8_t* codes, const float* scales, std::int64_t count, float* to)
{
    kernels().unpackNf4(codes, scales, kNf4Values.data(), count, to);
}

void unpackBlocks(
    const std::uint8_t* codes, const float* scales, std::int64_t count, std::uint16_t* to)
{
    kernels().unpackNf4Bf16(codes, scales, kNf4Values.data(), count, to);
}

template <class Number>
void unpackRange(const Nf4Matrix& matrix, std::int64_t first, std::int64_t count, Number* to)
{
    const std::int64_t end = first + count;
    std::int64_t at = first;
    for (; at < end && at % kNf4Block != 0; ++at)
        put(valueAt(matrix, at), to + (at - first));
    std::array<float, 64> buffer{};
    const auto* codes = matrix.codes.data_ptr<std::uint8_t>();
    while (end - at >= kNf4Block) {
        const std::int64_t blocks = std::min<std::int64_t>((end - at) / kNf4Block, buffer.size());
        const float* scales = matrix.scalesOf(at / kNf4Block, blocks, buffer.data());
        unpackBlocks(codes + at / 2, scales, blocks * kNf4Block, to + (at - first));
        at += blocks * kNf4Block;
    }
    for (; at < end; ++at)
        put(valueAt(matrix, at), to + (at - first));
}

} // namespace

std::uint64_t Nf4Matrix::bytes() const
{
    return codes.nbytes() + scales.nbytes()
        + (nested_scales.defined() ? nested_scales.nbytes() : 0);
}

const float* Nf4Matrix::scalesOf(std::int64_t first, std::int64_t count, float* buffer) const
{
    if (!nested_scales.defined())
        return scales.data_ptr<float>() + first;
    const auto* from = scales.data_ptr<std::uint8_t>() + first;
    const float* nested = nested_scales.data_ptr<float>();
    const float* values = nested_values.data_ptr<float>();
    for (std::int64_t i = 0; i < count; ++i) {
        const float product = values[from[i]] * nested[(first + i) / kNf4NestedBlock];
        buffer[i] = product + nested_offset;
    }
    return buffer;
}

Nf4Packer::Nf4Packer(std::int64_t out, std::int64_t in, const Nf4Options& options)
    : m_double(options.double_quantization)
{
    m_matrix.out = out;
    m_matrix.in = in;
    m_matrix.compute_type = options.compute_type;
    m_matrix.codes = at::empty({ (out * in + 1) / 2 }, at::kByte);
    m_scales = at::empty({ m_matrix.blocks() }, at::kFloat);
}

void Nf4Packer::add(const float* values, std::int64_t count)
{
    TORCH_CHECK(m_added % kNf4Block == 0 && m_added + count <= m_matrix.size(),
        "NF4: a piece that does not begin with a block");
    auto* codes = m_matrix.codes.data_ptr<std::uint8_t>() + m_added / 2;
    float* scales = m_scales.data_ptr<float>() + m_added / kNf4Block;
    parallelPieces(count, kBlocksAtOnce * kNf4Block, [&](std::int64_t begin, std::int64_t end) {
        kernels().packNf4(
            values + begin, end - begin, codes + begin / 2, scales + begin / kNf4Block);
    });
    m_added += count;
}

std::shared_ptr<const Nf4Matrix> Nf4Packer::finish()
{
    TORCH_CHECK(m_added == m_matrix.size(), "NF4: a matrix with a part missing");
    if (m_double)
        nestScales(m_matrix, m_scales);
    else
        m_matrix.scales = m_scales;
    m_scales = at::Tensor();
    return std::make_shared<const Nf4Matrix>(std::move(m_matrix));
}

std::shared_ptr<const Nf4Matrix> packNf4(const at::Tensor& weight_OI, const Nf4Options& options)
{
    const c10::AutoGradMode off(false);
    const at::Tensor numbers = weight_OI.detach().to(at::kFloat).contiguous();
    Nf4Packer packer(numbers.size(0), numbers.size(1), options);
    packer.add(numbers.data_ptr<float>(), numbers.numel());
    return packer.finish();
}

at::Tensor unpackNf4(const Nf4Matrix& matrix)
{
    at::Tensor numbers_OI = at::empty({ matrix.out, matrix.in }, at::kFloat);
    float* to = numbers_OI.data_ptr<float>();
    parallelPieces(
        matrix.size(), kBlocksAtOnce * kNf4Block, [&](std::int64_t begin, std::int64_t end) {
            unpackRange(matrix, begin, end - begin, to + begin);
        });
    return numbers_OI;
}

void unpackNf4(const Nf4Matrix& matrix, std::int64_t first, std::int64_t count, float* to)
{
    unpackRange(matrix, first, count, to);
}

void unpackNf4(const Nf4Matrix& matrix, std::int64_t first, std::int64_t count, std::uint16_t* to)
{
    unpackRange(matrix, first, count, to);
}

/// Seven decades from 1e-6 to 1, each with twice as many steps as the one below; 0 and 1 besides.
/// Computed in float32 as bitsandbytes does.
at::Tensor dynamicMap()
{
    std::vector<at::Tensor> parts = { at::tensor({ 0.0f, 1.0f }) };
    for (int decade = 0; decade < 7; ++decade) {
        const std::int64_t steps = std::int64_t{ 1 } << decade;
        const at::Tensor bounds = at::linspace(0.1, 1.0, steps + 1, at::kFloat);
        const at::Tensor middles = (bounds.narrow(0, 0, steps) + bounds.narrow(0, 1, steps)) / 2.0
            * std::pow(10.0, decade - 6);
        parts.insert(parts.end(), { middles, -middles });
    }
    return std::get<0>(at::cat(parts).sort());
}

} // namespace zen
