#pragma once

#include "core/base/result.h"
#include "core/model/lora.h"
#include "core/model/qwen3_shape.h"
#include "core/model/weight_matrix.h"
#include "core/weights/checkpoint_folder.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace zen {

// B rows, T tokens, D hidden size, V vocabulary, H query heads, K key-value heads, E head size, I
// MLP size, X experts

struct LayerWeights {
    at::Tensor input_norm_D, post_attention_norm_D; ///< float32
    at::Tensor q_norm_E, k_norm_E; ///< float32
    /// Of a sparse layer only those of attention; its MLPs are the experts.
    std::array<WeightMatrix, kProjections> projections;
    at::Tensor router_XD; ///< float32; undefined in a dense layer
    std::vector<std::array<WeightMatrix, kExpertProjections>> experts; ///< gate, up, down

    bool isSparse() const { return router_XD.defined(); }
};

struct Qwen3Weights {
    at::Tensor embedding_VD;
    at::Tensor final_norm_D; ///< float32
    at::Tensor lm_head_VD; ///< the embedding itself when tied
    std::vector<LayerWeights> layers;
};

struct LoadOptions {
    at::ScalarType weight_type = at::kFloat; ///< at::kFloat or at::kBFloat16, for every matrix …
    std::optional<Nf4Options> nf4; ///< … but the projections, where these are packed
    bool trainable = false; ///< full fine-tuning: float32 leaves that require grad
    std::function<void(double fraction)> on_progress; ///< by bytes; called in between, too
};

struct ForwardOptions {
    bool use_adapter = true; ///< false: the reference policy
    bool gradient_checkpointing = false;
    /// Training with lora_dropout: where the step's dropout comes from (mix seed and step). Empty:
    /// no dropout.
    std::optional<std::uint64_t> dropout_key;
    /// Place of the first row among the step's rows: what a token drops depends on its row's place
    /// and its own position, not on how the step is cut into passes.
    std::int64_t first_row = 0;
    /// Also compute padding, as transformers does: tokens that attend to nothing and that nobody
    /// attends to. Else 0 there.
    bool compute_padding = false;
    std::vector<at::Tensor>* layer_outputs
        = nullptr; ///< collects hidden states after the embedding and each layer
    /// Gets the routers' load-balancing loss (Fedus et al., arXiv 2101.03961) over all sparse
    /// layers and real tokens, a scalar with gradient: X * sum over experts of (slots a token) *
    /// (mean probability). Undefined for a dense model.
    at::Tensor* router_loss = nullptr;
};

/// Qwen3, dense or a mixture of experts. Owns its weights and, optionally, an adapter. Not
/// thread-safe.
class Qwen3 {
public:
    /// Validates names and shapes against config.json before allocating; lists the first 10 that
    /// are missing, extra or misshapen. A stored lm_head of a tied model is accepted and dropped.
    /// Tensors are read in pieces and converted or packed on the way: memory never exceeds the
    /// final weights plus a piece (kWeightPiece). Matrices that bitsandbytes packed stay as they
    /// are with options.nf4 (its compute type), else they are unpacked, one at a time.
    static Result<Qwen3> load(const CheckpointFolder& checkpoint, const LoadOptions& options);

    /// Random weights: N(0, 0.02), norms 1; keyed by seed. For from-scratch training (float32)
    /// and benchmarks (the other types, whose numbers are drawn from 4,096 quantiles, in a fraction
    /// of the time). Made piece by piece in the target format.
    static Qwen3 random(const Qwen3Shape& shape, std::uint64_t seed, const LoadOptions& options);

    const Qwen3Shape& shape() const { return m_shape; }
    const Qwen3Weights& weights() const { return m_weights; }

    void attach(Adapter adapter) { m_adapter = std::move(adapter); }
    const std::optional<Adapter>& adapter() const { return m_adapter; }

    /// Tensors that training changes: the adapter's, or all weights if loaded trainable; fixed
    /// order.
    std::vector<at::Tensor> trainableParameters() const;
    std::vector<std::string> trainableNames() const;

    /// Hidden states after the last norm, [B, T, D] float32, with gradient to the trainable
    /// parameters when grad mode is on. ids_BT int64; mask_BT bool or int64, false on padding (left
    /// or right); positions count the true tokens of a row.
    at::Tensor forward(const at::Tensor& ids_BT, const at::Tensor& mask_BT,
        const ForwardOptions& options = {}) const;

    /// hidden [..., D] float32 -> logits [..., V] float32. For a few positions only.
    at::Tensor logits(const at::Tensor& hidden) const;

    /// Writes config.json and model.safetensors (all weights in `type`: float32, float16 or
    /// bfloat16) into an existing folder; with `shard_bytes`, files of at most that size (or one
    /// tensor) and their index where there are several. Piece by piece, without a copy of the
    /// weights. Errors: packed weights; I/O.
    Result<void> save(const std::filesystem::path& folder, at::ScalarType type,
        std::uint64_t shard_bytes = 0) const;

    std::uint64_t weightBytes() const;

    /// Calls `visit` for every weight that is not packed with its name in the file, in a fixed
    /// order; a tied head is not visited.
    void forEachWeight(
        const std::function<void(const std::string& name, const at::Tensor& weight)>& visit) const;

private:
    Qwen3Shape m_shape;
    Qwen3Weights m_weights;
    std::optional<Adapter> m_adapter;
};

/// bfloat16 if this CPU multiplies it faster than float32 (timed once on a matrix of hidden x
/// intermediate), else float32.
at::ScalarType fasterWeightType(const Qwen3Shape& shape);

} // namespace zen
