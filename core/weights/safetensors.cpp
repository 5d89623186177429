#include "core/weights/safetensors.h"

#include "core/weights/file_stamp.h"
#include "core/weights/safetensors_header.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace zen {

namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;
constexpr std::uint64_t kLengthBytes = 8;

struct TypeRow {
    TensorType type;
    std::string_view name;
    std::size_t bytes;
};
constexpr std::array<TypeRow, 10> kTypes = { { { TensorType::f64, "F64", 8 },
    { TensorType::f32, "F32", 4 }, { TensorType::f16, "F16", 2 }, { TensorType::bf16, "BF16", 2 },
    { TensorType::i64, "I64", 8 }, { TensorType::i32, "I32", 4 }, { TensorType::i16, "I16", 2 },
    { TensorType::i8, "I8", 1 }, { TensorType::u8, "U8", 1 },
    { TensorType::boolean, "BOOL", 1 } } };

std::string systemReason(const std::filesystem::path& path, const char* action)
{
    return path.string() + ": cannot " + action + ": " + std::strerror(errno);
}

class OpenFile {
public:
    explicit OpenFile(int fd)
        : m_fd(fd)
    {
    }
    ~OpenFile()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int get() const { return m_fd; }

private:
    int m_fd;
};

Result<void> readAt(int fd, std::uint64_t offset, void* destination, std::size_t bytes,
    const std::filesystem::path& path)
{
    auto* to = static_cast<char*>(destination);
    while (bytes > 0) {
        const ssize_t got = ::pread(fd, to, bytes, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(systemReason(path, "read"));
        if (got == 0)
            return fail(path.string() + ": the file became shorter while it was read");
        to += got;
        offset += static_cast<std::uint64_t>(got);
        bytes -= static_cast<std::size_t>(got);
    }
    return {};
}

std::uint64_t littleEndian(const std::array<unsigned char, kLengthBytes>& bytes)
{
    std::uint64_t value = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

} // namespace

std::size_t sizeOf(TensorType type)
{
    return kTypes[static_cast<std::size_t>(type)].bytes;
}

std::string_view nameOf(TensorType type)
{
    return kTypes[static_cast<std::size_t>(type)].name;
}

std::optional<TensorType> tensorTypeNamed(std::string_view name)
{
    for (const TypeRow& row : kTypes) {
        if (row.name == name)
            return row.type;
    }
    return std::nullopt;
}

struct SafetensorsFile::State {
    State(int fd, std::filesystem::path where)
        : file(fd)
        , path(std::move(where))
    {
    }
    OpenFile file;
    std::filesystem::path path;
    FileStamp stamp;
    std::vector<TensorEntry> entries;
    std::map<std::string_view, std::size_t> index;
    std::map<std::string, std::string> metadata;
};

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not block
    if (fd < 0)
        return fail(systemReason(path, "open"));
    auto state = std::make_shared<State>(fd, path);
    struct stat info { };
    if (::fstat(fd, &info) != 0)
        return fail(systemReason(path, "read"));
    if (!S_ISREG(info.st_mode))
        return fail(path.string() + ": not a regular file");
    state->stamp = stampOf(info);
    const std::uint64_t size = state->stamp.size;
    if (size < kLengthBytes)
        return fail(path.string() + ": " + std::to_string(size)
            + " bytes are too few for a safetensors file");
    std::array<unsigned char, kLengthBytes> length_bytes{};
    if (auto read = readAt(fd, 0, length_bytes.data(), kLengthBytes, path); !read)
        return tl::unexpected(read.error());
    const std::uint64_t length = littleEndian(length_bytes);
    if (length > kLargestHeader)
        return fail(path.string() + ": its header claims " + std::to_string(length)
            + " bytes; at most " + std::to_string(kLargestHeader)
            + " are allowed. Is this a safetensors file?");
    if (length > size - kLengthBytes)
        return fail(path.string() + ": its header claims " + std::to_string(length)
            + " bytes, but the file has " + std::to_string(size)
            + ". The download may be incomplete.");
    std::string json(length, '\0');
    if (auto read = readAt(fd, kLengthBytes, json.data(), json.size(), path); !read)
        return tl::unexpected(read.error());
    auto header = parseSafetensorsHeader(json, kLengthBytes + length, size);
    if (!header)
        return fail(path.string() + ": " + header.error().message);
    state->entries = std::move(header->entries);
    state->metadata = std::move(header->metadata);
    for (std::size_t i = 0; i < state->entries.size(); ++i)
        state->index.emplace(state->entries[i].name, i);
    SafetensorsFile file;
    file.m_state = std::move(state);
    return file;
}

const std::vector<TensorEntry>& SafetensorsFile::entries() const
{
    return m_state->entries;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const
{
    const auto found = m_state->index.find(name);
    return found == m_state->index.end() ? nullptr : &m_state->entries[found->second];
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const
{
    return m_state->metadata;
}

const std::filesystem::path& SafetensorsFile::path() const
{
    return m_state->path;
}

Result<void> SafetensorsFile::read(const TensorEntry& entry, std::span<std::byte> destination) const
{
    if (destination.size() != entry.bytes)
        return fail(entry.name + ": " + std::to_string(entry.bytes)
            + " bytes do not fit a buffer of " + std::to_string(destination.size()));
    return readPart(entry, 0, destination);
}

Result<void> SafetensorsFile::readPart(
    const TensorEntry& entry, std::uint64_t offset, std::span<std::byte> destination) const
{
    const int fd = m_state->file.get();
    if (offset > entry.bytes || destination.size() > entry.bytes - offset)
        return fail(entry.name + ": has " + std::to_string(entry.bytes) + " bytes, not "
            + std::to_string(destination.size()) + " from " + std::to_string(offset) + " on");
    if (auto done
        = readAt(fd, entry.begin + offset, destination.data(), destination.size(), m_state->path);
        !done)
        return fail(done.error().message + " (tensor " + entry.name + ")");
    struct stat info { };
    if (::fstat(fd, &info) != 0)
        return fail(systemReason(m_state->path, "read"));
    if (stampOf(info) != m_state->stamp)
        return fail(m_state->path.string() + ": the file changed while it was read (tensor "
            + entry.name + "). Load it again once nothing writes to it.");
    return {};
}

} // namespace zen
