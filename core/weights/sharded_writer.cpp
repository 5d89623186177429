#include "core/weights/sharded_writer.h"

#include "core/base/durable_file.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace zen {

namespace {

using IndexJson = nlohmann::ordered_json;

/// The header of one shard: its length and the JSON, padded so that the data is aligned.
std::string shardHeader(std::span<const TensorPlan> tensors)
{
    IndexJson json;
    json["__metadata__"] = { { "format", "pt" } };
    std::uint64_t offset = 0;
    for (const TensorPlan& tensor : tensors) {
        const std::uint64_t end = offset + tensor.bytes();
        json[tensor.name] = { { "dtype", nameOf(tensor.type) }, { "shape", tensor.shape },
            { "data_offsets", { offset, end } } };
        offset = end;
    }
    std::string text = json.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
        bytes[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    return bytes + text;
}

} // namespace

std::uint64_t TensorPlan::bytes() const
{
    std::uint64_t total = sizeOf(type);
    for (const std::int64_t dimension : shape)
        total *= static_cast<std::uint64_t>(dimension);
    return total;
}

Result<ShardedWriter> ShardedWriter::create(
    std::filesystem::path folder, std::vector<TensorPlan> tensors, std::uint64_t max_shard_bytes)
{
    ShardedWriter writer;
    writer.m_folder = std::move(folder);
    writer.m_tensors = std::move(tensors);
    std::uint64_t in_shard = 0;
    for (std::size_t i = 0; i < writer.m_tensors.size(); ++i) {
        const std::uint64_t bytes = writer.m_tensors[i].bytes();
        if (in_shard > 0 && in_shard + bytes > max_shard_bytes) {
            writer.m_shard_ends.push_back(i);
            in_shard = 0;
        }
        in_shard += bytes;
    }
    writer.m_shard_ends.push_back(writer.m_tensors.size());
    if (auto opened = writer.openShard(); !opened)
        return tl::unexpected(opened.error());
    return writer;
}

std::string ShardedWriter::shardName(std::size_t shard) const
{
    if (m_shard_ends.size() == 1)
        return "model.safetensors";
    char name[64];
    std::snprintf(
        name, sizeof name, "model-%05zu-of-%05zu.safetensors", shard + 1, m_shard_ends.size());
    return name;
}

Result<void> ShardedWriter::openShard()
{
    auto file = NewFile::create(m_folder / shardName(m_shard));
    if (!file)
        return tl::unexpected(file.error());
    m_file.emplace(std::move(*file));
    const std::size_t begin = m_shard == 0 ? 0 : m_shard_ends[m_shard - 1];
    const std::string header
        = shardHeader(std::span(m_tensors).subspan(begin, m_shard_ends[m_shard] - begin));
    return m_file->write(std::as_bytes(std::span(header)));
}

Result<void> ShardedWriter::append(std::span<const std::byte> bytes)
{
    if (m_tensor >= m_tensors.size() || bytes.size() > m_tensors[m_tensor].bytes() - m_done)
        return fail(m_folder.string() + ": more bytes were given than the tensors hold");
    if (m_tensor == m_shard_ends[m_shard]) {
        ++m_shard;
        if (auto opened = openShard(); !opened)
            return opened;
    }
    if (auto written = m_file->write(bytes); !written)
        return written;
    m_done += bytes.size();
    if (m_done < m_tensors[m_tensor].bytes())
        return {};
    m_done = 0;
    ++m_tensor;
    return m_tensor == m_shard_ends[m_shard] ? m_file->finish() : Result<void>{};
}

Result<void> ShardedWriter::finish()
{
    if (m_tensor != m_tensors.size())
        return fail(
            m_folder.string() + ": the bytes of " + m_tensors[m_tensor].name + " are missing");
    if (m_shard_ends.size() == 1)
        return {};
    nlohmann::json map = nlohmann::json::object();
    std::uint64_t total = 0;
    std::size_t shard = 0;
    for (std::size_t i = 0; i < m_tensors.size(); ++i) {
        if (i == m_shard_ends[shard])
            ++shard;
        map[m_tensors[i].name] = shardName(shard);
        total += m_tensors[i].bytes();
    }
    const nlohmann::json index
        = { { "metadata", { { "total_size", total } } }, { "weight_map", std::move(map) } };
    return writeDurably(m_folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

} // namespace zen
