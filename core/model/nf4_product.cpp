#include "core/model/kernels.h"
#include "core/model/nf4.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

// C rows, O outputs, I inputs, W width of a tile

namespace {

/// Rows or columns of a float32 tile, one thread's.
constexpr std::int64_t kFloatTile = 64;

std::int64_t wholePanels(std::int64_t count, std::int64_t to)
{
    return (count + to - 1) / to * to;
}

/// Rows (or columns) of length `length` that make a bfloat16 tile.
std::int64_t tileWidth(std::int64_t length)
{
    return std::max<std::int64_t>(kNf4Block, kNf4Tile / length / kNf4Block * kNf4Block);
}

at::Tensor asBf16(const float* x, std::int64_t rows, std::int64_t columns)
{
    return at::from_blob(const_cast<float*>(x), { rows, columns }, at::kFloat).to(at::kBFloat16);
}

void putColumns(
    const at::Tensor& to_CN, std::int64_t first, const at::Tensor& product_CW, bool accumulate)
{
    at::Tensor columns = to_CN.narrow(1, first, product_CW.size(1));
    if (accumulate)
        columns.add_(product_CW);
    else
        columns.copy_(product_CW);
}

std::uint16_t* bitsOf(const at::Tensor& tile)
{
    return static_cast<std::uint16_t*>(tile.data_ptr());
}

void multiplyBf16(
    const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y, bool accumulate)
{
    const at::Tensor input_CI = asBf16(x, count, matrix.in);
    const at::Tensor output_CO = at::from_blob(y, { count, matrix.out }, at::kFloat);
    const std::int64_t width = std::min(matrix.out, tileWidth(matrix.in));
    const at::Tensor tile_WI = at::empty({ width, matrix.in }, at::kBFloat16);
    for (std::int64_t first = 0; first < matrix.out; first += width) {
        const std::int64_t some = std::min(width, matrix.out - first);
        parallelPieces(some, 16, [&](std::int64_t begin, std::int64_t end) {
            unpackNf4(matrix, (first + begin) * matrix.in, (end - begin) * matrix.in,
                bitsOf(tile_WI) + begin * matrix.in);
        });
        putColumns(output_CO, first, at::linear(input_CI, tile_WI.narrow(0, 0, some)), accumulate);
    }
}

/// Tiles of columns, so that each sum over the outputs is made by one product.
void multiplyBackBf16(
    const Nf4Matrix& matrix, const float* dy, std::int64_t count, float* dx, bool accumulate)
{
    const at::Tensor input_CO = asBf16(dy, count, matrix.out);
    const at::Tensor output_CI = at::from_blob(dx, { count, matrix.in }, at::kFloat);
    const std::int64_t width = std::min(matrix.in, tileWidth(matrix.out));
    for (std::int64_t first = 0; first < matrix.in; first += width) {
        const std::int64_t some = std::min(width, matrix.in - first);
        const at::Tensor tile_OW = at::empty({ matrix.out, some }, at::kBFloat16);
        parallelPieces(matrix.out, 64, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row)
                unpackNf4(matrix, row * matrix.in + first, some, bitsOf(tile_OW) + row * some);
        });
        putColumns(output_CI, first, at::mm(input_CO, tile_OW), accumulate);
    }
}

/// C [m, width] = a [m, k] b [k, width] (+ C), b cut into panels first; one thread.
void multiplyTile(std::int64_t m, std::int64_t width, std::int64_t k, const float* a,
    const StridedMatrix& b, float* c, std::int64_t c_stride, bool accumulate)
{
    const Kernels& run = kernels();
    Scratch scratch;
    float* panels = scratch.floats(wholePanels(width, run.panel) * k);
    run.pack(k, width, b, panels);
    run.multiply(
        m, width, k, { a, k, 1 }, { panels, run.panel, run.panel * k }, c, c_stride, accumulate);
}

void multiplyFloat(
    const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y, bool accumulate)
{
    parallelPieces(matrix.out, kFloatTile, [&](std::int64_t begin, std::int64_t end) {
        Scratch scratch;
        float* tile_WI = scratch.floats((end - begin) * matrix.in);
        unpackNf4(matrix, begin * matrix.in, (end - begin) * matrix.in, tile_WI);
        multiplyTile(count, end - begin, matrix.in, x, { tile_WI, 1, matrix.in }, y + begin,
            matrix.out, accumulate);
    });
}

void multiplyBackFloat(
    const Nf4Matrix& matrix, const float* dy, std::int64_t count, float* dx, bool accumulate)
{
    parallelPieces(matrix.in, kFloatTile, [&](std::int64_t begin, std::int64_t end) {
        const std::int64_t width = end - begin;
        Scratch scratch;
        float* tile_OW = scratch.floats(matrix.out * width);
        for (std::int64_t row = 0; row < matrix.out; ++row)
            unpackNf4(matrix, row * matrix.in + begin, width, tile_OW + row * width);
        multiplyTile(
            count, width, matrix.out, dy, { tile_OW, width, 1 }, dx + begin, matrix.in, accumulate);
    });
}

} // namespace

void multiplyNf4(
    const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y, bool accumulate)
{
    if (matrix.compute_type == at::kBFloat16)
        multiplyBf16(matrix, x, count, y, accumulate);
    else
        multiplyFloat(matrix, x, count, y, accumulate);
}

void multiplyNf4Back(
    const Nf4Matrix& matrix, const float* dy, std::int64_t count, float* dx, bool accumulate)
{
    if (matrix.compute_type == at::kBFloat16)
        multiplyBackBf16(matrix, dy, count, dx, accumulate);
    else
        multiplyBackFloat(matrix, dy, count, dx, accumulate);
}

void multiplyNf4Few(const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y)
{
    const Kernels& run = kernels();
    const std::int64_t in = matrix.in, row_blocks = in / kNf4Block;
    if (in % kNf4Block != 0) {
        parallelPieces(matrix.out, kFloatTile, [&](std::int64_t begin, std::int64_t end) {
            Scratch scratch;
            float* rows = scratch.floats((end - begin) * in);
            unpackNf4(matrix, begin * in, (end - begin) * in, rows);
            run.multiplyStored(count, end - begin, in, x, in, rows, y + begin, matrix.out);
        });
        return;
    }
    Scratch scratch;
    float* split = scratch.floats(count * in);
    run.splitPairs(x, count * in, split);
    parallelPieces(matrix.out, kFloatTile, [&](std::int64_t begin, std::int64_t end) {
        Scratch own;
        const std::int64_t blocks = (end - begin) * row_blocks;
        const float* scales = matrix.scalesOf(begin * row_blocks, blocks, own.floats(blocks));
        run.multiplyStoredNf4(count, end - begin, in, split, in,
            matrix.codes.data_ptr<std::uint8_t>() + begin * in / 2, scales, kNf4Values.data(),
            y + begin, matrix.out);
    });
}

} // namespace zen
