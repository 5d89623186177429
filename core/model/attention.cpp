#include "core/model/decoder_layer.h"
#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace zen {

namespace {

constexpr std::int64_t kMostLanes
    = 64; // fixed, so that sums do not depend on the number of threads

/// One key-value head of one row, and the query heads that share it.
struct HeadTask {
    const LayerCall& call;
    const LayerActivations& kept;
    std::int64_t begin; ///< first token in the packed batch
    std::int64_t tokens;
    std::int64_t kv_head;

    std::int64_t headSize() const { return call.batch->shape.head_dim; }
    std::int64_t heads() const { return call.batch->shape.num_heads; }
    std::int64_t kvHeads() const { return call.batch->shape.num_kv_heads; }
    std::int64_t sharing() const { return heads() / kvHeads(); }
    float eps() const { return static_cast<float>(call.batch->shape.rms_norm_eps); }
    float scale() const { return 1.0f / std::sqrt(static_cast<float>(headSize())); }

    const float* query(std::int64_t token, std::int64_t head) const
    {
        return kept.q_NHE.data_ptr<float>() + ((begin + token) * heads() + head) * headSize();
    }
    const float* key(std::int64_t token) const
    {
        return kept.k_NKE.data_ptr<float>() + ((begin + token) * kvHeads() + kv_head) * headSize();
    }
    const float* value(std::int64_t token) const
    {
        return kept.v_NKE.data_ptr<float>() + ((begin + token) * kvHeads() + kv_head) * headSize();
    }

    /// Normed, rotated, scaled queries of one head, [count, E].
    void rotatedQueries(std::int64_t first, std::int64_t count, std::int64_t head, float* to) const
    {
        const RotaryTable& rotary = call.batch->rotary;
        for (std::int64_t t = first; t < first + count; ++t)
            kernels().normRotate(query(t, head), call.weights->q_norm_E.data_ptr<float>(),
                rotary.cosineAt(t), rotary.sineAt(t), to + (t - first) * headSize(), headSize(),
                eps(), scale());
    }
    void rotatedKeys(float* to) const
    {
        const RotaryTable& rotary = call.batch->rotary;
        for (std::int64_t t = 0; t < tokens; ++t)
            kernels().normRotate(key(t), call.weights->k_norm_E.data_ptr<float>(),
                rotary.cosineAt(t), rotary.sineAt(t), to + t * headSize(), headSize(), eps(), 1.0f);
    }
};

/// A matrix [rows, columns] in panels, taken from `scratch`.
PanelMatrix packed(
    Scratch& scratch, std::int64_t rows, std::int64_t columns, const StridedMatrix& from)
{
    const Kernels& run = kernels();
    float* panels = scratch.floats((columns + run.panel - 1) / run.panel * run.panel * rows);
    run.pack(rows, columns, from, panels);
    return { panels, run.panel, run.panel * rows };
}

template <class Task>
void forHeads(const LayerCall& call, const LayerActivations& kept, const Task& task)
{
    const PackedRows& rows = call.batch->packed;
    const std::int64_t kv_heads = call.batch->shape.num_kv_heads;
    const std::int64_t tasks = rows.rows * kv_heads;
    const std::int64_t lanes = std::min(tasks, kMostLanes);
    parallelFor(lanes, [&](std::int64_t lane) {
        for (std::int64_t i = tasks * lane / lanes; i < tasks * (lane + 1) / lanes; ++i) {
            const auto row = static_cast<std::size_t>(i / kv_heads);
            const std::int64_t begin = rows.row_begin[row];
            const std::int64_t tokens = rows.row_begin[row + 1] - begin;
            if (tokens > 0)
                task(HeadTask{ call, kept, begin, tokens, i % kv_heads }, lane);
        }
    });
}

void attendHead(const HeadTask& task, float* attention, float* log_sums)
{
    const Kernels& run = kernels();
    const std::int64_t e = task.headSize(), tokens = task.tokens, heads = task.heads();
    Scratch scratch;
    float* keys = scratch.floats(tokens * e);
    task.rotatedKeys(keys);
    const PanelMatrix keys_ET = packed(scratch, e, tokens, { keys, 1, e });
    const PanelMatrix values_TE
        = packed(scratch, tokens, e, { task.value(0), task.kvHeads() * e, 1 });
    float* queries = scratch.floats(kQueryBlock * e);
    float* scores = scratch.floats(kQueryBlock * tokens);
    for (std::int64_t head = task.kv_head * task.sharing();
         head < (task.kv_head + 1) * task.sharing(); ++head) {
        for (std::int64_t first = 0; first < tokens; first += kQueryBlock) {
            const std::int64_t count = std::min(kQueryBlock, tokens - first), seen = first + count;
            task.rotatedQueries(first, count, head, queries);
            run.multiply(count, seen, e, { queries, e, 1 }, keys_ET, scores, tokens, false);
            for (std::int64_t i = 0; i < count; ++i)
                log_sums[(task.begin + first + i) * heads + head]
                    = run.softmax(scores + i * tokens, first + i + 1, seen);
            run.multiply(count, e, seen, { scores, tokens, 1 }, values_TE,
                attention + ((task.begin + first) * heads + head) * e, heads * e, false);
        }
    }
}

struct HeadGradients {
    const float* d_attention;
    float *dq, *dk, *dv;
    float *q_norm, *k_norm; ///< this lane's sums, or null
};

/// The part of attendHeadBackward that belongs to one block of queries.
struct BlockBackward {
    const HeadTask& task;
    const HeadGradients& to;
    PanelMatrix keys_ET, keys_TE, values_ET;
    float *dk_TE, *dv_TE;

    void run(std::int64_t head, std::int64_t first, std::int64_t count) const
    {
        const Kernels& run = kernels();
        const std::int64_t e = task.headSize(), tokens = task.tokens, heads = task.heads(),
                           seen = first + count;
        const std::int64_t place = ((task.begin + first) * heads + head) * e;
        const float* output = task.kept.attention_NHE.data_ptr<float>() + place;
        const float* d_output = to.d_attention + place;
        Scratch scratch;
        float* queries = scratch.floats(count * e);
        float* p = scratch.floats(count * tokens);
        float* ds = scratch.floats(count * tokens);
        float* dq = scratch.floats(count * e);
        task.rotatedQueries(first, count, head, queries);
        run.multiply(count, seen, e, { queries, e, 1 }, keys_ET, p, tokens, false);
        run.multiply(count, seen, e, { d_output, heads * e, 1 }, values_ET, ds, tokens, false);
        for (std::int64_t i = 0; i < count; ++i) {
            const float log_sum
                = task.kept.log_sums_NH.data_ptr<float>()[(task.begin + first + i) * heads + head];
            run.softmaxFrom(p + i * tokens, log_sum, first + i + 1, seen);
            const float delta = run.dot(d_output + i * heads * e, output + i * heads * e, e);
            for (std::int64_t j = 0; j < seen; ++j)
                ds[i * tokens + j] = p[i * tokens + j] * (ds[i * tokens + j] - delta);
        }
        run.multiply(count, e, seen, { ds, tokens, 1 }, keys_TE, dq, e, false);
        const PanelMatrix d_output_CE = packed(scratch, count, e, { d_output, heads * e, 1 });
        run.multiply(seen, e, count, { p, 1, tokens }, d_output_CE, dv_TE, e, true);
        const PanelMatrix queries_CE = packed(scratch, count, e, { queries, e, 1 });
        run.multiply(seen, e, count, { ds, 1, tokens }, queries_CE, dk_TE, e, true);
        const RotaryTable& rotary = task.call.batch->rotary;
        for (std::int64_t i = 0; i < count; ++i)
            run.normRotateBackward(task.query(first + i, head),
                task.call.weights->q_norm_E.data_ptr<float>(), rotary.cosineAt(first + i),
                rotary.sineAt(first + i), dq + i * e, to.dq + place + i * heads * e, to.q_norm, e,
                task.eps(), task.scale());
    }
};

void attendHeadBackward(const HeadTask& task, const HeadGradients& to)
{
    const Kernels& run = kernels();
    const std::int64_t e = task.headSize(), tokens = task.tokens, kv_stride = task.kvHeads() * e;
    Scratch scratch;
    float* keys = scratch.floats(tokens * e);
    task.rotatedKeys(keys);
    const BlockBackward block = { task, to, packed(scratch, e, tokens, { keys, 1, e }),
        packed(scratch, tokens, e, { keys, e, 1 }),
        packed(scratch, e, tokens, { task.value(0), 1, kv_stride }), scratch.zeros(tokens * e),
        scratch.zeros(tokens * e) };
    for (std::int64_t head = task.kv_head * task.sharing();
         head < (task.kv_head + 1) * task.sharing(); ++head) {
        for (std::int64_t first = 0; first < tokens; first += kQueryBlock)
            block.run(head, first, std::min(kQueryBlock, tokens - first));
    }
    const RotaryTable& rotary = task.call.batch->rotary;
    for (std::int64_t t = 0; t < tokens; ++t) {
        const std::int64_t place = (task.begin + t) * kv_stride + task.kv_head * e;
        run.normRotateBackward(task.key(t), task.call.weights->k_norm_E.data_ptr<float>(),
            rotary.cosineAt(t), rotary.sineAt(t), block.dk_TE + t * e, to.dk + place, to.k_norm, e,
            task.eps(), 1.0f);
        std::memcpy(
            to.dv + place, block.dv_TE + t * e, static_cast<std::size_t>(e) * sizeof(float));
    }
}

} // namespace

void attentionForward(const LayerCall& call, LayerActivations& kept)
{
    float* attention = kept.attention_NHE.data_ptr<float>();
    float* log_sums = kept.log_sums_NH.data_ptr<float>();
    forHeads(call, kept,
        [&](const HeadTask& task, std::int64_t) { attendHead(task, attention, log_sums); });
}

void attentionBackward(const LayerCall& call, const LayerActivations& kept,
    const at::Tensor& d_attention_NHE, at::Tensor& dq_NHE, at::Tensor& dk_NKE, at::Tensor& dv_NKE,
    float* q_norm_gradient, float* k_norm_gradient)
{
    const std::int64_t e = call.batch->shape.head_dim;
    std::vector<float> lane_sums(static_cast<std::size_t>(2 * e * kMostLanes), 0.0f);
    forHeads(call, kept, [&](const HeadTask& task, std::int64_t lane) {
        float* sums = lane_sums.data() + 2 * e * lane;
        attendHeadBackward(task,
            { d_attention_NHE.data_ptr<float>(), dq_NHE.data_ptr<float>(), dk_NKE.data_ptr<float>(),
                dv_NKE.data_ptr<float>(), q_norm_gradient == nullptr ? nullptr : sums,
                k_norm_gradient == nullptr ? nullptr : sums + e });
    });
    for (std::int64_t lane = 0; q_norm_gradient != nullptr && lane < kMostLanes; ++lane) {
        for (std::int64_t i = 0; i < e; ++i) {
            q_norm_gradient[i] += lane_sums[static_cast<std::size_t>(2 * e * lane + i)];
            k_norm_gradient[i] += lane_sums[static_cast<std::size_t>(2 * e * lane + e + i)];
        }
    }
}

} // namespace zen
