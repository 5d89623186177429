#include "core/base/durable_file.h"
#include "core/model/counter_random.h"
#include "core/model/parallel.h"
#include "core/model/qwen3.h"
#include "core/model/weight_slots.h"
#include "core/model/work_sizes.h"
#include "core/weights/sharded_writer.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

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

/// The types that save() writes.
TensorType storedType(at::ScalarType type)
{
    return type == at::kBFloat16 ? TensorType::bf16
        : type == at::kHalf      ? TensorType::f16
                                 : TensorType::f32;
}

const char* nameInConfig(TensorType type)
{
    return type == TensorType::bf16 ? "bfloat16" : type == TensorType::f16 ? "float16" : "float32";
}

Result<void> append(ShardedWriter& writer, const at::Tensor& numbers, at::ScalarType type)
{
    const at::Tensor flat = numbers.detach().contiguous().view({ -1 });
    for (std::int64_t first = 0; first < flat.numel(); first += kWeightPiece) {
        const at::Tensor piece
            = flat.narrow(0, first, std::min(kWeightPiece, flat.numel() - first)).to(type);
        auto written
            = writer.append({ static_cast<const std::byte*>(piece.data_ptr()), piece.nbytes() });
        if (!written)
            return written;
    }
    return {};
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
    const TensorType stored = storedType(type);
    Qwen3Shape shape = m_shape;
    shape.dtype = nameInConfig(stored);
    Qwen3Weights weights = m_weights;
    std::vector<WeightSlot> slots = weightSlots(m_shape, weights);
    if (std::any_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.isPacked(); }))
        return fail(folder.string()
            + ": 4-bit weights are not written; save the adapter and keep the model it was "
              "trained on");
    if (auto written = writeDurably(folder / "config.json", writeShape(shape)); !written)
        return written;
    std::sort(slots.begin(), slots.end(),
        [](const WeightSlot& a, const WeightSlot& b) { return a.name < b.name; });
    std::vector<TensorPlan> plans;
    for (const WeightSlot& slot : slots)
        plans.push_back({ slot.name, stored, slot.sizes });
    auto writer = ShardedWriter::create(folder, std::move(plans),
        shard_bytes > 0 ? shard_bytes : std::numeric_limits<std::uint64_t>::max());
    if (!writer)
        return tl::unexpected(writer.error());
    for (const WeightSlot& slot : slots)
        if (auto written = append(*writer, slot.numbers(), scalarTypeOf(stored)); !written)
            return written;
    return writer->finish();
}

} // namespace zen
