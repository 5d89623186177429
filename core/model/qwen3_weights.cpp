#include "core/base/durable_file.h"
#include "core/model/counter_random.h"
#include "core/model/parallel.h"
#include "core/model/qwen3.h"
#include "core/model/weight_slots.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace zen {

namespace {

constexpr double kSpread = 0.02;

void fillExactly(float* to, std::int64_t count, std::uint64_t seed, std::uint64_t stream)
{
    parallelPieces(count, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            to[i] = static_cast<float>(
                kSpread * normalAt(seed, stream, static_cast<std::uint64_t>(i)));
    });
}

/// A norm or a float32 matrix: the whole tensor at once.
void makeWhole(const WeightSlot& slot, std::uint64_t seed, std::uint64_t stream)
{
    at::Tensor tensor = at::ones(slot.sizes, at::kFloat);
    if (slot.kind != WeightKind::norm)
        fillExactly(tensor.data_ptr<float>(), tensor.numel(), seed, stream);
    slot.numbers() = std::move(tensor);
}

/// A matrix in another format, piece by piece.
void makeInPieces(const WeightSlot& slot, const LoadOptions& options, const QuantileNormal& normal,
    at::Tensor& buffer, std::uint64_t seed, std::uint64_t stream)
{
    const bool packed = slot.kind == WeightKind::projection && options.nf4.has_value();
    std::optional<Nf4Packer> packer;
    at::Tensor numbers;
    if (packed)
        packer.emplace(slot.sizes[0], slot.sizes[1], *options.nf4);
    else
        numbers = at::empty(slot.sizes, at::TensorOptions().dtype(options.weight_type));
    const std::uint64_t key = normal.keyOf(seed, stream);
    float* values = buffer.data_ptr<float>();
    for (std::int64_t first = 0; first < slot.count(); first += kWeightPiece) {
        const std::int64_t some = std::min(kWeightPiece, slot.count() - first);
        parallelPieces(some, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
            normal.fill(key, static_cast<std::uint64_t>(first + begin), kSpread, values + begin,
                end - begin);
        });
        if (packed)
            packer->add(values, some);
        else
            numbers.view({ -1 }).narrow(0, first, some).copy_(buffer.narrow(0, 0, some));
    }
    if (packed)
        *slot.matrix = WeightMatrix(packer->finish());
    else
        slot.numbers() = std::move(numbers);
}

struct Shard {
    std::string name;
    std::vector<std::size_t> slots;
};

/// Weights in order, cut where a file would become larger than `shard_bytes`.
std::vector<Shard> shardsOf(
    const std::vector<WeightSlot>& slots, std::size_t element_bytes, std::uint64_t shard_bytes)
{
    std::vector<Shard> shards(1);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const std::uint64_t more = static_cast<std::uint64_t>(slots[i].count()) * element_bytes;
        if (shard_bytes > 0 && bytes > 0 && bytes + more > shard_bytes) {
            shards.emplace_back();
            bytes = 0;
        }
        shards.back().slots.push_back(i);
        bytes += more;
    }
    if (shard_bytes == 0) {
        shards.front().name = "model.safetensors";
        return shards;
    }
    for (std::size_t i = 0; i < shards.size(); ++i) {
        std::array<char, 64> name{};
        std::snprintf(
            name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
        shards[i].name = name.data();
    }
    return shards;
}

std::string indexText(const std::vector<Shard>& shards, const std::vector<WeightSlot>& slots,
    std::size_t element_bytes)
{
    nlohmann::json map = nlohmann::json::object();
    std::uint64_t total = 0;
    for (const Shard& shard : shards) {
        for (const std::size_t slot : shard.slots) {
            map[slots[slot].name] = shard.name;
            total += static_cast<std::uint64_t>(slots[slot].count()) * element_bytes;
        }
    }
    const nlohmann::json index
        = { { "metadata", { { "total_size", total } } }, { "weight_map", map } };
    return index.dump(2) + "\n";
}

} // namespace

Qwen3 Qwen3::random(const Qwen3Shape& shape, std::uint64_t seed, const LoadOptions& options)
{
    const c10::AutoGradMode off(false);
    Qwen3 model;
    model.m_shape = shape;
    const std::vector<WeightSlot> slots = weightSlots(shape, model.m_weights);
    std::optional<QuantileNormal> normal;
    at::Tensor buffer;
    std::uint64_t stream = 0;
    std::int64_t done = 0;
    for (const WeightSlot& slot : slots) {
        const bool packed
            = slot.kind == WeightKind::projection && options.nf4 && !options.trainable;
        if (!packed && slot.typeFor(options) == at::kFloat) {
            makeWhole(slot, seed, stream);
        } else {
            if (!normal) {
                normal.emplace();
                buffer = at::empty({ kWeightPiece }, at::kFloat);
            }
            makeInPieces(slot, options, *normal, buffer, seed, stream);
        }
        ++stream;
        if (options.trainable)
            slot.numbers().set_requires_grad(true);
        done += slot.count();
        if (options.on_progress)
            options.on_progress(
                static_cast<double>(done) / static_cast<double>(shape.parameters()));
    }
    if (shape.tied_embeddings)
        model.m_weights.lm_head_VD = model.m_weights.embedding_VD;
    return model;
}

void Qwen3::forEachWeight(
    const std::function<void(const std::string&, const at::Tensor&)>& visit) const
{
    Qwen3Weights weights = m_weights; // slots point into it
    for (const WeightSlot& slot : weightSlots(m_shape, weights)) {
        if (!slot.isPacked())
            visit(slot.name, slot.numbers());
    }
}

std::uint64_t Qwen3::weightBytes() const
{
    Qwen3Weights weights = m_weights;
    std::uint64_t bytes = 0;
    for (const WeightSlot& slot : weightSlots(m_shape, weights))
        bytes += slot.isPacked() ? slot.matrix->bytes() : slot.numbers().nbytes();
    return bytes;
}

Result<void> Qwen3::save(
    const std::filesystem::path& folder, at::ScalarType type, std::uint64_t shard_bytes) const
{
    Qwen3Shape shape = m_shape;
    shape.dtype = type == at::kBFloat16 ? "bfloat16" : type == at::kHalf ? "float16" : "float32";
    Qwen3Weights weights = m_weights;
    const std::vector<WeightSlot> slots = weightSlots(m_shape, weights);
    if (std::any_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.isPacked(); }))
        return fail(folder.string()
            + ": 4-bit weights are not written; save the adapter and keep the model it was "
              "trained on");
    if (auto written = writeDurably(folder / "config.json", writeShape(shape)); !written)
        return written;
    const std::size_t element_bytes = c10::elementSize(type);
    const std::vector<Shard> shards = shardsOf(slots, element_bytes, shard_bytes);
    for (const Shard& shard : shards) {
        NamedTensors tensors;
        for (const std::size_t slot : shard.slots)
            tensors.emplace(slots[slot].name, slots[slot].numbers().detach().to(type));
        if (auto written = writeTensors(folder / shard.name, tensors, { { "format", "pt" } });
            !written)
            return written;
    }
    if (shard_bytes == 0)
        return {};
    return writeDurably(
        folder / "model.safetensors.index.json", indexText(shards, slots, element_bytes));
}

} // namespace zen
