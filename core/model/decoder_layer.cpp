#include "core/model/decoder_layer.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace zen {

namespace {

/// How a pass cuts its tokens into pieces. float32: small pieces, each on one thread from the norm
/// to the residual, so that they stay in its cache. bfloat16 and packed: large ones in turn, as the
/// library's products use all threads themselves.
struct PieceCut {
    std::int64_t tokens;
    std::int64_t size;
    bool in_turn;

    PieceCut(std::int64_t count, bool large)
        : tokens(count)
        , size(large
                  ? kLayerPiece
                  : std::clamp<std::int64_t>((count / kGradientLanes + 7) / 8 * 8, 32, kFloatPiece))
        , in_turn(large)
    {
    }
    std::int64_t pieces() const { return (tokens + size - 1) / size; }
    std::int64_t begin(std::int64_t piece) const { return piece * size; }
    std::int64_t end(std::int64_t piece) const { return std::min(tokens, (piece + 1) * size); }
};

/// The seven projections of a layer, prepared for one direction.
class LayerProjections {
public:
    LayerProjections(const LayerCall& call, PreparedProjection::Use use,
        std::initializer_list<Projection> wanted)
    {
        for (const Projection projection : wanted) {
            const auto p = static_cast<std::size_t>(projection);
            LoraDropout dropout = call.dropout;
            dropout.key += static_cast<std::uint64_t>(
                               call.layer * kProjections + static_cast<std::int64_t>(p))
                << 40;
            m_prepared[p].emplace(call.weights->projections[p],
                call.pairs == nullptr ? LoraPair{} : call.pairs->projections[p], call.scale,
                dropout, use);
        }
    }
    const PreparedProjection& at(Projection projection) const
    {
        return *m_prepared[static_cast<std::size_t>(projection)];
    }

private:
    std::array<std::optional<PreparedProjection>, kProjections> m_prepared;
};

bool wantsLargePieces(const LayerCall& call)
{
    return !call.weights->projections[0].isFloat32();
}

template <class Piece> void forPieces(const PieceCut& cut, const Piece& piece)
{
    if (cut.in_turn) {
        for (std::int64_t i = 0; i < cut.pieces(); ++i)
            piece(i);
    } else {
        parallelFor(cut.pieces(), piece);
    }
}

constexpr std::int64_t kRowsAtOnce = 64;

void mlpForward(const LayerCall& call, const LayerProjections& projections,
    const LayerActivations& kept, std::int64_t begin, std::int64_t end, float* y)
{
    const std::int64_t d = call.batch->shape.hidden_size,
                       inner = call.batch->shape.intermediate_size;
    const std::int64_t count = end - begin;
    const float* middle = kept.middle_ND.data_ptr<float>() + begin * d;
    float* gate = kept.gate_NI.data_ptr<float>() + begin * inner;
    float* up = kept.up_NI.data_ptr<float>() + begin * inner;
    Scratch scratch;
    float* normed = scratch.floats(count * d);
    float* active = scratch.floats(count * inner);
    normRows(call, middle, call.weights->post_attention_norm_D, normed, count);
    projections.at(Projection::gate).apply(normed, count, gate, false, begin);
    projections.at(Projection::up).apply(normed, count, up, false, begin);
    forNumbers(count * inner, [&](std::int64_t from, std::int64_t to) {
        kernels().swiglu(gate + from, up + from, active + from, to - from);
    });
    std::memcpy(y, middle, static_cast<std::size_t>(count * d) * sizeof(float));
    projections.at(Projection::down).apply(active, count, y, true, begin);
}

ProjectionGradients gradientsOf(const GradientLayout& layout, Projection projection, float* lane)
{
    return gradientsAt(layout.projections[static_cast<std::size_t>(projection)], lane);
}

/// Backward from the layer's output to the attention's: d_middle gets the gradient after
/// attention's residual.
struct OuterBackward {
    const LayerCall& call;
    const LayerActivations& kept;
    const LayerProjections& projections;
    const GradientLayout& layout;
    const float* dy;
    float* d_middle;
    float* d_attention;

    void run(std::int64_t begin, std::int64_t end, float* lane) const
    {
        if (!call.weights->isSparse()) // else d_middle is there already
            runMlp(begin, end, lane);
        const Qwen3Shape& shape = call.batch->shape;
        const std::int64_t heads = shape.num_heads * shape.head_dim, count = end - begin;
        const float* d_middle_piece = d_middle + begin * shape.hidden_size;
        const float* attention = kept.attention_NHE.data_ptr<float>() + begin * heads;
        addGradients(Projection::o, attention, d_middle_piece, count, lane, begin);
        projections.at(Projection::o)
            .applyBackward(d_middle_piece, count, d_attention + begin * heads, false, begin);
    }

    void runMlp(std::int64_t begin, std::int64_t end, float* lane) const
    {
        const Qwen3Shape& shape = call.batch->shape;
        const std::int64_t d = shape.hidden_size, inner = shape.intermediate_size,
                           count = end - begin;
        const float* middle = kept.middle_ND.data_ptr<float>() + begin * d;
        const float* gate = kept.gate_NI.data_ptr<float>() + begin * inner;
        const float* up = kept.up_NI.data_ptr<float>() + begin * inner;
        const float* dy_piece = dy + begin * d;
        Scratch scratch;
        float* active = scratch.floats(count * inner);
        float* d_active = scratch.floats(count * inner);
        float* d_gate = scratch.floats(count * inner);
        float* d_up = scratch.floats(count * inner);
        float* normed = scratch.floats(count * d);
        float* d_normed = scratch.floats(count * d);
        projections.at(Projection::down).applyBackward(dy_piece, count, d_active, false, begin);
        forNumbers(count * inner, [&](std::int64_t from, std::int64_t to) {
            kernels().swiglu(gate + from, up + from, active + from, to - from);
            kernels().swigluBackward(
                gate + from, up + from, d_active + from, d_gate + from, d_up + from, to - from);
        });
        normRows(call, middle, call.weights->post_attention_norm_D, normed, count);
        addGradients(Projection::down, active, dy_piece, count, lane, begin);
        addGradients(Projection::gate, normed, d_gate, count, lane, begin);
        addGradients(Projection::up, normed, d_up, count, lane, begin);
        projections.at(Projection::gate).applyBackward(d_gate, count, d_normed, false, begin);
        projections.at(Projection::up).applyBackward(d_up, count, d_normed, true, begin);
        float* d_middle_piece = d_middle + begin * d;
        std::memcpy(d_middle_piece, dy_piece, static_cast<std::size_t>(count * d) * sizeof(float));
        normRowsBackward(call, middle, call.weights->post_attention_norm_D, d_normed,
            d_middle_piece, gradientAt(layout.post_attention_norm, lane), count);
    }

    void addGradients(Projection projection, const float* x, const float* d_out, std::int64_t count,
        float* lane, std::int64_t begin) const
    {
        projections.at(projection)
            .addGradients(x, d_out, count, gradientsOf(layout, projection, lane), begin);
    }
};

/// Backward from q, k and v to the layer's input; dx holds the residual's gradient already.
struct InnerBackward {
    const LayerCall& call;
    const LayerActivations& kept;
    const LayerProjections& projections;
    const GradientLayout& layout;
    const float *dq, *dk, *dv;
    float* dx;

    void run(std::int64_t begin, std::int64_t end, float* lane) const
    {
        const std::int64_t d = call.batch->shape.hidden_size, count = end - begin;
        const float* x = kept.x_ND.data_ptr<float>() + begin * d;
        Scratch scratch;
        float* normed = scratch.floats(count * d);
        float* d_normed = scratch.floats(count * d);
        normRows(call, x, call.weights->input_norm_D, normed, count);
        const std::array<std::pair<Projection, const float*>, 3> parts
            = { { { Projection::q, dq }, { Projection::k, dk }, { Projection::v, dv } } };
        for (const auto& [projection, d_out] : parts) {
            const PreparedProjection& prepared = projections.at(projection);
            const float* piece = d_out + begin * prepared.out();
            prepared.addGradients(
                normed, piece, count, gradientsOf(layout, projection, lane), begin);
            prepared.applyBackward(piece, count, d_normed, projection != Projection::q, begin);
        }
        normRowsBackward(call, x, call.weights->input_norm_D, d_normed, dx + begin * d,
            gradientAt(layout.input_norm, lane), count);
    }
};

/// Runs `piece(begin, end, lane)` over all tokens. Each lane has its own sums and takes its pieces
/// in order; the number of lanes depends on the batch alone. Adds the lanes, in order, to `total`.
template <class Piece>
void forLanes(const PieceCut& cut, std::int64_t most_lanes, const GradientLayout& layout,
    at::Tensor& total, const Piece& piece)
{
    const std::int64_t lanes = cut.in_turn ? 1 : std::min(cut.pieces(), most_lanes);
    at::Tensor sums = at::zeros({ lanes, layout.in_lanes }, at::kFloat);
    float* all = sums.data_ptr<float>();
    const auto run = [&](std::int64_t lane) {
        for (std::int64_t i = cut.pieces() * lane / lanes; i < cut.pieces() * (lane + 1) / lanes;
             ++i)
            piece(cut.begin(i), cut.end(i), all + lane * layout.in_lanes);
    };
    parallelFor(lanes, run); // a single lane leaves the threads to the products inside
    float* into = total.data_ptr<float>();
    forNumbers(layout.in_lanes, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t lane = 0; lane < lanes; ++lane)
            kernels().addScaled(
                1.0f, all + lane * layout.in_lanes + begin, into + begin, end - begin);
    });
}

/// The projections behind attention: those of a sparse layer's MLP are its experts'.
LayerProjections outerProjections(const LayerCall& call, PreparedProjection::Use use)
{
    if (call.weights->isSparse())
        return { call, use, { Projection::o } };
    return { call, use, { Projection::o, Projection::gate, Projection::up, Projection::down } };
}

/// Padding attends to nothing.
void zeroPadding(const LayerCall& call, at::Tensor& tensor)
{
    const PackedRows& packed = call.batch->packed;
    if (packed.tokens > packed.real_tokens)
        tensor.narrow(0, packed.real_tokens, packed.tokens - packed.real_tokens).zero_();
}

} // namespace

void normRows(
    const LayerCall& call, const float* x, const at::Tensor& weight_D, float* y, std::int64_t count)
{
    const std::int64_t d = call.batch->shape.hidden_size;
    const auto eps = static_cast<float>(call.batch->shape.rms_norm_eps);
    parallelPieces(count, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
        kernels().rmsNorm(
            x + begin * d, weight_D.data_ptr<float>(), y + begin * d, end - begin, d, eps);
    });
}

void normRowsBackward(const LayerCall& call, const float* x, const at::Tensor& weight_D,
    const float* dy, float* dx, float* weight_gradient, std::int64_t count)
{
    const std::int64_t d = call.batch->shape.hidden_size;
    const auto eps = static_cast<float>(call.batch->shape.rms_norm_eps);
    // in parallel only when no weight's gradient is summed over the rows
    parallelPieces(count,
        weight_gradient == nullptr ? kRowsAtOnce : std::max<std::int64_t>(count, 1),
        [&](std::int64_t begin, std::int64_t end) {
            kernels().rmsNormBackward(x + begin * d, weight_D.data_ptr<float>(), dy + begin * d,
                dx + begin * d, weight_gradient, end - begin, d, eps);
        });
}

at::Tensor layerForward(const LayerCall& call, const at::Tensor& x_ND, LayerActivations& kept)
{
    const Qwen3Shape& shape = call.batch->shape;
    const std::int64_t n = x_ND.size(0), d = shape.hidden_size;
    const auto floats = [&](std::int64_t width) { return at::empty({ n, width }, at::kFloat); };
    kept.x_ND = x_ND;
    kept.q_NHE = floats(shape.num_heads * shape.head_dim);
    kept.k_NKE = floats(shape.num_kv_heads * shape.head_dim);
    kept.v_NKE = floats(shape.num_kv_heads * shape.head_dim);
    kept.attention_NHE = floats(shape.num_heads * shape.head_dim);
    kept.log_sums_NH = floats(shape.num_heads);
    kept.middle_ND = floats(d);
    const bool sparse = call.weights->isSparse();
    if (!sparse) {
        kept.gate_NI = floats(shape.intermediate_size);
        kept.up_NI = floats(shape.intermediate_size);
    }
    at::Tensor y_ND = floats(d);
    const PieceCut cut(n, wantsLargePieces(call));
    const float* x = x_ND.data_ptr<float>();
    using Use = PreparedProjection::Use;
    {
        const LayerProjections projections(
            call, Use::forward, { Projection::q, Projection::k, Projection::v });
        forPieces(cut, [&](std::int64_t piece) {
            const std::int64_t begin = cut.begin(piece), count = cut.end(piece) - begin;
            Scratch scratch;
            float* normed = scratch.floats(count * d);
            normRows(call, x + begin * d, call.weights->input_norm_D, normed, count);
            for (const auto& [projection, to] : { std::pair{ Projection::q, &kept.q_NHE },
                     { Projection::k, &kept.k_NKE }, { Projection::v, &kept.v_NKE } })
                projections.at(projection)
                    .apply(
                        normed, count, to->data_ptr<float>() + begin * to->size(1), false, begin);
        });
    }
    zeroPadding(call, kept.attention_NHE);
    attentionForward(call, kept);
    const LayerProjections projections = outerProjections(call, Use::forward);
    forPieces(cut, [&](std::int64_t piece) {
        const std::int64_t begin = cut.begin(piece), end = cut.end(piece);
        float* middle = kept.middle_ND.data_ptr<float>() + begin * d;
        std::memcpy(
            middle, x + begin * d, static_cast<std::size_t>((end - begin) * d) * sizeof(float));
        projections.at(Projection::o)
            .apply(kept.attention_NHE.data_ptr<float>() + begin * kept.attention_NHE.size(1),
                end - begin, middle, true, begin);
        if (!sparse)
            mlpForward(call, projections, kept, begin, end, y_ND.data_ptr<float>() + begin * d);
    });
    if (sparse)
        sparseMlpForward(call, kept, y_ND.data_ptr<float>());
    return y_ND;
}

ProjectionGradients gradientsAt(const ProjectionPlaces& places, float* sums)
{
    return { gradientAt(places.weight, sums), gradientAt(places.a, sums),
        gradientAt(places.b, sums) };
}

GradientLayout gradientLayout(const LayerCall& call)
{
    GradientLayout layout;
    const auto place = [&](const at::Tensor& parameter) {
        if (!parameter.defined() || !parameter.requires_grad())
            return std::int64_t{ -1 };
        const std::int64_t offset = layout.total;
        layout.total += parameter.numel();
        layout.parameters.emplace_back(parameter, offset);
        return offset;
    };
    const auto placeAll = [&](const WeightMatrix& weight, const LoraPair& pair) {
        ProjectionPlaces places;
        places.weight = place(weight.dense_OI);
        places.a = place(pair.a_RI);
        places.b = place(pair.b_OR);
        return places;
    };
    const LayerWeights& weights = *call.weights;
    for (std::size_t p = 0; p < kProjections; ++p)
        layout.projections[p] = placeAll(weights.projections[p],
            call.pairs == nullptr ? LoraPair{} : call.pairs->projections[p]);
    layout.input_norm = place(weights.input_norm_D);
    layout.post_attention_norm = place(weights.post_attention_norm_D);
    layout.q_norm = place(weights.q_norm_E);
    layout.k_norm = place(weights.k_norm_E);
    layout.in_lanes = layout.total;
    layout.router = place(weights.router_XD);
    const bool with_pairs = call.pairs != nullptr && !call.pairs->experts.empty();
    if (!with_pairs && layout.router < 0)
        return layout;
    layout.experts.resize(weights.experts.size());
    for (std::size_t expert = 0; expert < weights.experts.size(); ++expert) {
        for (std::size_t p = 0; p < kExpertProjections; ++p)
            layout.experts[expert][p] = placeAll(weights.experts[expert][p],
                with_pairs ? call.pairs->experts[expert][p] : LoraPair{});
    }
    return layout;
}

at::Tensor layerBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& dy_ND, const at::Tensor& d_probability_X, const GradientLayout& layout,
    at::Tensor& gradients)
{
    const bool full = layout.projections[0].weight >= 0;
    const std::int64_t most_lanes = full ? kGradientLanesOfWeights : kGradientLanes;
    const PieceCut cut(dy_ND.size(0), wantsLargePieces(call));
    using Use = PreparedProjection::Use;
    gradients = at::zeros({ layout.total }, at::kFloat);
    at::Tensor d_middle_ND = at::empty_like(dy_ND);
    at::Tensor d_attention_NHE = at::empty_like(kept.attention_NHE);
    if (call.weights->isSparse())
        sparseMlpBackward(call, kept, dy_ND.data_ptr<float>(),
            d_probability_X.defined() ? d_probability_X.data_ptr<float>() : nullptr, layout,
            gradients.data_ptr<float>(), d_middle_ND.data_ptr<float>());
    {
        const LayerProjections projections = outerProjections(call, Use::backward);
        const OuterBackward outer = { call, kept, projections, layout, dy_ND.data_ptr<float>(),
            d_middle_ND.data_ptr<float>(), d_attention_NHE.data_ptr<float>() };
        forLanes(cut, most_lanes, layout, gradients,
            [&](std::int64_t begin, std::int64_t end, float* lane) {
                outer.run(begin, end, lane);
            });
    }
    at::Tensor dq = at::empty_like(kept.q_NHE), dk = at::empty_like(kept.k_NKE),
               dv = at::empty_like(kept.v_NKE);
    float* flat = gradients.data_ptr<float>();
    for (at::Tensor* gradient : { &dq, &dk, &dv })
        zeroPadding(call, *gradient);
    attentionBackward(call, kept, d_attention_NHE, dq, dk, dv, gradientAt(layout.q_norm, flat),
        gradientAt(layout.k_norm, flat));
    const LayerProjections projections(
        call, Use::backward, { Projection::q, Projection::k, Projection::v });
    const InnerBackward inner = { call, kept, projections, layout, dq.data_ptr<float>(),
        dk.data_ptr<float>(), dv.data_ptr<float>(), d_middle_ND.data_ptr<float>() };
    forLanes(cut, most_lanes, layout, gradients,
        [&](std::int64_t begin, std::int64_t end, float* lane) { inner.run(begin, end, lane); });
    return d_middle_ND;
}

} // namespace zen
