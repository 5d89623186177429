#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/rollout/decoder.h"

#include <ATen/ATen.h>

namespace zen {

namespace {

constexpr std::int64_t kFewRows
    = 16; // up to here reading each weight once beats the library's blocked product

} // namespace

DecodeMatrix::DecodeMatrix(
    const WeightMatrix& weight, const LoraPair& pair, double scale, bool in_panels)
    : m_weight(weight)
    , m_scale(static_cast<float>(scale))
{
    if (!weight.packed)
        m_weight.dense_OI = weight.dense_OI.detach();
    if (in_panels) {
        m_panels = std::make_shared<PreparedProjection>(
            m_weight, pair, scale, LoraDropout{}, PreparedProjection::Use::forward);
    } else if (pair.a_RI.defined()) {
        m_a_RI = pair.a_RI.detach();
        m_b_OR = pair.b_OR.detach();
    }
}

void DecodeMatrix::applyStored(const float* x, std::int64_t rows, float* y) const
{
    if (m_weight.packed)
        return multiplyNf4Few(*m_weight.packed, x, rows, y);
    const Kernels& run = kernels();
    const std::int64_t in = m_weight.in(), all = out();
    const bool bf16 = !m_weight.isFloat32();
    parallelPieces(all, 64, [&](std::int64_t begin, std::int64_t end) {
        if (bf16)
            run.multiplyStoredBf16(rows, end - begin, in, x, in,
                static_cast<const std::uint16_t*>(m_weight.dense_OI.data_ptr()) + begin * in,
                y + begin, all);
        else
            run.multiplyStored(rows, end - begin, in, x, in,
                m_weight.dense_OI.data_ptr<float>() + begin * in, y + begin, all);
    });
}

void DecodeMatrix::applyLibrary(const float* x, std::int64_t rows, float* y) const
{
    if (m_weight.packed)
        return multiplyNf4(*m_weight.packed, x, rows, y, false);
    const at::Tensor& weight_OI = m_weight.dense_OI;
    const at::Tensor input
        = at::from_blob(const_cast<float*>(x), { rows, m_weight.in() }, at::kFloat);
    at::from_blob(y, { rows, out() }, at::kFloat)
        .copy_(at::linear(input.to(weight_OI.scalar_type()), weight_OI));
}

void DecodeMatrix::apply(const float* x, std::int64_t rows, float* y, bool accumulate) const
{
    if (m_panels)
        return m_panels->apply(x, rows, y, accumulate, 0);
    const Kernels& run = kernels();
    const std::int64_t in = m_weight.in(), all = out();
    Scratch scratch;
    float* product = accumulate ? scratch.floats(rows * all) : y;
    if (rows <= kFewRows)
        applyStored(x, rows, product);
    else
        applyLibrary(x, rows, product);
    if (m_a_RI.defined()) {
        const std::int64_t rank = m_a_RI.size(0);
        float* u = scratch.floats(rows * rank);
        run.multiplyStored(rows, rank, in, x, in, m_a_RI.data_ptr<float>(), u, rank);
        float* pair = scratch.floats(rows * all);
        parallelPieces(all, 256, [&](std::int64_t begin, std::int64_t end) {
            run.multiplyStored(rows, end - begin, rank, u, rank,
                m_b_OR.data_ptr<float>() + begin * rank, pair + begin, all);
        });
        run.addScaled(m_scale, pair, product, rows * all);
    }
    if (accumulate)
        run.addScaled(1.0f, product, y, rows * all);
}

} // namespace zen
