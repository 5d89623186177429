#pragma once

#include "core/model/decoder_layer.h"

#include <ATen/core/Tensor.h>

#include <memory>

namespace zen {

// B rows, T columns, N real tokens, D hidden size, V vocabulary, X experts

/// The steps of Qwen3's forward with their place in the autograd graph: few large nodes with
/// gradients of our own.

/// Rows of the embedding, [N, D] float32.
at::Tensor embed(const at::Tensor& embedding_VD, const at::Tensor& ids_N);

struct LayerSettings {
    std::shared_ptr<const BatchContext> batch;
    LayerWeights weights;
    LayerPairs pairs;
    bool has_pairs = false;
    double scale = 1;
    LoraDropout dropout;
    std::int64_t layer = 0;
    bool recompute
        = false; ///< keep only the input; run forward again in backward (gradient checkpointing)
};

/// How a sparse layer's router spread the real tokens over the experts.
struct RouterLoad {
    at::Tensor slots_X; ///< tokens that went to each expert, float32
    at::Tensor probability_X; ///< the probabilities' sum, with gradient
};

/// One decoder layer, [N, D] -> [N, D]. A sparse one fills `load` unless it is null.
at::Tensor decoderLayer(const at::Tensor& x_ND, LayerSettings settings, RouterLoad* load = nullptr);

/// The last norm, and real tokens back to their places: [N, D] -> [B, T, D], 0 on padding.
at::Tensor finalHidden(const at::Tensor& x_ND, const at::Tensor& weight_D,
    const std::shared_ptr<const BatchContext>& batch);

/// [N, D] -> [B, T, D] without a norm or a gradient.
at::Tensor unpacked(const at::Tensor& x_ND, const PackedRows& packed);

} // namespace zen
