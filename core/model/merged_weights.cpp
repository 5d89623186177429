#include "core/model/merged_weights.h"

#include "core/model/lora_product.h"
#include "core/weights/number_formats.h"

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

constexpr const char* kHead = "lm_head.weight";

/// Layer 2 before layer 10.
bool comesBefore(std::string_view left, std::string_view right)
{
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    while (!left.empty() && !right.empty()) {
        if (isDigit(left.front()) && isDigit(right.front())) {
            const auto digits = [&](std::string_view text) {
                std::size_t count = 0;
                while (count < text.size() && isDigit(text[count]))
                    ++count;
                return count;
            };
            const std::size_t a = digits(left), b = digits(right);
            if (a != b)
                return a < b;
            if (left.substr(0, a) != right.substr(0, b))
                return left.substr(0, a) < right.substr(0, b);
            left.remove_prefix(a);
            right.remove_prefix(b);
            continue;
        }
        if (left.front() != right.front())
            return left.front() < right.front();
        left.remove_prefix(1);
        right.remove_prefix(1);
    }
    return left.size() < right.size();
}

Result<void> checkPair(const PeftAdapter& adapter, const std::string& name,
    const PeftAdapter::Pair& pair, const MergedWeights::Weight* weight)
{
    const std::string where = adapter.file.path().string() + ": the pair of " + name.substr(0, 160);
    if (weight == nullptr)
        return fail(where + " has no weight in the model. Was the adapter made from another one ("
            + adapter.base_model + ")?");
    if (weight->shape != std::vector<std::int64_t>{ pair.b->shape[0], pair.a->shape[1] })
        return fail(where
            + " does not have the size of the model's weight. Was the adapter made "
              "from another model ("
            + adapter.base_model + ")?");
    return {};
}

Result<std::vector<float>> readNumbers(const SafetensorsFile& file, const TensorEntry& entry)
{
    std::vector<std::byte> bytes(entry.bytes);
    if (auto got = file.read(entry, bytes); !got)
        return tl::unexpected(got.error());
    std::vector<float> numbers(entry.bytes / sizeOf(entry.type));
    if (!decodeNumbers(entry.type, bytes.data(), numbers))
        return fail(file.path().string() + ": " + entry.name + " holds "
            + std::string(nameOf(entry.type)) + "; F32, BF16 or F16 is expected");
    return numbers;
}

Result<void> checkType(const CheckpointFolder& checkpoint, const TensorEntry& entry)
{
    if (decodeNumbers(entry.type, nullptr, {})) // nothing to read: can it be?
        return {};
    return fail(checkpoint.folder.string() + ": " + entry.name.substr(0, 160) + " holds "
        + std::string(nameOf(entry.type)) + "; F32, BF16 or F16 is expected");
}

} // namespace

Result<MergedWeights> MergedWeights::open(
    const CheckpointFolder& checkpoint, const std::filesystem::path& adapter)
{
    const auto shape = readShape(checkpoint.folder);
    if (!shape)
        return tl::unexpected(shape.error());
    if (shape->is_packed)
        return fail(checkpoint.folder.string()
            + ": its weights are stored in 4 bits (quantization_config in config.json); this "
              "export needs whole ones. Use --to peft for the adapter alone, or set "
              "model_name_or_path to the unquantised model and export again.");
    MergedWeights merged;
    merged.m_checkpoint = checkpoint;
    for (const auto& [name, shard] : checkpoint.shard_of)
        if (name != kHead || !shape->tied_embeddings) {
            const TensorEntry& entry = *checkpoint.shards[shard].find(name);
            if (auto checked = checkType(checkpoint, entry); !checked)
                return tl::unexpected(checked.error());
            merged.m_weights.push_back({ name, entry.shape });
        }
    std::sort(merged.m_weights.begin(), merged.m_weights.end(),
        [](const Weight& a, const Weight& b) { return comesBefore(a.name, b.name); });
    for (std::size_t i = 0; i < merged.m_weights.size(); ++i)
        merged.m_index.emplace(merged.m_weights[i].name, i);
    if (adapter.empty())
        return merged;
    auto opened = openPeftAdapter(adapter);
    if (!opened)
        return tl::unexpected(opened.error());
    for (const auto& [name, pair] : opened->pairs)
        if (auto checked = checkPair(*opened, name, pair, merged.find(name)); !checked)
            return tl::unexpected(checked.error());
    merged.m_adapter = std::move(*opened);
    return merged;
}

const MergedWeights::Weight* MergedWeights::find(const std::string& name) const
{
    const auto found = m_index.find(name);
    return found == m_index.end() ? nullptr : &m_weights[found->second];
}

Result<std::vector<float>> MergedWeights::read(const std::string& name) const
{
    const auto shard = m_checkpoint.shard_of.find(name);
    if (shard == m_checkpoint.shard_of.end())
        return fail(m_checkpoint.folder.string() + " has no tensor " + name);
    const SafetensorsFile& file = m_checkpoint.shards[shard->second];
    auto numbers = readNumbers(file, *file.find(name));
    if (!numbers)
        return numbers;
    if (m_adapter) {
        if (const auto pair = m_adapter->pairs.find(name); pair != m_adapter->pairs.end()) {
            const auto a_RI = readNumbers(m_adapter->file, *pair->second.a);
            const auto b_OR = readNumbers(m_adapter->file, *pair->second.b);
            if (!a_RI)
                return tl::unexpected(a_RI.error());
            if (!b_OR)
                return tl::unexpected(b_OR.error());
            addLoraProduct(*numbers, *b_OR, *a_RI, m_adapter->rank, m_adapter->scale);
        }
    }
    if (!std::all_of(numbers->begin(), numbers->end(), [](float x) { return std::isfinite(x); }))
        return fail(name
            + " holds numbers that are not finite. Export an earlier checkpoint's "
              "adapter instead.");
    return numbers;
}

std::uint64_t MergedWeights::parameters() const
{
    std::uint64_t total = 0;
    for (const Weight& weight : m_weights) {
        std::uint64_t count = 1;
        for (const std::int64_t dimension : weight.shape)
            count *= static_cast<std::uint64_t>(dimension);
        total += count;
    }
    return total;
}

} // namespace zen
