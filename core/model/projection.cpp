#include "core/model/projection.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"

#include <ATen/ATen.h>

#include <cstring>

namespace zen {

namespace {

std::int64_t roundedUp(std::int64_t count, std::int64_t to)
{
    return (count + to - 1) / to * to;
}

/// Panels of B [K, N], laid out in parallel. `b` gives B's elements.
at::Tensor panelsOf(std::int64_t k, std::int64_t n, const StridedMatrix& b)
{
    const Kernels& run = kernels();
    at::Tensor panels = at::empty({ roundedUp(n, run.panel) * k }, at::kFloat);
    float* to = panels.data_ptr<float>();
    parallelPieces(n, 4 * run.panel, [&](std::int64_t begin, std::int64_t end) {
        run.pack(k, end - begin,
            { b.data + begin * b.column_stride, b.row_stride, b.column_stride }, to + begin * k);
    });
    return panels;
}

/// W + scale B A, in float32.
at::Tensor mergedWeight(const at::Tensor& weight_OI, const LoraPair& pair, float scale)
{
    const Kernels& run = kernels();
    const std::int64_t out = weight_OI.size(0), in = weight_OI.size(1), rank = pair.a_RI.size(0);
    at::Tensor merged = at::empty({ out, in }, at::kFloat);
    const float* w = weight_OI.data_ptr<float>();
    const float* a = pair.a_RI.data_ptr<float>();
    const float* b = pair.b_OR.data_ptr<float>();
    float* to = merged.data_ptr<float>();
    const at::Tensor a_panels = panelsOf(rank, in, { a, in, 1 });
    const PanelMatrix right = { a_panels.data_ptr<float>(), run.panel, run.panel * rank };
    parallelPieces(out, 64, [&](std::int64_t begin, std::int64_t end) {
        run.multiply(end - begin, in, rank, { b + begin * rank, rank, 1 }, right, to + begin * in,
            in, false);
        for (std::int64_t i = begin * in; i < end * in; ++i)
            to[i] = w[i] + scale * to[i];
    });
    return merged;
}

/// A 64-bit mix whose output bits are all independent of small changes of the input (Steele et al.,
/// SplitMix64).
std::uint64_t mixBits(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// C = A B (+ C) with ready panels. Splits the columns of C over the threads unless already inside.
void multiplyPanels(std::int64_t m, std::int64_t n, std::int64_t k, const StridedMatrix& a,
    const PanelMatrix& b, float* c, std::int64_t c_stride, bool accumulate)
{
    const Kernels& run = kernels();
    parallelPieces(
        n, isInParallel() ? n : 4 * run.panel, [&](std::int64_t begin, std::int64_t end) {
            run.multiply(m, end - begin, k, a,
                { b.data + begin / run.panel * b.panel_stride, b.row_stride, b.panel_stride },
                c + begin, c_stride, accumulate);
        });
}

/// C = A B (+ C), with B cut into panels on the spot. Splits the rows of C over the threads unless
/// already inside.
void multiplyPlain(std::int64_t m, std::int64_t n, std::int64_t k, const StridedMatrix& a,
    const StridedMatrix& b, float* c, std::int64_t c_stride, bool accumulate)
{
    const Kernels& run = kernels();
    Scratch scratch;
    float* panels = scratch.floats(roundedUp(n, run.panel) * k);
    run.pack(k, n, b, panels);
    const PanelMatrix right = { panels, run.panel, run.panel * k };
    parallelPieces(m, m > 256 ? 64 : 16, [&](std::int64_t begin, std::int64_t end) {
        run.multiply(end - begin, n, k,
            { a.data + begin * a.row_stride, a.row_stride, a.column_stride }, right,
            c + begin * c_stride, c_stride, accumulate);
    });
}

} // namespace

ProjectionSize sizeOf(const Qwen3Shape& shape, Projection projection)
{
    const std::int64_t d = shape.hidden_size, e = shape.head_dim, i = shape.intermediate_size;
    switch (projection) {
    case Projection::q:
        return { d, shape.num_heads * e };
    case Projection::k:
    case Projection::v:
        return { d, shape.num_kv_heads * e };
    case Projection::o:
        return { shape.num_heads * e, d };
    case Projection::gate:
    case Projection::up:
        return { d, i };
    case Projection::down:
        return { i, d };
    }
    return {};
}

ProjectionSize expertSizeOf(const Qwen3Shape& shape, Projection projection)
{
    if (projection == Projection::down)
        return { shape.moe_intermediate_size, shape.hidden_size };
    return { shape.hidden_size, shape.moe_intermediate_size };
}

PreparedProjection::PreparedProjection(
    const WeightMatrix& matrix, const LoraPair& pair, double scale, LoraDropout dropout, Use use)
    : m_in(matrix.in())
    , m_out(matrix.out())
    , m_scale(static_cast<float>(scale))
    , m_dropout(dropout)
{
    if (pair.a_RI.defined()) {
        m_a_RI = pair.a_RI.detach();
        m_b_OR = pair.b_OR.detach();
        m_rank = m_a_RI.size(0);
    }
    if (!matrix.isFloat32()) {
        m_weight = matrix;
        return;
    }
    at::Tensor weight = matrix.dense_OI.detach();
    if (m_rank > 0 && m_dropout.probability == 0) {
        weight = mergedWeight(weight, { m_a_RI, m_b_OR }, m_scale);
        m_is_merged = true;
    }
    const float* w = weight.data_ptr<float>();
    m_panels = use == Use::forward ? panelsOf(m_in, m_out, { w, 1, m_in })
                                   : panelsOf(m_out, m_in, { w, m_in, 1 });
}

void PreparedProjection::applyBf16(
    const at::Tensor& weight, const float* x, std::int64_t count, float* y, bool accumulate) const
{
    const at::Tensor input
        = at::from_blob(const_cast<float*>(x), { count, weight.size(1) }, at::kFloat);
    const at::Tensor output = at::from_blob(y, { count, weight.size(0) }, at::kFloat);
    const at::Tensor product = at::linear(input.to(at::kBFloat16), weight);
    if (accumulate)
        output.add_(product);
    else
        output.copy_(product);
}

void PreparedProjection::dropOut(float* x, std::int64_t count, std::int64_t first_token) const
{
    const double keep = 1.0 - m_dropout.probability;
    const auto threshold = static_cast<std::uint64_t>(keep * 4294967296.0);
    const auto factor = static_cast<float>(1.0 / keep);
    parallelPieces(count, 64, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t token = begin; token < end; ++token) {
            const std::uint64_t row
                = m_dropout.placeOf(first_token + token) * static_cast<std::uint64_t>(m_in);
            float* numbers = x + token * m_in;
            for (std::int64_t i = 0; i < m_in; ++i) {
                const std::uint64_t place = row + static_cast<std::uint64_t>(i);
                numbers[i] = (mixBits(m_dropout.key ^ mixBits(place)) >> 32) < threshold
                    ? numbers[i] * factor
                    : 0.0f;
            }
        }
    });
}

const float* PreparedProjection::pairInput(
    const float* x, std::int64_t count, float* copy, std::int64_t first_token) const
{
    if (m_dropout.probability == 0)
        return x;
    std::memcpy(copy, x, static_cast<std::size_t>(count * m_in) * sizeof(float));
    dropOut(copy, count, first_token);
    return copy;
}

void PreparedProjection::apply(
    const float* x, std::int64_t count, float* y, bool accumulate, std::int64_t first_token) const
{
    const Kernels& run = kernels();
    if (m_weight.packed)
        multiplyNf4(*m_weight.packed, x, count, y, accumulate);
    else if (m_weight.dense_OI.defined())
        applyBf16(m_weight.dense_OI, x, count, y, accumulate);
    else
        multiplyPanels(count, m_out, m_in, { x, m_in, 1 },
            { m_panels.data_ptr<float>(), run.panel, run.panel * m_in }, y, m_out, accumulate);
    if (m_rank == 0 || m_is_merged)
        return;
    Scratch scratch;
    const float* input = pairInput(
        x, count, m_dropout.probability == 0 ? nullptr : scratch.floats(count * m_in), first_token);
    float* u_CR = scratch.floats(count * m_rank);
    const float* a = m_a_RI.data_ptr<float>();
    multiplyPlain(count, m_rank, m_in, { input, m_in, 1 }, { a, 1, m_in }, u_CR, m_rank, false);
    for (std::int64_t i = 0; i < count * m_rank; ++i)
        u_CR[i] *= m_scale;
    multiplyPlain(count, m_out, m_rank, { u_CR, m_rank, 1 },
        { m_b_OR.data_ptr<float>(), 1, m_rank }, y, m_out, true);
}

void PreparedProjection::applyBackward(
    const float* dy, std::int64_t count, float* dx, bool accumulate, std::int64_t first_token) const
{
    const Kernels& run = kernels();
    if (m_weight.packed)
        multiplyNf4Back(*m_weight.packed, dy, count, dx, accumulate);
    else if (m_weight.dense_OI.defined())
        applyBf16(m_weight.dense_OI.t(), dy, count, dx, accumulate);
    else
        multiplyPanels(count, m_in, m_out, { dy, m_out, 1 },
            { m_panels.data_ptr<float>(), run.panel, run.panel * m_out }, dx, m_in, accumulate);
    if (m_rank == 0 || m_is_merged)
        return;
    Scratch scratch;
    float* du_CR = scratch.floats(count * m_rank);
    multiplyPlain(count, m_rank, m_out, { dy, m_out, 1 }, { m_b_OR.data_ptr<float>(), m_rank, 1 },
        du_CR, m_rank, false);
    for (std::int64_t i = 0; i < count * m_rank; ++i)
        du_CR[i] *= m_scale;
    const StridedMatrix a = { m_a_RI.data_ptr<float>(), m_in, 1 };
    if (m_dropout.probability == 0)
        return multiplyPlain(count, m_in, m_rank, { du_CR, m_rank, 1 }, a, dx, m_in, true);
    float* through = scratch.floats(count * m_in);
    multiplyPlain(count, m_in, m_rank, { du_CR, m_rank, 1 }, a, through, m_in, false);
    dropOut(through, count, first_token);
    run.addScaled(1.0f, through, dx, count * m_in);
}

void PreparedProjection::addGradients(const float* x, const float* dy, std::int64_t count,
    const ProjectionGradients& into, std::int64_t first_token) const
{
    if (into.weight_OI != nullptr)
        multiplyPlain(
            m_out, m_in, count, { dy, 1, m_out }, { x, m_in, 1 }, into.weight_OI, m_in, true);
    if (m_rank == 0 || into.a_RI == nullptr)
        return;
    Scratch scratch;
    const float* input = pairInput(
        x, count, m_dropout.probability == 0 ? nullptr : scratch.floats(count * m_in), first_token);
    const float* a = m_a_RI.data_ptr<float>();
    const float* b = m_b_OR.data_ptr<float>();
    float* u_CR = scratch.floats(count * m_rank);
    float* du_CR = scratch.floats(count * m_rank);
    multiplyPlain(count, m_rank, m_in, { input, m_in, 1 }, { a, 1, m_in }, u_CR, m_rank, false);
    multiplyPlain(count, m_rank, m_out, { dy, m_out, 1 }, { b, m_rank, 1 }, du_CR, m_rank, false);
    for (std::int64_t i = 0; i < count * m_rank; ++i) {
        u_CR[i] *= m_scale;
        du_CR[i] *= m_scale;
    }
    multiplyPlain(
        m_out, m_rank, count, { dy, 1, m_out }, { u_CR, m_rank, 1 }, into.b_OR, m_rank, true);
    multiplyPlain(
        m_rank, m_in, count, { du_CR, 1, m_rank }, { input, m_in, 1 }, into.a_RI, m_in, true);
}

} // namespace zen
