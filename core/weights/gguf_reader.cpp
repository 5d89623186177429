#include "core/weights/gguf_reader.h"

#include "core/weights/file_stamp.h"
#include "core/weights/gguf_header.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace zen {

struct GgufFile::State {
    std::filesystem::path path;
    int fd = -1;
    FileStamp stamp;
    GgufHeader header;
    std::map<std::string, std::size_t, std::less<>> keys, names;

    ~State()
    {
        if (fd >= 0)
            ::close(fd);
    }
};

Result<GgufFile> GgufFile::open(const std::filesystem::path& path)
{
    auto state = std::make_shared<State>();
    state->path = path;
    state->fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (state->fd < 0)
        return fail("cannot open " + path.string() + ": " + std::strerror(errno));
    struct stat info { };
    if (::fstat(state->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return fail(path.string() + " is not a regular file");
    state->stamp = stampOf(info);
    auto header = parseGgufHeader(state->fd, state->stamp.size);
    if (!header)
        return fail(path.string() + ": " + header.error().message);
    state->header = std::move(*header);
    for (std::size_t i = 0; i < state->header.metadata.size(); ++i)
        state->keys.emplace(state->header.metadata[i].first, i);
    for (std::size_t i = 0; i < state->header.tensors.size(); ++i)
        state->names.emplace(state->header.tensors[i].name, i);
    GgufFile file;
    file.m_state = std::move(state);
    return file;
}

const GgufMetadata& GgufFile::metadata() const
{
    return m_state->header.metadata;
}

const std::vector<GgufTensor>& GgufFile::tensors() const
{
    return m_state->header.tensors;
}

const std::filesystem::path& GgufFile::path() const
{
    return m_state->path;
}

const GgufTensor* GgufFile::tensor(std::string_view name) const
{
    const auto found = m_state->names.find(name);
    return found == m_state->names.end() ? nullptr : &m_state->header.tensors[found->second];
}

const GgufValue* GgufFile::find(std::string_view key) const
{
    const auto found = m_state->keys.find(key);
    return found == m_state->keys.end() ? nullptr : &m_state->header.metadata[found->second].second;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const
{
    const GgufValue* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    return std::visit(
        [](const auto& held) -> std::optional<std::int64_t> {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_integral_v<Held> && !std::is_same_v<Held, bool>) {
                if (std::in_range<std::int64_t>(held))
                    return static_cast<std::int64_t>(held);
            }
            return std::nullopt;
        },
        *value);
}

std::optional<double> GgufFile::number(std::string_view key) const
{
    const GgufValue* value = find(key);
    if (value != nullptr) {
        if (const auto* single = std::get_if<float>(value))
            return *single;
        if (const auto* wide = std::get_if<double>(value))
            return *wide;
    }
    const auto whole = integer(key);
    return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

std::optional<std::string> GgufFile::text(std::string_view key) const
{
    const GgufValue* value = find(key);
    const auto* held = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return held == nullptr ? std::nullopt : std::optional(*held);
}

Result<void> GgufFile::read(
    const GgufTensor& tensor, std::uint64_t first, std::span<float> values) const
{
    std::vector<std::byte> bytes(bytesFor(tensor.format, values.size()));
    const std::uint64_t offset = tensor.begin + bytesFor(tensor.format, first);
    if (auto got = readGgufBytes(m_state->fd, bytes.data(), bytes.size(), offset); !got)
        return fail(m_state->path.string() + ", " + tensor.name + ": " + got.error().message);
    struct stat info { };
    if (::fstat(m_state->fd, &info) != 0)
        return fail("cannot read " + m_state->path.string() + ": " + std::strerror(errno));
    if (stampOf(info) != m_state->stamp)
        return fail(m_state->path.string() + ": the file changed while it was read (tensor "
            + tensor.name + "). Load it again once nothing writes to it.");
    decodeNumbers(tensor.format, bytes.data(), values);
    return {};
}

} // namespace zen
