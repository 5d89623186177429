#pragma once

#include "core/model/expert_routing.h"
#include "core/model/packed_rows.h"
#include "core/model/projection.h"
#include "core/model/qwen3.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace zen {

// N tokens, D hidden size, H query heads, K key-value heads, E head size, I MLP size, X experts

/// What all layers of one forward pass share.
struct BatchContext {
    Qwen3Shape shape;
    PackedRows packed;
    RotaryTable rotary;
    std::vector<std::int64_t> dropout_place_N; ///< see LoraDropout; empty: no dropout
};

/// One layer as a pass sees it.
struct LayerCall {
    const BatchContext* batch = nullptr;
    const LayerWeights* weights = nullptr;
    const LayerPairs* pairs = nullptr; ///< null: no adapter
    double scale = 1;
    LoraDropout dropout;
    std::int64_t layer = 0;
};

/// What backward needs of forward; the rest is computed again from these.
struct LayerActivations {
    at::Tensor x_ND, q_NHE, k_NKE, v_NKE; ///< q and k before their norm
    at::Tensor attention_NHE, log_sums_NH;
    at::Tensor middle_ND; ///< after attention's residual
    at::Tensor gate_NI, up_NI; ///< of a sparse layer: one row a slot of `routing`
    std::shared_ptr<const Routing> routing; ///< null: dense
};

/// x [N, D] float32 -> the layer's output [N, D]. `kept` gets what backward needs.
at::Tensor layerForward(const LayerCall& call, const at::Tensor& x_ND, LayerActivations& kept);

/// Where the gradients of a projection stand.
struct ProjectionPlaces {
    std::int64_t weight = -1, a = -1, b = -1;
};

/// Where each parameter's gradient stands in one flat float32 buffer; -1: not wanted.
struct GradientLayout {
    std::array<ProjectionPlaces, kProjections> projections;
    std::int64_t input_norm = -1, post_attention_norm = -1, q_norm = -1, k_norm = -1;
    std::int64_t in_lanes = 0; ///< numbers up to here, which many threads sum at once
    std::int64_t router = -1;
    std::vector<std::array<ProjectionPlaces, kExpertProjections>> experts; ///< empty: none wanted
    std::int64_t total = 0;
    /// The parameters that want a gradient, with its place, in a fixed order.
    std::vector<std::pair<at::Tensor, std::int64_t>> parameters;
};
GradientLayout gradientLayout(const LayerCall& call);
ProjectionGradients gradientsAt(const ProjectionPlaces& places, float* sums);
/// Where a gradient is summed; null: not wanted.
inline float* gradientAt(std::int64_t place, float* sums)
{
    return place < 0 ? nullptr : sums + place;
}

/// dy [N, D] -> dx [N, D]; `gradients` becomes a flat tensor as `layout` says. The same inputs give
/// the same bits, whatever the number of threads.
/// @param d_probability_X of a sparse layer: the gradient of the sum of its router's probabilities
/// over the real tokens; may be undefined
at::Tensor layerBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& dy_ND, const at::Tensor& d_probability_X, const GradientLayout& layout,
    at::Tensor& gradients);

/// A sparse layer from the sum after attention to its output: y [N, D].
void sparseMlpForward(const LayerCall& call, LayerActivations& kept, float* y);
/// d_middle [N, D] becomes the gradient of that sum, residual included.
void sparseMlpBackward(const LayerCall& call, const LayerActivations& kept, const float* dy,
    const float* d_probability_X, const GradientLayout& layout, float* gradients, float* d_middle);

/// Each row's norm, in parallel.
void normRows(const LayerCall& call, const float* x, const at::Tensor& weight_D, float* y,
    std::int64_t count);
/// dx += the gradient of normRows; weight_gradient (may be null) += its weight's.
void normRowsBackward(const LayerCall& call, const float* x, const at::Tensor& weight_D,
    const float* dy, float* dx, float* weight_gradient, std::int64_t count);

/// softmax(q k^T / sqrt(E)) v for every head of every row, causal; q and k are normed and rotated
/// on the way.
void attentionForward(const LayerCall& call, LayerActivations& kept);

/// Gradients for q, k (before the norm) and v from `d_attention`; norms' weights are added to
/// `norm_gradients` ([2, E]: q then k) unless it is null.
void attentionBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& d_attention_NHE, at::Tensor& dq_NHE, at::Tensor& dk_NKE, at::Tensor& dv_NKE,
    float* q_norm_gradient, float* k_norm_gradient);

} // namespace zen
