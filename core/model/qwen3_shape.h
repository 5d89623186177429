#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// The sizes in config.json (Qwen3ForCausalLM, Qwen3MoeForCausalLM). Plain: planning needs no
/// tensors.
struct Qwen3Shape {
    std::int64_t vocab_size = 0;
    std::int64_t hidden_size = 0;
    std::int64_t intermediate_size = 0;
    std::int64_t num_layers = 0;
    std::int64_t num_heads = 0;
    std::int64_t num_kv_heads = 0;
    std::int64_t head_dim = 0;
    std::int64_t max_position_embeddings = 0;
    double rms_norm_eps = 1e-6;
    double rope_theta = 1e6;
    bool tied_embeddings = false;
    bool attention_bias = false;
    std::vector<std::int64_t> eos_ids; ///< config.json and generation_config.json joined
    std::int64_t pad_id = -1;
    std::string dtype; ///< as written: bfloat16, float32
    // Mixture of experts; num_experts 0: dense.
    std::int64_t num_experts = 0;
    std::int64_t experts_per_token = 0;
    std::int64_t moe_intermediate_size = 0;
    std::int64_t decoder_sparse_step = 1;
    std::vector<std::int64_t> mlp_only_layers;
    bool norm_topk_prob = false;
    double router_aux_loss_coef = 0.001; ///< as written; a run asks for the loss itself
    bool is_packed = false; ///< the files hold bitsandbytes' NF4 (quantization_config)
    bool operator==(const Qwen3Shape&) const = default;

    bool isMoe() const { return num_experts > 0; }
    bool isSparseLayer(std::int64_t layer) const; ///< a router and experts instead of one MLP
    std::int64_t sparseLayers() const;
    std::int64_t parameters() const; ///< all weights, a tied head counted once
    std::int64_t linearParameters() const; ///< attention and MLP projections only (what NF4 packs)
};

/// Reads and checks config.json text (bounds, divisibility, supported features; rope_theta in both
/// spellings). Errors name the key, its value and what is allowed. `generation_config` may be
/// empty.
Result<Qwen3Shape> parseShape(
    std::string_view config_json, std::string_view generation_config = {});

/// Reads the files of a model folder.
Result<Qwen3Shape> readShape(const std::filesystem::path& model_folder);

/// config.json for this shape, as transformers writes it; always of unpacked weights.
std::string writeShape(const Qwen3Shape& shape);

} // namespace zen
