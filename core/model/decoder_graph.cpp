#include "core/model/decoder_graph.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/torch_compat.h"

#include <ATen/ATen.h>

#include <cstring>

namespace zen {

namespace {

LayerCall callOf(const LayerSettings& settings)
{
    return { settings.batch.get(), &settings.weights,
        settings.has_pairs ? &settings.pairs : nullptr, settings.scale, settings.dropout,
        settings.layer };
}

/// The parameters of a layer in the order of their gradients.
std::vector<at::Tensor> parametersOf(const LayerSettings& settings)
{
    std::vector<at::Tensor> parameters;
    for (std::size_t p = 0; p < kProjections; ++p) {
        parameters.push_back(settings.weights.projections[p]);
        parameters.push_back(settings.has_pairs ? settings.pairs[p].a_RI : at::Tensor());
        parameters.push_back(settings.has_pairs ? settings.pairs[p].b_OR : at::Tensor());
    }
    for (const at::Tensor& norm :
        { settings.weights.input_norm_D, settings.weights.post_attention_norm_D,
            settings.weights.q_norm_E, settings.weights.k_norm_E })
        parameters.push_back(norm);
    return parameters;
}

std::vector<std::int64_t> offsetsOf(const GradientLayout& layout)
{
    std::vector<std::int64_t> offsets;
    for (std::size_t p = 0; p < kProjections; ++p)
        offsets.insert(offsets.end(), { layout.weight[p], layout.a[p], layout.b[p] });
    offsets.insert(offsets.end(),
        { layout.input_norm, layout.post_attention_norm, layout.q_norm, layout.k_norm });
    return offsets;
}

class LayerNode : public AutogradNode {
public:
    LayerSettings settings;
    LayerActivations kept;

    GradientList apply(GradientList&& outputs) override
    {
        const std::vector<at::Tensor> parameters = parametersOf(settings);
        GradientList result(1 + parameters.size());
        if (!outputs[0].defined())
            return result;
        TORCH_CHECK(kept.x_ND.defined(), "backward through a decoder layer a second time");
        const LayerCall call = callOf(settings);
        if (settings.recompute)
            layerForward(call, kept.x_ND, kept);
        const GradientLayout layout = gradientLayout(call);
        at::Tensor flat;
        const at::Tensor dx_ND = layerBackward(call, kept, outputs[0].contiguous(), layout, flat);
        if (should_compute_output(0))
            result[0] = dx_ND;
        const std::vector<std::int64_t> offsets = offsetsOf(layout);
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            if (offsets[i] >= 0)
                result[1 + i]
                    = flat.narrow(0, offsets[i], parameters[i].numel()).view(parameters[i].sizes());
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

at::Tensor decoderLayer(const at::Tensor& x_ND, LayerSettings settings)
{
    std::vector<at::Tensor> inputs = parametersOf(settings);
    inputs.insert(inputs.begin(), x_ND);
    const bool recorded = wantsGradient(inputs);
    LayerActivations kept;
    at::Tensor y_ND;
    {
        const c10::AutoGradMode off(false);
        y_ND = layerForward(callOf(settings), x_ND.detach(), kept);
    }
    if (!recorded)
        return y_ND;
    auto node = makeNode<LayerNode>(inputs);
    node->kept = std::move(kept);
    if (settings.recompute)
        node->keepInputOnly();
    node->settings = std::move(settings);
    setHistory(y_ND, node);
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
