#include "core/rollout/decoder.h"

#include "core/model/decoder_layer.h"
#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace zen {

namespace {

/// The embedding's row of `id`, as float32.
void embedRow(const at::Tensor& embedding_VD, std::int64_t id, float* to)
{
    const std::int64_t d = embedding_VD.size(1);
    if (embedding_VD.scalar_type() == at::kFloat) {
        std::memcpy(to, embedding_VD.data_ptr<float>() + id * d,
            static_cast<std::size_t>(d) * sizeof(float));
        return;
    }
    const auto* from = static_cast<const at::BFloat16*>(embedding_VD.data_ptr()) + id * d;
    for (std::int64_t i = 0; i < d; ++i)
        to[i] = static_cast<float>(from[i]);
}

void addToken(CachedTokens& tokens, CacheBlocks& blocks)
{
    if (tokens.count % kCacheBlock == 0)
        tokens.blocks.push_back(blocks.take());
    ++tokens.count;
}

/// Copies one layer's keys and values of the prompts that a forward pass has just run into their
/// caches.
void cacheLayer(
    const LayerCall& call, const LayerActivations& kept, CacheBlocks& blocks, CachedTokens* caches)
{
    const BatchContext& batch = *call.batch;
    const Qwen3Shape& shape = batch.shape;
    const std::int64_t e = shape.head_dim, heads = shape.num_kv_heads;
    parallelFor(batch.packed.rows, [&](std::int64_t row) {
        const std::int64_t begin = batch.packed.row_begin[static_cast<std::size_t>(row)];
        const std::int64_t end = batch.packed.row_begin[static_cast<std::size_t>(row) + 1];
        Scratch scratch;
        float* key = scratch.floats(e);
        for (std::int64_t token = begin; token < end; ++token) {
            const std::int64_t position = token - begin;
            CacheBlock& block
                = caches[row].blocks[static_cast<std::size_t>(position / kCacheBlock)];
            for (std::int64_t head = 0; head < heads; ++head) {
                const std::int64_t at = (token * heads + head) * e;
                kernels().normRotate(kept.k_NKE.data_ptr<float>() + at,
                    call.weights->k_norm_E.data_ptr<float>(), batch.rotary.cosineAt(position),
                    batch.rotary.sineAt(position), key, e, static_cast<float>(shape.rms_norm_eps),
                    1.0f);
                blocks.store(block, call.layer, head, position % kCacheBlock, key,
                    kept.v_NKE.data_ptr<float>() + at);
            }
        }
    });
}

} // namespace

Decoder::Decoder(const Qwen3& model, bool use_adapter, std::int64_t longest)
    : m_model(model)
    , m_use_adapter(use_adapter && model.adapter().has_value())
    , m_in_panels(model.weights().layers.front().projections[0].isFloat32()
          && model.shape().parameters() <= kSmallModel)
    , m_rotary(rotaryTable(model.shape(), longest))
    , m_blocks(model.shape(),
          model.weights().embedding_VD.scalar_type() == at::kFloat ? CacheType::float32
                                                                   : CacheType::bfloat16)
{
    const Qwen3Weights& weights = model.weights();
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
        Layer prepared;
        prepared.weights = &weights.layers[layer];
        const LayerPairs* pairs = m_use_adapter ? &model.adapter()->layers[layer] : nullptr;
        const auto made = [&](const WeightMatrix& weight, const LoraPair& pair) {
            return std::make_shared<DecodeMatrix>(
                weight, pair, m_use_adapter ? model.adapter()->scale : 1.0, m_in_panels);
        };
        const bool sparse = prepared.weights->isSparse();
        for (std::size_t p = 0; p < kProjections; ++p) {
            if (!sparse || !isInMlp(static_cast<Projection>(p)))
                prepared.matrices[p] = made(prepared.weights->projections[p],
                    pairs == nullptr ? LoraPair{} : pairs->projections[p]);
        }
        if (sparse)
            prepared.router = made(WeightMatrix(prepared.weights->router_XD), {});
        prepared.experts.resize(prepared.weights->experts.size());
        for (std::size_t expert = 0; expert < prepared.experts.size(); ++expert) {
            for (std::size_t p = 0; p < kExpertProjections; ++p)
                prepared.experts[expert][p] = made(prepared.weights->experts[expert][p],
                    pairs == nullptr || pairs->experts.empty() ? LoraPair{}
                                                               : pairs->experts[expert][p]);
        }
        m_layers.push_back(std::move(prepared));
    }
    m_head = std::make_unique<DecodeMatrix>(
        WeightMatrix(weights.lm_head_VD), LoraPair{}, 1.0, m_in_panels);
}

at::Tensor Decoder::prefill(
    const std::vector<std::vector<std::int64_t>>& prompts, std::vector<CachedTokens>& caches)
{
    const Qwen3Shape& shape = m_model.shape();
    const std::int64_t d = shape.hidden_size;
    at::Tensor last_PD = at::empty({ static_cast<std::int64_t>(prompts.size()), d }, at::kFloat);
    caches.resize(prompts.size());
    for (std::size_t first = 0; first < prompts.size();) {
        BatchContext batch;
        batch.shape = shape;
        batch.packed.row_begin = { 0 };
        std::vector<std::int64_t> ids;
        std::size_t next = first;
        while (next < prompts.size()
            && (next == first
                || static_cast<std::int64_t>(ids.size() + prompts[next].size())
                    <= kPrefillTokens)) {
            ids.insert(ids.end(), prompts[next].begin(), prompts[next].end());
            batch.packed.row_begin.push_back(static_cast<std::int64_t>(ids.size()));
            for (std::size_t i = 0; i < prompts[next].size(); ++i)
                addToken(caches[next], m_blocks);
            ++next;
        }
        batch.packed.rows = static_cast<std::int64_t>(next - first);
        batch.packed.tokens = batch.packed.real_tokens = static_cast<std::int64_t>(ids.size());
        batch.rotary = m_rotary;
        at::Tensor x_ND = m_model.weights()
                              .embedding_VD.detach()
                              .index_select(0, at::tensor(ids, at::kLong))
                              .to(at::kFloat);
        for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
            const LayerCall call = { &batch, m_layers[layer].weights,
                m_use_adapter ? &m_model.adapter()->layers[layer] : nullptr,
                m_use_adapter ? m_model.adapter()->scale : 1.0, {},
                static_cast<std::int64_t>(layer) };
            LayerActivations kept;
            x_ND = layerForward(call, x_ND, kept);
            cacheLayer(call, kept, m_blocks, caches.data() + first);
        }
        for (std::size_t prompt = first; prompt < next; ++prompt) {
            const std::int64_t last = batch.packed.row_begin[prompt - first + 1] - 1;
            normed(x_ND.data_ptr<float>() + last * d, m_model.weights().final_norm_D,
                last_PD.data_ptr<float>() + static_cast<std::int64_t>(prompt) * d, 1);
        }
        first = next;
    }
    return last_PD;
}

void Decoder::normed(const float* x, const at::Tensor& weight_D, float* y, std::int64_t rows) const
{
    kernels().rmsNorm(x, weight_D.data_ptr<float>(), y, rows, m_model.shape().hidden_size,
        static_cast<float>(m_model.shape().rms_norm_eps));
}

void Decoder::draw(const float* hidden, DecodingRow* const* rows, std::int64_t count,
    const DrawOptions& options) const
{
    const std::int64_t v = m_head->out();
    Scratch scratch;
    float* logits = scratch.floats(count * v);
    m_head->apply(hidden, count, logits, false);
    parallelFor(count, [&](std::int64_t i) {
        rows[i]->sampled
            = sampleRow(logits + i * v, v, options.limit, options.sampling, rows[i]->key);
    });
}

void Decoder::drawFirst(const std::vector<DecodingRow*>& rows,
    const std::vector<const float*>& hidden_D, const DrawOptions& options) const
{
    constexpr std::int64_t kTile = 32;
    const std::int64_t d = m_model.shape().hidden_size;
    const auto tile = [&](std::int64_t begin, std::int64_t end) {
        Scratch scratch;
        float* hidden = scratch.floats((end - begin) * d);
        for (std::int64_t i = begin; i < end; ++i)
            std::memcpy(hidden + (i - begin) * d, hidden_D[static_cast<std::size_t>(i)],
                static_cast<std::size_t>(d) * sizeof(float));
        draw(hidden, rows.data() + begin, end - begin, options);
    };
    const auto count = static_cast<std::int64_t>(rows.size());
    if (m_in_panels)
        return parallelPieces(count, kTile, tile);
    for (std::int64_t begin = 0; begin < count; begin += kTile)
        tile(begin, std::min(begin + kTile, count));
}

void Decoder::attend(std::int64_t layer, std::int64_t kv_head, const DecodingRow& row,
    const float* queries, float* attention) const
{
    const Kernels& run = kernels();
    const std::int64_t e = m_model.shape().head_dim;
    const std::int64_t sharing = m_model.shape().num_heads / m_model.shape().num_kv_heads;
    const std::int64_t tokens = row.prompt->count + row.own.count;
    Scratch scratch;
    float* scores = scratch.floats(sharing * tokens);
    float* place = scratch.floats(m_blocks.widenedSize());
    const auto forBlocks = [&](const auto& visit) {
        std::int64_t begin = 0;
        for (const CachedTokens* part : { row.prompt, &row.own }) {
            for (std::int64_t first = 0; first < part->count; first += kCacheBlock) {
                const std::int64_t some = std::min(kCacheBlock, part->count - first);
                visit(part->blocks[static_cast<std::size_t>(first / kCacheBlock)], begin, some);
                begin += some;
            }
        }
    };
    forBlocks([&](const CacheBlock& block, std::int64_t begin, std::int64_t some) {
        run.multiply(sharing, some, e, { queries, e, 1 },
            m_blocks.keys(block, layer, kv_head, place), scores + begin, tokens, false);
    });
    for (std::int64_t i = 0; i < sharing; ++i)
        run.softmax(scores + i * tokens, tokens, tokens);
    forBlocks([&](const CacheBlock& block, std::int64_t begin, std::int64_t some) {
        run.multiply(sharing, e, some, { scores + begin, tokens, 1 },
            m_blocks.values(block, layer, kv_head, place), attention, e, begin > 0);
    });
}

void Decoder::attendTile(std::int64_t layer, DecodingRow* const* rows, std::int64_t count,
    const float* normed_RD, float* attention) const
{
    const Qwen3Shape& shape = m_model.shape();
    const Layer& prepared = m_layers[static_cast<std::size_t>(layer)];
    const std::int64_t e = shape.head_dim, heads = shape.num_heads, kv_heads = shape.num_kv_heads;
    const std::int64_t sharing = heads / kv_heads;
    const auto eps = static_cast<float>(shape.rms_norm_eps);
    const float scale = 1.0f / std::sqrt(static_cast<float>(e));
    Scratch scratch;
    float* q = scratch.floats(count * heads * e);
    float* k = scratch.floats(count * kv_heads * e);
    float* v = scratch.floats(count * kv_heads * e);
    prepared.at(Projection::q).apply(normed_RD, count, q, false);
    prepared.at(Projection::k).apply(normed_RD, count, k, false);
    prepared.at(Projection::v).apply(normed_RD, count, v, false);
    parallelFor(count * kv_heads, [&](std::int64_t task) {
        const std::int64_t i = task / kv_heads, head = task % kv_heads;
        DecodingRow& row = *rows[i];
        const std::int64_t index = row.own.count - 1, position = row.prompt->count + index;
        const float *cosine = m_rotary.cosineAt(position), *sine = m_rotary.sineAt(position);
        Scratch own;
        float* key = own.floats(e);
        float* queries = own.floats(sharing * e);
        kernels().normRotate(k + (i * kv_heads + head) * e,
            prepared.weights->k_norm_E.data_ptr<float>(), cosine, sine, key, e, eps, 1.0f);
        m_blocks.store(row.own.blocks.back(), layer, head, index % kCacheBlock, key,
            v + (i * kv_heads + head) * e);
        for (std::int64_t j = 0; j < sharing; ++j)
            kernels().normRotate(q + (i * heads + head * sharing + j) * e,
                prepared.weights->q_norm_E.data_ptr<float>(), cosine, sine, queries + j * e, e, eps,
                scale);
        attend(layer, head, row, queries, attention + (i * heads + head * sharing) * e);
    });
}

void Decoder::mlpTile(const Layer& layer, const float* norm, std::int64_t count, float* x) const
{
    const std::int64_t inner = m_model.shape().intermediate_size;
    Scratch scratch;
    float* gate = scratch.floats(count * inner);
    float* up = scratch.floats(count * inner);
    layer.at(Projection::gate).apply(norm, count, gate, false);
    layer.at(Projection::up).apply(norm, count, up, false);
    kernels().swiglu(gate, up, gate, count * inner);
    layer.at(Projection::down).apply(gate, count, x, true);
}

/// The experts one after the other, each on its rows.
void Decoder::expertsTile(const Layer& layer, const float* norm, std::int64_t count, float* x) const
{
    const Qwen3Shape& shape = m_model.shape();
    const std::int64_t d = shape.hidden_size, inner = shape.moe_intermediate_size;
    std::vector<float> logits(static_cast<std::size_t>(count * shape.num_experts));
    layer.router->apply(norm, count, logits.data(), false);
    const Routing routing = routeTokens(shape, std::move(logits));
    for (std::size_t expert = 0; expert < layer.experts.size(); ++expert) {
        const std::int64_t begin = routing.expert_begin[expert],
                           some = routing.expert_begin[expert + 1] - begin;
        if (some == 0)
            continue;
        Scratch scratch;
        float* rows = scratch.floats(some * d);
        float* gate = scratch.floats(some * inner);
        float* up = scratch.floats(some * inner);
        const std::int64_t* tokens = routing.token_S.data() + begin;
        for (std::int64_t i = 0; i < some; ++i)
            std::memcpy(
                rows + i * d, norm + tokens[i] * d, static_cast<std::size_t>(d) * sizeof(float));
        const auto& [gate_matrix, up_matrix, down_matrix] = layer.experts[expert];
        gate_matrix->apply(rows, some, gate, false);
        up_matrix->apply(rows, some, up, false);
        kernels().swiglu(gate, up, gate, some * inner);
        down_matrix->apply(gate, some, rows, false);
        for (std::int64_t i = 0; i < some; ++i)
            kernels().addScaled(routing.weight_S[static_cast<std::size_t>(begin + i)], rows + i * d,
                x + tokens[i] * d, d);
    }
}

void Decoder::stepTile(
    DecodingRow* const* rows, std::int64_t count, const DrawOptions& options) const
{
    const Qwen3Shape& shape = m_model.shape();
    const std::int64_t d = shape.hidden_size;
    Scratch scratch;
    float* x = scratch.floats(count * d);
    float* norm = scratch.floats(count * d);
    float* attention = scratch.floats(count * shape.num_heads * shape.head_dim);
    for (std::int64_t i = 0; i < count; ++i)
        embedRow(m_model.weights().embedding_VD, rows[i]->last_id, x + i * d);
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        const Layer& prepared = m_layers[layer];
        normed(x, prepared.weights->input_norm_D, norm, count);
        attendTile(static_cast<std::int64_t>(layer), rows, count, norm, attention);
        prepared.at(Projection::o).apply(attention, count, x, true);
        normed(x, prepared.weights->post_attention_norm_D, norm, count);
        if (prepared.router)
            expertsTile(prepared, norm, count, x);
        else
            mlpTile(prepared, norm, count, x);
    }
    normed(x, m_model.weights().final_norm_D, norm, count);
    draw(norm, rows, count, options);
}

void Decoder::step(const std::vector<DecodingRow*>& rows, const DrawOptions& options)
{
    for (DecodingRow* row : rows)
        addToken(row->own, m_blocks);
    const auto count = static_cast<std::int64_t>(rows.size());
    if (!m_in_panels)
        return stepTile(rows.data(), count, options);
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t tile = std::clamp<std::int64_t>((count + threads - 1) / threads, 8, 64);
    parallelPieces(count, tile, [&](std::int64_t begin, std::int64_t end) {
        stepTile(rows.data() + begin, end - begin, options);
    });
}

} // namespace zen
