#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/tensor_file.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// The seven projections of a decoder layer, in the order of their names below.
enum class Projection { q, k, v, o, gate, up, down };
constexpr int kProjections = 7;
/// Those of an expert: gate, up, down.
constexpr int kExpertProjections = 3;
constexpr Projection expertProjection(std::size_t index)
{
    return static_cast<Projection>(static_cast<std::size_t>(Projection::gate) + index);
}
constexpr bool isInMlp(Projection projection)
{
    return projection >= Projection::gate;
}
std::string_view nameOf(Projection projection); ///< q_proj … down_proj

struct LoraOptions {
    std::int64_t rank = 16;
    double alpha = 32;
    double dropout = 0;
    bool use_rslora = false;
    std::vector<std::string> targets; ///< q_proj …; "all": see targetProjections
    std::string base_model; ///< written to adapter_config.json
};

/// A LoRA pair: y += scale * B(A x). Float32 leaves that require grad. Undefined tensors: not a
/// target.
struct LoraPair {
    at::Tensor a_RI; ///< [rank, in]
    at::Tensor b_OR; ///< [out, rank]
};

/// The pairs of one layer.
struct LayerPairs {
    std::array<LoraPair, kProjections> projections;
    /// One entry an expert, where the layer has experts that are targets; else empty.
    std::vector<std::array<LoraPair, kExpertProjections>> experts;
};

/// The adapter of a whole model, PEFT's format on disk.
struct Adapter {
    LoraOptions options;
    double scale = 1; ///< alpha / rank, or alpha / sqrt(rank)
    std::vector<LayerPairs> layers;

    /// Calls `visit` for every pair there is with its name in PEFT files without the part, in a
    /// fixed order (layer, projection, expert).
    void forEachPair(
        const std::function<void(const std::string& name, const LoraPair& pair)>& visit) const;

    /// Trainable tensors in the order of forEachPair, A then B.
    std::vector<at::Tensor> parameters() const;
    /// Names as in PEFT files: base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight; same
    /// order.
    std::vector<std::string> parameterNames() const;
};

/// The projections that `targets` names, in their order; "all" means all seven, or those of
/// attention in a mixture, whose experts get pairs where gate_proj, up_proj or down_proj is named.
/// Errors: an unknown name, none at all.
Result<std::vector<Projection>> targetProjections(
    const std::vector<std::string>& targets, bool is_mixture = false);

/// alpha / rank, or alpha / sqrt(rank) with rsLoRA.
double loraScale(const LoraOptions& options);

/// A place where a model of this shape can have a pair.
struct PairPlace {
    std::string name; ///< in PEFT files, without the part: ….self_attn.q_proj
    Projection projection = Projection::q;
    std::int64_t in = 0, out = 0;
    LoraPair* pair = nullptr;
    std::uint64_t stream = 0; ///< of the random numbers of its A
};

/// The places of these projections, which are made in `layers`, in the order of forEachPair.
std::vector<PairPlace> pairPlaces(const Qwen3Shape& shape,
    const std::vector<Projection>& projections, std::vector<LayerPairs>& layers);

/// A ~ U(+-1/sqrt(in)) keyed by (seed, tensor), B = 0: the model's output is unchanged.
Result<Adapter> newAdapter(const Qwen3Shape& shape, const LoraOptions& options, std::uint64_t seed);

/// adapter_config.json + adapter_model.safetensors. Unknown features (DoRA, modules_to_save,
/// patterns) are refused by name.
Result<Adapter> readAdapter(const std::filesystem::path& folder, const Qwen3Shape& shape);

/// Writes both files into an existing folder (fsynced); load with peft or readAdapter.
Result<void> writeAdapter(const std::filesystem::path& folder, const Adapter& adapter);

} // namespace zen
