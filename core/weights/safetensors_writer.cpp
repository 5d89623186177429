#include "core/base/durable_file.h"
#include "core/weights/safetensors.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace zen {

namespace {

std::uint64_t byteCount(const TensorToWrite& tensor)
{
    std::uint64_t bytes = sizeOf(tensor.type);
    for (const std::int64_t dimension : tensor.shape)
        bytes *= static_cast<std::uint64_t>(dimension);
    return bytes;
}

/// The length and the JSON, padded with blanks so that the data is aligned to 8 bytes.
std::string headerBytes(const std::vector<const TensorToWrite*>& tensors,
    const std::map<std::string, std::string>& metadata)
{
    std::string json = "{";
    if (!metadata.empty())
        json += "\"__metadata__\":" + nlohmann::json(metadata).dump() + ",";
    std::uint64_t offset = 0;
    for (const TensorToWrite* tensor : tensors) {
        const std::uint64_t end = offset + byteCount(*tensor);
        json += nlohmann::json(tensor->name).dump() + ":{\"dtype\":\""
            + std::string(nameOf(tensor->type))
            + "\",\"shape\":" + nlohmann::json(tensor->shape).dump() + ",\"data_offsets\":["
            + std::to_string(offset) + "," + std::to_string(end) + "]},";
        offset = end;
    }
    if (json.back() == ',')
        json.pop_back();
    json += "}";
    json.append((8 - json.size() % 8) % 8, ' ');
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
        bytes[i] = static_cast<char>(json.size() >> (8 * i) & 0xff);
    return bytes + json;
}

Result<void> writePiece(
    int fd, const char* data, std::uint64_t bytes, const std::filesystem::path& path)
{
    while (bytes > 0) {
        const ssize_t written = ::write(fd, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(path.string() + ": cannot write: " + std::strerror(errno));
        data += written;
        bytes -= static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> writePieces(int fd, const std::vector<const TensorToWrite*>& tensors,
    const std::map<std::string, std::string>& metadata, const std::filesystem::path& path)
{
    const std::string header = headerBytes(tensors, metadata);
    if (auto written = writePiece(fd, header.data(), header.size(), path); !written)
        return written;
    for (const TensorToWrite* tensor : tensors) {
        if (auto written
            = writePiece(fd, static_cast<const char*>(tensor->data), byteCount(*tensor), path);
            !written)
            return written;
    }
    if (::fsync(fd) != 0)
        return fail(path.string() + ": cannot reach the disk: " + std::strerror(errno));
    return {};
}

} // namespace

Result<void> writeSafetensors(const std::filesystem::path& path,
    std::span<const TensorToWrite> tensors, const std::map<std::string, std::string>& metadata)
{
    std::vector<const TensorToWrite*> sorted;
    for (const TensorToWrite& tensor : tensors)
        sorted.push_back(&tensor);
    std::sort(sorted.begin(), sorted.end(),
        [](const TensorToWrite* a, const TensorToWrite* b) { return a->name < b->name; });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i]->name == sorted[i - 1]->name)
            return fail(path.string() + ": tensor " + sorted[i]->name + " was given twice");
    }
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(path.string() + ": cannot create: " + std::strerror(errno));
    Result<void> written = writePieces(fd, sorted, metadata, path);
    if (::close(fd) != 0 && written)
        written = fail(path.string() + ": cannot write: " + std::strerror(errno));
    if (!written)
        ::unlink(path.c_str());
    return written;
}

} // namespace zen
