#include "core/model/decoder_layer.h"
#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace zen {

// N tokens, D hidden size, I an expert's size, X experts, S slots (tokens times experts a token)

// The experts of a layer run one after the other, each on the tokens that were sent to it, gathered
// into a matrix of their own. Every product uses all threads, so that no sum depends on their
// number.

namespace {

/// Gate, up and down of one expert, prepared for one direction.
struct ExpertProjections {
    PreparedProjection gate, up, down;

    ExpertProjections(const LayerCall& call, const Routing& routing, std::size_t expert,
        PreparedProjection::Use use)
        : gate(prepared(call, routing, expert, 0, use))
        , up(prepared(call, routing, expert, 1, use))
        , down(prepared(call, routing, expert, 2, use))
    {
    }

private:
    static PreparedProjection prepared(const LayerCall& call, const Routing& routing,
        std::size_t expert, std::size_t projection, PreparedProjection::Use use)
    {
        const bool has_pair = call.pairs != nullptr && !call.pairs->experts.empty();
        LoraDropout dropout = call.dropout;
        dropout.key += ((static_cast<std::uint64_t>(call.layer) << 20)
                           + (expert + 1) * kExpertProjections + projection)
            * 0x9e3779b97f4a7c15ULL; // apart from the keys of the layer's other projections
        dropout.token_S = routing.token_S.data();
        return { call.weights->experts[expert][projection],
            has_pair ? call.pairs->experts[expert][projection] : LoraPair{}, call.scale, dropout,
            use };
    }
};

PreparedProjection preparedRouter(const LayerCall& call, PreparedProjection::Use use)
{
    return { WeightMatrix(call.weights->router_XD), {}, 1.0, {}, use };
}

/// Rows of [N, D] for slots [begin, end).
void gather(const Routing& routing, std::int64_t begin, std::int64_t end, const float* from,
    float* to, std::int64_t d)
{
    parallelPieces(end - begin, 64, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
            std::memcpy(to + i * d, from + routing.token_S[static_cast<std::size_t>(begin + i)] * d,
                static_cast<std::size_t>(d) * sizeof(float));
    });
}

/// Adds each slot's row, times its factor, to its token's. An expert has a token once, so that rows
/// may go in parallel.
void scatter(const Routing& routing, std::int64_t begin, std::int64_t end, const float* factor_S,
    const float* from, float* to, std::int64_t d)
{
    parallelPieces(end - begin, 64, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
            kernels().addScaled(factor_S == nullptr ? 1.0f : factor_S[begin + i], from + i * d,
                to + routing.token_S[static_cast<std::size_t>(begin + i)] * d, d);
    });
}

/// Calls visit(expert) for every expert that has tokens.
template <class Visit> void forExperts(const Routing& routing, const Visit& visit)
{
    for (std::size_t expert = 0; expert < static_cast<std::size_t>(routing.experts); ++expert) {
        if (routing.expert_begin[expert] < routing.expert_begin[expert + 1])
            visit(expert);
    }
}

/// Calls visit(begin, end) for pieces of an expert's slots.
template <class Visit> void forSlots(const Routing& routing, std::size_t expert, const Visit& visit)
{
    const std::int64_t last = routing.expert_begin[expert + 1];
    for (std::int64_t begin = routing.expert_begin[expert]; begin < last; begin += kExpertPiece)
        visit(begin, std::min(last, begin + kExpertPiece));
}

/// Backward of all experts: gradients for their input and for the weights of the slots.
struct ExpertsBackward {
    const LayerCall& call;
    const LayerActivations& kept;
    const GradientLayout& layout;
    const float* normed_ND;
    const float* dy_ND;
    float* gradients;
    float* d_normed_ND;
    float* d_weight_S;

    void run(std::size_t expert) const
    {
        const ExpertProjections projections(
            call, *kept.routing, expert, PreparedProjection::Use::backward);
        forSlots(*kept.routing, expert, [&](std::int64_t begin, std::int64_t end) {
            runSlots(expert, projections, begin, end);
        });
    }

private:
    void runSlots(std::size_t expert, const ExpertProjections& projections, std::int64_t begin,
        std::int64_t end) const
    {
        const Routing& routing = *kept.routing;
        const std::int64_t d = call.batch->shape.hidden_size,
                           inner = call.batch->shape.moe_intermediate_size, count = end - begin;
        const float* gate = kept.gate_NI.data_ptr<float>() + begin * inner;
        const float* up = kept.up_NI.data_ptr<float>() + begin * inner;
        Scratch scratch;
        float* x = scratch.floats(count * d);
        float* d_out = scratch.floats(count * d);
        float* active = scratch.floats(count * inner);
        float* d_active = scratch.floats(count * inner);
        float* d_gate = scratch.floats(count * inner);
        float* d_up = scratch.floats(count * inner);
        gather(routing, begin, end, normed_ND, x, d);
        gather(routing, begin, end, dy_ND, d_out, d);
        projections.down.applyBackward(d_out, count, d_active, false, begin);
        forNumbers(count * inner, [&](std::int64_t from, std::int64_t to) {
            kernels().swiglu(gate + from, up + from, active + from, to - from);
        });
        parallelPieces(count, 16, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i)
                weighSlot(begin + i, active + i * inner, d_active + i * inner, d_out + i * d);
        });
        forNumbers(count * inner, [&](std::int64_t from, std::int64_t to) {
            kernels().swigluBackward(
                gate + from, up + from, d_active + from, d_gate + from, d_up + from, to - from);
        });
        if (!layout.experts.empty()) {
            const auto& places = layout.experts[expert];
            projections.gate.addGradients(
                x, d_gate, count, gradientsAt(places[0], gradients), begin);
            projections.up.addGradients(x, d_up, count, gradientsAt(places[1], gradients), begin);
            projections.down.addGradients(
                active, d_out, count, gradientsAt(places[2], gradients), begin);
        }
        float* dx = x; // no longer needed
        projections.gate.applyBackward(d_gate, count, dx, false, begin);
        projections.up.applyBackward(d_up, count, dx, true, begin);
        scatter(routing, begin, end, nullptr, dx, d_normed_ND, d);
    }

    /// The output's gradient for the slot's weight is dy . down(active) = d_active . active; then
    /// both gradients get the weight.
    void weighSlot(std::int64_t slot, const float* active, float* d_active, float* d_out) const
    {
        const std::int64_t d = call.batch->shape.hidden_size,
                           inner = call.batch->shape.moe_intermediate_size;
        const float weight = kept.routing->weight_S[static_cast<std::size_t>(slot)];
        d_weight_S[slot] = kernels().dot(d_active, active, inner);
        for (std::int64_t i = 0; i < inner; ++i)
            d_active[i] *= weight;
        for (std::int64_t i = 0; i < d; ++i)
            d_out[i] *= weight;
    }
};

} // namespace

void sparseMlpForward(const LayerCall& call, LayerActivations& kept, float* y)
{
    const Qwen3Shape& shape = call.batch->shape;
    const std::int64_t n = kept.middle_ND.size(0), d = shape.hidden_size,
                       inner = shape.moe_intermediate_size;
    using Use = PreparedProjection::Use;
    const at::Tensor normed_ND = at::empty({ n, d }, at::kFloat);
    float* normed = normed_ND.data_ptr<float>();
    normRows(
        call, kept.middle_ND.data_ptr<float>(), call.weights->post_attention_norm_D, normed, n);
    std::vector<float> logits_NX(static_cast<std::size_t>(n * shape.num_experts));
    preparedRouter(call, Use::forward).apply(normed, n, logits_NX.data(), false, 0);
    kept.routing = std::make_shared<const Routing>(routeTokens(shape, std::move(logits_NX)));
    const Routing& routing = *kept.routing;
    const auto slots = static_cast<std::int64_t>(routing.token_S.size());
    kept.gate_NI = at::empty({ slots, inner }, at::kFloat);
    kept.up_NI = at::empty({ slots, inner }, at::kFloat);
    std::memcpy(
        y, kept.middle_ND.data_ptr<float>(), static_cast<std::size_t>(n * d) * sizeof(float));
    forExperts(routing, [&](std::size_t expert) {
        const ExpertProjections projections(call, routing, expert, Use::forward);
        forSlots(routing, expert, [&](std::int64_t begin, std::int64_t end) {
            const std::int64_t count = end - begin;
            float* gate = kept.gate_NI.data_ptr<float>() + begin * inner;
            float* up = kept.up_NI.data_ptr<float>() + begin * inner;
            Scratch own;
            float* x = own.floats(count * d);
            float* active = own.floats(count * inner);
            gather(routing, begin, end, normed, x, d);
            projections.gate.apply(x, count, gate, false, begin);
            projections.up.apply(x, count, up, false, begin);
            forNumbers(count * inner, [&](std::int64_t from, std::int64_t to) {
                kernels().swiglu(gate + from, up + from, active + from, to - from);
            });
            projections.down.apply(active, count, x, false, begin);
            scatter(routing, begin, end, routing.weight_S.data(), x, y, d);
        });
    });
}

void sparseMlpBackward(const LayerCall& call, const LayerActivations& kept, const float* dy,
    const float* d_probability_X, const GradientLayout& layout, float* gradients, float* d_middle)
{
    const Qwen3Shape& shape = call.batch->shape;
    const Routing& routing = *kept.routing;
    const std::int64_t n = kept.middle_ND.size(0), d = shape.hidden_size;
    const float* middle = kept.middle_ND.data_ptr<float>();
    const at::Tensor normed_ND = at::empty({ n, d }, at::kFloat);
    const at::Tensor d_normed_ND = at::zeros({ n, d }, at::kFloat);
    float* normed = normed_ND.data_ptr<float>();
    float* d_normed = d_normed_ND.data_ptr<float>();
    std::vector<float> d_weight_S(routing.token_S.size(), 0.0f);
    normRows(call, middle, call.weights->post_attention_norm_D, normed, n);
    const ExpertsBackward experts
        = { call, kept, layout, normed, dy, gradients, d_normed, d_weight_S.data() };
    forExperts(routing, [&](std::size_t expert) { experts.run(expert); });
    const std::vector<float> d_logits_NX = routingBackward(
        shape, routing, d_weight_S.data(), d_probability_X, call.batch->packed.real_tokens);
    const PreparedProjection router = preparedRouter(call, PreparedProjection::Use::backward);
    router.applyBackward(d_logits_NX.data(), n, d_normed, true, 0);
    router.addGradients(normed, d_logits_NX.data(), n,
        { gradientAt(layout.router, gradients), nullptr, nullptr }, 0);
    std::memcpy(d_middle, dy, static_cast<std::size_t>(n * d) * sizeof(float));
    normRowsBackward(call, middle, call.weights->post_attention_norm_D, d_normed, d_middle,
        gradientAt(layout.post_attention_norm, gradients), n);
}

} // namespace zen
