#include "core/model/decoder_graph.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/torch_compat.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cstring>

namespace zen {

namespace {

LayerCall callOf(const LayerSettings& settings)
{
    return { settings.batch.get(), &settings.weights,
        settings.has_pairs ? &settings.pairs : nullptr, settings.scale, settings.dropout,
        settings.layer };
}

class LayerNode : public AutogradNode {
public:
    LayerSettings settings;
    LayerActivations kept;
    GradientLayout layout;

    GradientList apply(GradientList&& outputs) override
    {
        GradientList result(1 + layout.parameters.size());
        const at::Tensor d_probability_X
            = outputs.size() > 1 && outputs[1].defined() ? outputs[1].contiguous() : at::Tensor();
        if (!outputs[0].defined() && !d_probability_X.defined())
            return result;
        TORCH_CHECK(kept.x_ND.defined(), "backward through a decoder layer a second time");
        const LayerCall call = callOf(settings);
        if (settings.recompute)
            layerForward(call, kept.x_ND, kept);
        const at::Tensor dy_ND
            = outputs[0].defined() ? outputs[0].contiguous() : at::zeros_like(kept.x_ND);
        at::Tensor flat;
        const at::Tensor dx_ND = layerBackward(call, kept, dy_ND, d_probability_X, layout, flat);
        if (should_compute_output(0))
            result[0] = dx_ND;
        for (std::size_t i = 0; i < layout.parameters.size(); ++i) {
            const auto& [parameter, offset] = layout.parameters[i];
            result[1 + i] = flat.narrow(0, offset, parameter.numel()).view(parameter.sizes());
        }
        if (settings.recompute)
            keepInputOnly();
        return result;
    }

    void release_variables() override { kept = LayerActivations(); }
    std::string name() const override { return "Qwen3DecoderLayer"; }

    void keepInputOnly()
    {
        const at::Tensor x_ND = kept.x_ND;
        kept = LayerActivations();
        kept.x_ND = x_ND;
    }
};

RouterLoad loadOf(const Routing& routing, std::int64_t real_tokens)
{
    const auto experts = static_cast<std::size_t>(routing.experts);
    std::vector<double> sums(experts, 0.0), slots(experts, 0.0);
    for (std::int64_t token = 0; token < real_tokens; ++token) {
        for (std::size_t x = 0; x < experts; ++x)
            sums[x] += static_cast<double>(
                routing.probabilities_NX[static_cast<std::size_t>(token) * experts + x]);
        for (std::int64_t i = 0; i < routing.per_token; ++i) {
            const std::int64_t slot
                = routing.slot_NK[static_cast<std::size_t>(token * routing.per_token + i)];
            slots[static_cast<std::size_t>(routing.expert_S[static_cast<std::size_t>(slot)])] += 1;
        }
    }
    return { at::tensor(slots).to(at::kFloat), at::tensor(sums).to(at::kFloat) };
}

class EmbeddingNode : public AutogradNode {
public:
    at::Tensor ids_N;
    std::vector<std::int64_t> sizes;

    GradientList apply(GradientList&& outputs) override
    {
        if (!outputs[0].defined())
            return { at::Tensor() };
        const at::Tensor dy_ND = outputs[0].contiguous();
        const std::int64_t d = sizes[1], n = ids_N.size(0);
        at::Tensor gradient_VD = at::zeros(sizes, at::kFloat);
        const auto* ids = ids_N.data_ptr<std::int64_t>();
        const float* dy = dy_ND.data_ptr<float>();
        float* to = gradient_VD.data_ptr<float>();
        for (std::int64_t i = 0; i < n;
             ++i) // in order: rows of the same id add up the same way every time
            kernels().addScaled(1.0f, dy + i * d, to + ids[i] * d, d);
        return { gradient_VD };
    }
    std::string name() const override { return "Qwen3Embedding"; }
};

class FinalNormNode : public AutogradNode {
public:
    std::shared_ptr<const BatchContext> batch;
    at::Tensor x_ND, weight_D;

    GradientList apply(GradientList&& outputs) override
    {
        if (!outputs[0].defined())
            return GradientList(2);
        TORCH_CHECK(x_ND.defined(), "backward through the final norm a second time");
        const at::Tensor dy_BTD = outputs[0].contiguous();
        const std::int64_t d = batch->shape.hidden_size, n = batch->packed.tokens;
        const auto eps = static_cast<float>(batch->shape.rms_norm_eps);
        const bool wants_weight = weight_D.requires_grad();
        at::Tensor dx_ND = at::zeros({ n, d }, at::kFloat);
        constexpr std::int64_t kPiece = 64;
        at::Tensor sums
            = at::zeros({ wants_weight ? (n + kPiece - 1) / kPiece : 0, d }, at::kFloat);
        const float* x = x_ND.data_ptr<float>();
        const float* dy = dy_BTD.data_ptr<float>();
        parallelPieces(n, kPiece, [&](std::int64_t begin, std::int64_t end) {
            float* sum = wants_weight ? sums.data_ptr<float>() + begin / kPiece * d : nullptr;
            for (std::int64_t i = begin; i < end; ++i)
                kernels().rmsNormBackward(x + i * d, weight_D.data_ptr<float>(),
                    dy + batch->packed.source[static_cast<std::size_t>(i)] * d,
                    dx_ND.data_ptr<float>() + i * d, sum, 1, d, eps);
        });
        return { dx_ND, wants_weight ? sums.sum(0) : at::Tensor() };
    }
    void release_variables() override { x_ND = at::Tensor(); }
    std::string name() const override { return "Qwen3FinalNorm"; }
};

at::Tensor scattered(const at::Tensor& x_ND, const PackedRows& packed)
{
    const std::int64_t d = x_ND.size(1);
    at::Tensor y_BTD = at::zeros({ packed.rows, packed.columns, d }, at::kFloat);
    const float* x = x_ND.data_ptr<float>();
    float* y = y_BTD.data_ptr<float>();
    for (std::size_t i = 0; i < packed.source.size(); ++i)
        std::memcpy(y + packed.source[i] * d, x + static_cast<std::int64_t>(i) * d,
            static_cast<std::size_t>(d) * sizeof(float));
    return y_BTD;
}

} // namespace

at::Tensor embed(const at::Tensor& embedding_VD, const at::Tensor& ids_N)
{
    at::Tensor x_ND;
    {
        const c10::AutoGradMode off(false);
        x_ND = embedding_VD.index_select(0, ids_N).to(at::kFloat);
    }
    if (wantsGradient({ embedding_VD })) {
        auto node = makeNode<EmbeddingNode>({ embedding_VD });
        node->ids_N = ids_N;
        node->sizes = embedding_VD.sizes().vec();
        setHistory(x_ND, node);
    }
    return x_ND;
}

at::Tensor decoderLayer(const at::Tensor& x_ND, LayerSettings settings, RouterLoad* load)
{
    GradientLayout layout = gradientLayout(callOf(settings));
    std::vector<at::Tensor> inputs = { x_ND };
    for (const auto& [parameter, offset] : layout.parameters)
        inputs.push_back(parameter);
    const bool recorded = wantsGradient(inputs);
    LayerActivations kept;
    at::Tensor y_ND;
    {
        const c10::AutoGradMode off(false);
        y_ND = layerForward(callOf(settings), x_ND.detach(), kept);
    }
    const bool with_load = load != nullptr && kept.routing != nullptr;
    if (with_load)
        *load = loadOf(*kept.routing, settings.batch->packed.real_tokens);
    if (!recorded)
        return y_ND;
    auto node = makeNode<LayerNode>(inputs);
    node->kept = std::move(kept);
    node->layout = std::move(layout);
    if (settings.recompute)
        node->keepInputOnly();
    node->settings = std::move(settings);
    setHistory(y_ND, node);
    if (with_load)
        setHistory(load->probability_X, node);
    return y_ND;
}

at::Tensor finalHidden(const at::Tensor& x_ND, const at::Tensor& weight_D,
    const std::shared_ptr<const BatchContext>& batch)
{
    const bool recorded = wantsGradient({ x_ND, weight_D });
    const std::int64_t d = batch->shape.hidden_size;
    at::Tensor y_BTD;
    {
        const c10::AutoGradMode off(false);
        const auto eps = static_cast<float>(batch->shape.rms_norm_eps);
        at::Tensor normed_ND = at::empty_like(x_ND);
        const float* x = x_ND.data_ptr<float>();
        float* y = normed_ND.data_ptr<float>();
        parallelPieces(x_ND.size(0), 64, [&](std::int64_t begin, std::int64_t end) {
            kernels().rmsNorm(
                x + begin * d, weight_D.data_ptr<float>(), y + begin * d, end - begin, d, eps);
        });
        y_BTD = scattered(normed_ND, batch->packed);
    }
    if (!recorded)
        return y_BTD;
    auto node = makeNode<FinalNormNode>({ x_ND, weight_D });
    node->batch = batch;
    node->x_ND = x_ND.detach();
    node->weight_D = weight_D;
    setHistory(y_BTD, node);
    return y_BTD;
}

at::Tensor unpacked(const at::Tensor& x_ND, const PackedRows& packed)
{
    const c10::AutoGradMode off(false);
    return scattered(x_ND.detach(), packed);
}

} // namespace zen
