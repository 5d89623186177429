#include "core/base/durable_file.h"
#include "core/model/counter_random.h"
#include "core/model/parallel.h"
#include "core/model/projection.h"
#include "core/model/qwen3.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace zen {

namespace {

/// One weight of the model: its name in the file, its shape, and where it lives in Qwen3Weights.
struct WeightSlot {
    std::string name;
    std::vector<std::int64_t> sizes;
    at::Tensor* tensor = nullptr;
    bool is_norm = false;
};

std::string layerPrefix(std::size_t layer)
{
    return "model.layers." + std::to_string(layer) + ".";
}

std::string projectionName(std::size_t layer, Projection projection)
{
    const bool in_mlp = projection == Projection::gate || projection == Projection::up
        || projection == Projection::down;
    return layerPrefix(layer) + (in_mlp ? "mlp." : "self_attn.") + std::string(nameOf(projection))
        + ".weight";
}

/// Every weight in a fixed order; a tied head has no slot.
std::vector<WeightSlot> weightSlots(const Qwen3Shape& shape, Qwen3Weights& weights)
{
    const std::int64_t d = shape.hidden_size, e = shape.head_dim, v = shape.vocab_size;
    weights.layers.resize(static_cast<std::size_t>(shape.num_layers));
    std::vector<WeightSlot> slots
        = { { "model.embed_tokens.weight", { v, d }, &weights.embedding_VD } };
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
        LayerWeights& to = weights.layers[layer];
        const std::string prefix = layerPrefix(layer);
        slots.push_back({ prefix + "input_layernorm.weight", { d }, &to.input_norm_D, true });
        for (std::size_t p = 0; p < kProjections; ++p) {
            const auto projection = static_cast<Projection>(p);
            const ProjectionSize size = sizeOf(shape, projection);
            slots.push_back(
                { projectionName(layer, projection), { size.out, size.in }, &to.projections[p] });
        }
        slots.push_back({ prefix + "self_attn.q_norm.weight", { e }, &to.q_norm_E, true });
        slots.push_back({ prefix + "self_attn.k_norm.weight", { e }, &to.k_norm_E, true });
        slots.push_back(
            { prefix + "post_attention_layernorm.weight", { d }, &to.post_attention_norm_D, true });
    }
    slots.push_back({ "model.norm.weight", { d }, &weights.final_norm_D, true });
    if (!shape.tied_embeddings)
        slots.push_back({ "lm_head.weight", { v, d }, &weights.lm_head_VD });
    return slots;
}

std::string shapeText(const std::vector<std::int64_t>& sizes)
{
    std::string text = "[";
    for (std::size_t i = 0; i < sizes.size(); ++i)
        text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
    return text + "]";
}

bool isFloating(TensorType type)
{
    return type == TensorType::f32 || type == TensorType::bf16 || type == TensorType::f16
        || type == TensorType::f64;
}

std::string entryProblem(const TensorEntry& entry, const std::vector<std::int64_t>& sizes)
{
    if (!isFloating(entry.type))
        return entry.name + " holds " + std::string(nameOf(entry.type))
            + "; F32, BF16 or F16 is expected";
    if (entry.shape != sizes)
        return entry.name + " is " + shapeText(entry.shape) + "; config.json says "
            + shapeText(sizes);
    return {};
}

/// Compares what the files hold with what config.json asks for, before anything is allocated.
Result<void> checkTensors(const CheckpointFolder& checkpoint, const Qwen3Shape& shape,
    const std::vector<WeightSlot>& slots)
{
    std::vector<std::string> problems;
    std::map<std::string_view, const WeightSlot*> expected;
    for (const WeightSlot& slot : slots) {
        expected.emplace(slot.name, &slot);
        const auto shard = checkpoint.shard_of.find(slot.name);
        if (shard == checkpoint.shard_of.end()) {
            problems.push_back(slot.name + " is missing");
            continue;
        }
        const std::string problem
            = entryProblem(*checkpoint.shards[shard->second].find(slot.name), slot.sizes);
        if (!problem.empty())
            problems.push_back(problem);
    }
    for (const auto& [name, shard] : checkpoint.shard_of) {
        if (expected.contains(name))
            continue;
        const bool tied_head = shape.tied_embeddings && name == "lm_head.weight";
        const std::string problem = tied_head
            ? entryProblem(
                *checkpoint.shards[shard].find(name), { shape.vocab_size, shape.hidden_size })
            : name.substr(0, 120) + " is not part of a Qwen3 model of this shape";
        if (!problem.empty())
            problems.push_back(problem);
    }
    if (problems.empty())
        return {};
    constexpr std::size_t kShown = 10;
    std::string message = checkpoint.folder.string() + ": the weights do not fit config.json:";
    for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i)
        message += "\n  " + problems[i];
    if (problems.size() > kShown)
        message += "\n  and " + std::to_string(problems.size() - kShown) + " more";
    return fail(message);
}

at::Tensor prepared(at::Tensor tensor, const WeightSlot& slot, const LoadOptions& options)
{
    tensor = tensor.to(slot.is_norm || options.trainable ? at::kFloat : options.weight_type)
                 .contiguous();
    if (options.trainable)
        tensor.set_requires_grad(true);
    return tensor;
}

/// N(0, 0.02) in `type`, a piece at a time: nothing but the tensor itself is as large as it.
at::Tensor normalTensor(const std::vector<std::int64_t>& sizes, at::ScalarType type,
    std::uint64_t seed, std::uint64_t stream)
{
    at::Tensor tensor = at::empty(sizes, type);
    at::Tensor flat = tensor.view({ -1 });
    parallelPieces(flat.numel(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
        at::Tensor piece = at::empty({ end - begin }, at::kFloat);
        float* to = piece.data_ptr<float>();
        for (std::int64_t i = begin; i < end; ++i)
            to[i - begin]
                = static_cast<float>(0.02 * normalAt(seed, stream, static_cast<std::uint64_t>(i)));
        flat.narrow(0, begin, end - begin).copy_(piece);
    });
    return tensor;
}

Result<void> readWeights(const CheckpointFolder& checkpoint, const std::vector<WeightSlot>& slots,
    const LoadOptions& options)
{
    std::size_t done = 0;
    for (const WeightSlot& slot : slots) {
        const SafetensorsFile& shard = checkpoint.shards[checkpoint.shard_of.at(slot.name)];
        auto tensor = readTensor(shard, *shard.find(slot.name));
        if (!tensor)
            return tl::unexpected(tensor.error());
        *slot.tensor = prepared(std::move(*tensor), slot, options);
        if (options.on_progress)
            options.on_progress(static_cast<double>(++done) / static_cast<double>(slots.size()));
    }
    return {};
}

} // namespace

Result<Qwen3> Qwen3::load(const CheckpointFolder& checkpoint, const LoadOptions& options)
{
    auto shape = readShape(checkpoint.folder);
    if (!shape)
        return tl::unexpected(shape.error());
    if (shape->isMoe())
        return fail(checkpoint.folder.string()
            + ": a mixture of experts (num_experts = " + std::to_string(shape->num_experts)
            + ") cannot be trained by this version. Choose a dense Qwen3 model (model_type "
              "qwen3).");
    Qwen3 model;
    model.m_shape = *shape;
    try {
        const std::vector<WeightSlot> slots = weightSlots(*shape, model.m_weights);
        if (auto checked = checkTensors(checkpoint, *shape, slots); !checked)
            return tl::unexpected(checked.error());
        if (auto read = readWeights(checkpoint, slots, options); !read)
            return tl::unexpected(read.error());
    } catch (const std::exception& error) {
        return fail(checkpoint.folder.string() + ": not enough memory for "
            + std::to_string(shape->parameters())
            + " parameters: " + std::string(error.what()).substr(0, 200));
    }
    if (shape->tied_embeddings)
        model.m_weights.lm_head_VD = model.m_weights.embedding_VD;
    return model;
}

Qwen3 Qwen3::random(const Qwen3Shape& shape, std::uint64_t seed, const LoadOptions& options)
{
    Qwen3 model;
    model.m_shape = shape;
    std::uint64_t stream = 0;
    for (const WeightSlot& slot : weightSlots(shape, model.m_weights)) {
        at::Tensor tensor = slot.is_norm
            ? at::ones(slot.sizes, at::kFloat)
            : normalTensor(
                slot.sizes, options.trainable ? at::kFloat : options.weight_type, seed, stream);
        ++stream;
        *slot.tensor = prepared(std::move(tensor), slot, options);
    }
    if (shape.tied_embeddings)
        model.m_weights.lm_head_VD = model.m_weights.embedding_VD;
    return model;
}

void Qwen3::forEachWeight(
    const std::function<void(const std::string&, const at::Tensor&)>& visit) const
{
    Qwen3Weights weights = m_weights; // slots point into it
    for (const WeightSlot& slot : weightSlots(m_shape, weights))
        visit(slot.name, *slot.tensor);
}

Result<void> Qwen3::save(const std::filesystem::path& folder, at::ScalarType type) const
{
    Qwen3Shape shape = m_shape;
    shape.dtype = type == at::kBFloat16 ? "bfloat16" : type == at::kHalf ? "float16" : "float32";
    NamedTensors tensors;
    forEachWeight([&](const std::string& name, const at::Tensor& weight) {
        tensors.emplace(name, weight.detach().to(type));
    });
    if (auto written = writeDurably(folder / "config.json", writeShape(shape)); !written)
        return written;
    return writeTensors(folder / "model.safetensors", tensors, { { "format", "pt" } });
}

} // namespace zen
