#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/tensor_file.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// The seven projections of a decoder layer, in the order of their names below.
enum class Projection { q, k, v, o, gate, up, down };
constexpr int kProjections = 7;
std::string_view nameOf(Projection projection); ///< q_proj … down_proj

struct LoraOptions {
    std::int64_t rank = 16;
    double alpha = 32;
    double dropout = 0;
    bool use_rslora = false;
    std::vector<std::string> targets; ///< q_proj …; "all" = all seven
    std::string base_model; ///< written to adapter_config.json
};

/// A LoRA pair: y += scale * B(A x). Float32 leaves that require grad. Undefined tensors: not a
/// target.
struct LoraPair {
    at::Tensor a_RI; ///< [rank, in]
    at::Tensor b_OR; ///< [out, rank]
};

/// The adapter of a whole model: one pair a (layer, projection), PEFT's format on disk.
struct Adapter {
    LoraOptions options;
    double scale = 1; ///< alpha / rank, or alpha / sqrt(rank)
    std::vector<std::array<LoraPair, kProjections>> layers;

    /// Trainable tensors in a fixed order (layer, projection, A then B).
    std::vector<at::Tensor> parameters() const;
    /// Names as in PEFT files: base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight; same
    /// order.
    std::vector<std::string> parameterNames() const;
};

/// The projections that `targets` names, in their order. Errors: an unknown name, none at all.
Result<std::vector<Projection>> targetProjections(const std::vector<std::string>& targets);

/// alpha / rank, or alpha / sqrt(rank) with rsLoRA.
double loraScale(const LoraOptions& options);

/// The name in PEFT files; `part` is 'A' or 'B'.
std::string adapterTensorName(std::size_t layer, Projection projection, char part);

/// A ~ U(+-1/sqrt(in)) keyed by (seed, tensor), B = 0: the model's output is unchanged.
Result<Adapter> newAdapter(const Qwen3Shape& shape, const LoraOptions& options, std::uint64_t seed);

/// adapter_config.json + adapter_model.safetensors. Unknown features (DoRA, modules_to_save,
/// patterns) are refused by name.
Result<Adapter> readAdapter(const std::filesystem::path& folder, const Qwen3Shape& shape);

/// Writes both files into an existing folder (fsynced); load with peft or readAdapter.
Result<void> writeAdapter(const std::filesystem::path& folder, const Adapter& adapter);

} // namespace zen
