#include "core/model/weight_slots.h"

#include "core/model/projection.h"

namespace zen {

namespace {

std::string layerPrefix(std::size_t layer)
{
    return "model.layers." + std::to_string(layer) + ".";
}

void addExperts(const Qwen3Shape& shape, const std::string& prefix, LayerWeights& to,
    std::vector<WeightSlot>& slots)
{
    slots.push_back({ prefix + "mlp.gate.weight", { shape.num_experts, shape.hidden_size },
        WeightKind::router, &to.router_XD });
    to.experts.resize(static_cast<std::size_t>(shape.num_experts));
    for (std::size_t expert = 0; expert < to.experts.size(); ++expert) {
        for (std::size_t p = 0; p < kExpertProjections; ++p) {
            const Projection projection = expertProjection(p);
            const ProjectionSize size = expertSizeOf(shape, projection);
            slots.push_back({ prefix + "mlp.experts." + std::to_string(expert) + "."
                    + std::string(nameOf(projection)) + ".weight",
                { size.out, size.in }, WeightKind::projection, nullptr, &to.experts[expert][p] });
        }
    }
}

} // namespace

at::ScalarType WeightSlot::typeFor(const LoadOptions& options) const
{
    const bool small = kind == WeightKind::norm || kind == WeightKind::router;
    return small || options.trainable ? at::kFloat : options.weight_type;
}

std::vector<WeightSlot> weightSlots(const Qwen3Shape& shape, Qwen3Weights& weights)
{
    const std::int64_t d = shape.hidden_size, e = shape.head_dim, v = shape.vocab_size;
    weights.layers.resize(static_cast<std::size_t>(shape.num_layers));
    std::vector<WeightSlot> slots
        = { { "model.embed_tokens.weight", { v, d }, WeightKind::table, &weights.embedding_VD } };
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
        LayerWeights& to = weights.layers[layer];
        const std::string prefix = layerPrefix(layer);
        const bool sparse = shape.isSparseLayer(static_cast<std::int64_t>(layer));
        const auto norm = [&](const char* name, std::int64_t size, at::Tensor& tensor) {
            slots.push_back({ prefix + name, { size }, WeightKind::norm, &tensor });
        };
        norm("input_layernorm.weight", d, to.input_norm_D);
        for (std::size_t p = 0; p < kProjections; ++p) {
            const auto projection = static_cast<Projection>(p);
            if (sparse && isInMlp(projection))
                continue;
            const ProjectionSize size = sizeOf(shape, projection);
            slots.push_back({ prefix + (isInMlp(projection) ? "mlp." : "self_attn.")
                    + std::string(nameOf(projection)) + ".weight",
                { size.out, size.in }, WeightKind::projection, nullptr, &to.projections[p] });
        }
        if (sparse)
            addExperts(shape, prefix, to, slots);
        norm("self_attn.q_norm.weight", e, to.q_norm_E);
        norm("self_attn.k_norm.weight", e, to.k_norm_E);
        norm("post_attention_layernorm.weight", d, to.post_attention_norm_D);
    }
    slots.push_back({ "model.norm.weight", { d }, WeightKind::norm, &weights.final_norm_D });
    if (!shape.tied_embeddings)
        slots.push_back({ "lm_head.weight", { v, d }, WeightKind::table, &weights.lm_head_VD });
    return slots;
}

} // namespace zen
