#include "core/model/qwen3.h"

#include "core/base/machine.h"
#include "core/model/decoder_graph.h"
#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/torch_compat.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>

namespace zen {

namespace {

/// [C, D] float32 times the head, float32 arithmetic on either weight type.
at::Tensor headProduct(const at::Tensor& hidden_CD, const at::Tensor& head_VD)
{
    const Kernels& run = kernels();
    const std::int64_t count = hidden_CD.size(0), d = hidden_CD.size(1), v = head_VD.size(0);
    at::Tensor logits_CV = at::empty({ count, v }, at::kFloat);
    const float* x = hidden_CD.data_ptr<float>();
    float* y = logits_CV.data_ptr<float>();
    const bool bf16 = head_VD.scalar_type() == at::kBFloat16;
    parallelPieces(v, 256, [&](std::int64_t begin, std::int64_t end) {
        if (bf16)
            run.multiplyStoredBf16(count, end - begin, d, x, d,
                static_cast<const std::uint16_t*>(head_VD.data_ptr()) + begin * d, y + begin, v);
        else
            run.multiplyStored(
                count, end - begin, d, x, d, head_VD.data_ptr<float>() + begin * d, y + begin, v);
    });
    return logits_CV;
}

/// Over all sparse layers and tokens together: experts x sum of (slots a token) x (mean
/// probability).
at::Tensor routerLoss(
    const std::vector<RouterLoad>& loads, const Qwen3Shape& shape, std::int64_t tokens)
{
    if (loads.empty() || tokens == 0)
        return {};
    at::Tensor slots_X = loads.front().slots_X, probability_X = loads.front().probability_X;
    for (std::size_t i = 1; i < loads.size(); ++i) {
        slots_X = slots_X + loads[i].slots_X;
        probability_X = probability_X + loads[i].probability_X;
    }
    const auto all = static_cast<double>(tokens) * static_cast<double>(loads.size());
    return (slots_X / all * (probability_X / all)).sum() * static_cast<double>(shape.num_experts);
}

/// Row and position of each token in one number.
std::vector<std::int64_t> dropoutPlaces(const PackedRows& packed, std::int64_t first_row)
{
    constexpr std::int64_t kLongestRow = std::int64_t{ 1 } << 24;
    std::vector<std::int64_t> places;
    places.reserve(packed.source.size());
    for (std::size_t i = 0; i < packed.source.size(); ++i) {
        const std::int64_t row = first_row + packed.source[i] / packed.columns;
        const std::int64_t position = i < packed.position.size()
            ? packed.position[i]
            : packed.columns + packed.source[i] % packed.columns; // padding
        places.push_back(row * kLongestRow + position);
    }
    return places;
}

double secondsOf(const at::Tensor& x, const at::Tensor& weight)
{
    double best = 1e9;
    for (int i = 0; i < 4; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        at::linear(x, weight);
        best = std::min(
            best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
}

} // namespace

std::vector<at::Tensor> Qwen3::trainableParameters() const
{
    if (m_adapter)
        return m_adapter->parameters();
    std::vector<at::Tensor> parameters;
    forEachWeight([&](const std::string&, const at::Tensor& weight) {
        if (weight.requires_grad())
            parameters.push_back(weight);
    });
    return parameters;
}

std::vector<std::string> Qwen3::trainableNames() const
{
    if (m_adapter)
        return m_adapter->parameterNames();
    std::vector<std::string> names;
    forEachWeight([&](const std::string& name, const at::Tensor& weight) {
        if (weight.requires_grad())
            names.push_back(name);
    });
    return names;
}

at::Tensor Qwen3::forward(
    const at::Tensor& ids_BT, const at::Tensor& mask_BT, const ForwardOptions& options) const
{
    TORCH_CHECK(ids_BT.dim() == 2 && mask_BT.sizes() == ids_BT.sizes(),
        "forward: ids and mask must be [rows, tokens]");
    auto batch = std::make_shared<BatchContext>();
    batch->shape = m_shape;
    batch->packed = packRows(mask_BT, options.compute_padding);
    batch->rotary = rotaryTable(m_shape, batch->packed.longest);
    if (options.dropout_key)
        batch->dropout_place_N = dropoutPlaces(batch->packed, options.first_row);
    const at::Tensor ids_N = ids_BT.to(at::kLong).reshape({ -1 }).index_select(
        0, at::tensor(batch->packed.source, at::kLong));
    TORCH_CHECK(ids_N.numel() == 0
            || (ids_N.min().item<std::int64_t>() >= 0
                && ids_N.max().item<std::int64_t>() < m_shape.vocab_size),
        "forward: a token id is outside the vocabulary");
    const auto collect = [&](const at::Tensor& x_ND) {
        if (options.layer_outputs != nullptr)
            options.layer_outputs->push_back(unpacked(x_ND, batch->packed));
    };
    at::Tensor x_ND = embed(m_weights.embedding_VD, ids_N);
    collect(x_ND);
    std::vector<RouterLoad> loads;
    const bool with_adapter = options.use_adapter && m_adapter.has_value();
    for (std::size_t layer = 0; layer < m_weights.layers.size(); ++layer) {
        LayerSettings settings;
        settings.batch = batch;
        settings.weights = m_weights.layers[layer];
        settings.layer = static_cast<std::int64_t>(layer);
        settings.recompute = options.gradient_checkpointing;
        if (with_adapter) {
            settings.pairs = m_adapter->layers[layer];
            settings.has_pairs = true;
            settings.scale = m_adapter->scale;
            if (options.dropout_key)
                settings.dropout = { m_adapter->options.dropout, *options.dropout_key,
                    batch->dropout_place_N.data(), nullptr };
        }
        RouterLoad load;
        x_ND = decoderLayer(
            x_ND, std::move(settings), options.router_loss != nullptr ? &load : nullptr);
        if (load.slots_X.defined())
            loads.push_back(std::move(load));
        collect(x_ND);
    }
    if (options.router_loss != nullptr)
        *options.router_loss = routerLoss(loads, m_shape, batch->packed.real_tokens);
    return finalHidden(x_ND, m_weights.final_norm_D, batch);
}

at::Tensor Qwen3::logits(const at::Tensor& hidden) const
{
    const at::Tensor& head_VD = m_weights.lm_head_VD;
    if (wantsGradient({ hidden, head_VD }))
        return at::linear(hidden, head_VD.to(at::kFloat));
    std::vector<std::int64_t> sizes = hidden.sizes().vec();
    sizes.back() = head_VD.size(0);
    return headProduct(
        hidden.detach().reshape({ -1, hidden.size(-1) }).contiguous(), head_VD.detach())
        .view(sizes);
}

at::ScalarType fasterWeightType(const Qwen3Shape& shape)
{
    constexpr double kWorthIt = 1.3; // far enough from 1 that noise cannot turn the choice
    if (!thisMachine().has_bf16_instructions
        || shape.hidden_size * shape.intermediate_size < kSmallestBf16Matrix)
        return at::kFloat;
    const c10::AutoGradMode off(false);
    const at::Tensor x = at::ones({ 256, shape.hidden_size }, at::kFloat);
    const at::Tensor weight = at::ones({ shape.intermediate_size, shape.hidden_size }, at::kFloat);
    const double float32 = secondsOf(x, weight);
    const double bfloat16 = secondsOf(x.to(at::kBFloat16), weight.to(at::kBFloat16));
    return float32 > kWorthIt * bfloat16 ? at::kBFloat16 : at::kFloat;
}

} // namespace zen
