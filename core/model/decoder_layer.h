#pragma once

#include "core/model/packed_rows.h"
#include "core/model/projection.h"
#include "core/model/qwen3.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace zen {

// N tokens, D hidden size, H query heads, K key-value heads, E head size, I MLP size

/// What all layers of one forward pass share.
struct BatchContext {
    Qwen3Shape shape;
    PackedRows packed;
    RotaryTable rotary;
};

/// One layer as a pass sees it.
struct LayerCall {
    const BatchContext* batch = nullptr;
    const LayerWeights* weights = nullptr;
    const std::array<LoraPair, kProjections>* pairs = nullptr; ///< null: no adapter
    double scale = 1;
    LoraDropout dropout;
    std::int64_t layer = 0;
};

/// What backward needs of forward; the rest is computed again from these.
struct LayerActivations {
    at::Tensor x_ND, q_NHE, k_NKE, v_NKE; ///< q and k before their norm
    at::Tensor attention_NHE, log_sums_NH;
    at::Tensor middle_ND; ///< after attention's residual
    at::Tensor gate_NI, up_NI;
};

/// x [N, D] float32 -> the layer's output [N, D]. `kept` gets what backward needs.
at::Tensor layerForward(const LayerCall& call, const at::Tensor& x_ND, LayerActivations& kept);

/// Where each parameter's gradient stands in one flat float32 buffer; -1: not wanted.
struct GradientLayout {
    std::array<std::int64_t, kProjections> weight, a, b;
    std::int64_t input_norm = -1, post_attention_norm = -1, q_norm = -1, k_norm = -1;
    std::int64_t total = 0;
};
GradientLayout gradientLayout(const LayerCall& call);

/// dy [N, D] -> dx [N, D]; `gradients` becomes a flat tensor as `layout` says. The same inputs give
/// the same bits, whatever the number of threads.
at::Tensor layerBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& dy_ND, const GradientLayout& layout, at::Tensor& gradients);

/// softmax(q k^T / sqrt(E)) v for every head of every row, causal; q and k are normed and rotated
/// on the way.
void attentionForward(const LayerCall& call, LayerActivations& kept);

/// Gradients for q, k (before the norm) and v from `d_attention`; norms' weights are added to
/// `norm_gradients` ([2, E]: q then k) unless it is null.
void attentionBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& d_attention_NHE, at::Tensor& dq_NHE, at::Tensor& dk_NKE, at::Tensor& dv_NKE,
    float* q_norm_gradient, float* k_norm_gradient);

} // namespace zen
