#include "core/model/out_of_memory.h"
#include "core/model/packed_source.h"
#include "core/model/parallel.h"
#include "core/model/qwen3.h"
#include "core/model/weight_slots.h"
#include "core/model/work_sizes.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace zen {

namespace {

constexpr std::int64_t kParallelBytes = 1 << 20;

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

/// Empty if the checkpoint holds this weight as it should.
std::string slotProblem(const CheckpointFolder& checkpoint, const WeightSlot& slot)
{
    const auto shard = checkpoint.shard_of.find(slot.name);
    if (shard == checkpoint.shard_of.end())
        return slot.name + " is missing";
    const bool may_be_packed
        = slot.kind == WeightKind::projection || slot.kind == WeightKind::router;
    if (may_be_packed && isPacked(checkpoint, slot.name))
        return {}; // checked when it is read
    return entryProblem(*checkpoint.shards[shard->second].find(slot.name), slot.sizes);
}

/// Compares what the files hold with what config.json asks for, before anything is allocated.
Result<void> checkTensors(const CheckpointFolder& checkpoint, const Qwen3Shape& shape,
    const std::vector<WeightSlot>& slots)
{
    std::vector<std::string> problems;
    std::set<std::string> expected;
    for (const WeightSlot& slot : slots) {
        expected.insert(slot.name);
        for (std::string& name : namesBeside(checkpoint, slot.name))
            expected.insert(std::move(name));
        const std::string problem = slotProblem(checkpoint, slot);
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

/// Reads the weights one after the other. What is not kept as it is in the file goes through one
/// buffer, piece by piece.
class WeightReader {
public:
    WeightReader(const CheckpointFolder& checkpoint, const LoadOptions& options)
        : m_checkpoint(checkpoint)
        , m_options(options)
    {
        for (const SafetensorsFile& shard : checkpoint.shards) {
            for (const TensorEntry& entry : shard.entries())
                m_total += entry.bytes;
        }
    }

    Result<void> read(const WeightSlot& slot)
    {
        const SafetensorsFile& file = m_checkpoint.shards[m_checkpoint.shard_of.at(slot.name)];
        const TensorEntry& entry = *file.find(slot.name);
        Result<void> done;
        if (isPacked(m_checkpoint, slot.name))
            done = readPackedSlot(slot, entry.bytes);
        else if (slot.kind == WeightKind::projection && m_options.nf4 && !m_options.trainable)
            done = pack(slot, file, entry);
        else
            done = readNumbers(slot, file, entry);
        if (done && m_options.trainable)
            slot.numbers().set_requires_grad(true);
        return done;
    }

private:
    Result<void> readPackedSlot(const WeightSlot& slot, std::uint64_t bytes)
    {
        const auto compute = m_options.nf4 ? m_options.nf4->compute_type : at::kFloat;
        auto matrix = readPacked(m_checkpoint, slot.name, slot.sizes[0], slot.sizes[1], compute);
        if (!matrix)
            return tl::unexpected(matrix.error());
        if (m_options.nf4 && slot.kind == WeightKind::projection)
            *slot.matrix = WeightMatrix(std::move(*matrix));
        else
            slot.numbers() = unpackNf4(**matrix).to(slot.typeFor(m_options));
        progress(bytes);
        return {};
    }

    Result<void> pack(const WeightSlot& slot, const SafetensorsFile& file, const TensorEntry& entry)
    {
        Nf4Packer packer(slot.sizes[0], slot.sizes[1], *m_options.nf4);
        auto done = forPieces(file, entry, [&](std::int64_t, const at::Tensor& piece) {
            const at::Tensor numbers = piece.to(at::kFloat);
            packer.add(numbers.data_ptr<float>(), numbers.numel());
        });
        if (done)
            *slot.matrix = WeightMatrix(packer.finish());
        return done;
    }

    Result<void> readNumbers(
        const WeightSlot& slot, const SafetensorsFile& file, const TensorEntry& entry)
    {
        const at::ScalarType type = slot.typeFor(m_options);
        if (scalarTypeOf(entry.type) == type) {
            slot.numbers() = at::empty(entry.shape, at::TensorOptions().dtype(type));
            auto read = readWhole(file, entry, static_cast<std::byte*>(slot.numbers().data_ptr()));
            progress(entry.bytes);
            return read;
        }
        at::Tensor numbers = at::empty(slot.sizes, at::TensorOptions().dtype(type));
        at::Tensor flat = numbers.view({ -1 });
        auto done = forPieces(file, entry, [&](std::int64_t first, const at::Tensor& piece) {
            flat.narrow(0, first, piece.numel()).copy_(piece);
        });
        slot.numbers() = std::move(numbers);
        return done;
    }

    /// All cores read: most of the time goes into the first touch of the new memory.
    static Result<void> readWhole(
        const SafetensorsFile& file, const TensorEntry& entry, std::byte* to)
    {
        std::mutex guard;
        Result<void> done;
        parallelPieces(static_cast<std::int64_t>(entry.bytes), kParallelBytes,
            [&](std::int64_t begin, std::int64_t end) {
                auto read = file.readPart(entry, static_cast<std::uint64_t>(begin),
                    { to + begin, static_cast<std::size_t>(end - begin) });
                const std::scoped_lock lock(guard);
                if (!read)
                    done = std::move(read);
            });
        return done;
    }

    /// Calls visit(first, numbers) with pieces of the entry in the file's own type.
    template <class Visit>
    Result<void> forPieces(
        const SafetensorsFile& file, const TensorEntry& entry, const Visit& visit)
    {
        const auto size = static_cast<std::int64_t>(sizeOf(entry.type));
        const std::int64_t count = static_cast<std::int64_t>(entry.bytes) / size;
        if (!m_buffer.defined())
            m_buffer = at::empty({ kWeightPiece }, at::kDouble); // as wide as the widest type
        for (std::int64_t first = 0; first < count; first += kWeightPiece) {
            const std::int64_t some = std::min(kWeightPiece, count - first);
            const auto bytes = static_cast<std::size_t>(some * size);
            auto read = file.readPart(entry, static_cast<std::uint64_t>(first * size),
                { static_cast<std::byte*>(m_buffer.data_ptr()), bytes });
            if (!read)
                return read;
            visit(first,
                at::from_blob(m_buffer.data_ptr(), { some },
                    at::TensorOptions().dtype(scalarTypeOf(entry.type))));
            progress(bytes);
        }
        return {};
    }

    void progress(std::uint64_t bytes)
    {
        m_done += bytes;
        if (m_options.on_progress)
            m_options.on_progress(static_cast<double>(m_done)
                / static_cast<double>(std::max<std::uint64_t>(m_total, 1)));
    }

    const CheckpointFolder& m_checkpoint;
    const LoadOptions& m_options;
    at::Tensor m_buffer;
    std::uint64_t m_total = 0, m_done = 0;
};

} // namespace

Result<Qwen3> Qwen3::load(const CheckpointFolder& checkpoint, const LoadOptions& options)
{
    auto shape = readShape(checkpoint.folder);
    if (!shape)
        return tl::unexpected(shape.error());
    const c10::AutoGradMode off(false);
    Qwen3 model;
    model.m_shape = *shape;
    model.m_shape.is_packed = shape->is_packed && options.nf4.has_value();
    try {
        const std::vector<WeightSlot> slots = weightSlots(*shape, model.m_weights);
        if (auto checked = checkTensors(checkpoint, *shape, slots); !checked)
            return tl::unexpected(checked.error());
        WeightReader reader(checkpoint, options);
        for (const WeightSlot& slot : slots) {
            if (auto read = reader.read(slot); !read)
                return tl::unexpected(read.error());
        }
    } catch (const std::exception& error) {
        const std::string what = isOutOfMemory(error)
            ? "not enough memory for " + std::to_string(shape->parameters()) + " parameters: "
            : "cannot be read: ";
        return fail(
            checkpoint.folder.string() + ": " + what + std::string(error.what()).substr(0, 200));
    }
    if (options.on_progress)
        options.on_progress(1);
    if (shape->tied_embeddings)
        model.m_weights.lm_head_VD = model.m_weights.embedding_VD;
    return model;
}

} // namespace zen
