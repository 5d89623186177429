#include "core/weights/gguf_header.h"

#include "core/base/utf8.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace zen {

namespace {

constexpr std::uint64_t kMostKeys = 100'000;
constexpr std::uint64_t kMostGgufTensors = 1'000'000;
constexpr std::uint64_t kMostElements = 16'000'000; ///< of one list; vocabularies have 0.3 million
constexpr std::uint64_t kLongestText = std::uint64_t{ 1 } << 26;
constexpr std::uint64_t kPiece = std::uint64_t{ 1 } << 20;

std::string inQuotes(const std::string& name)
{
    return '"' + repairUtf8(name.size() > 120 ? name.substr(0, 120) + "..." : name) + '"';
}

/// Reads the part before the data, buffered; the first problem ends it.
class HeaderCursor {
public:
    HeaderCursor(int fd, std::uint64_t file_bytes)
        : m_fd(fd)
        , m_file_bytes(file_bytes)
    {
    }

    const std::string& problem() const { return m_problem; }
    bool good() const { return m_problem.empty(); }
    std::uint64_t position() const { return m_buffer_begin + m_used; }
    void refuse(std::string what)
    {
        if (m_problem.empty())
            m_problem = std::move(what);
    }
    /// Says of a problem where it is: "the key "a.b"".
    void placeProblem(const std::string& where)
    {
        if (!good())
            m_problem = where + ": " + m_problem;
    }

    template <class T> T number()
    {
        T value{};
        bytes(&value, sizeof value);
        return value;
    }

    std::string text()
    {
        const auto length = number<std::uint64_t>();
        if (good() && (length > kLongestText || length > m_file_bytes - position()))
            refuse("a text of " + std::to_string(length) + " bytes is too long for the file");
        if (!good())
            return {};
        std::string value(length, '\0');
        bytes(value.data(), length);
        return value;
    }

private:
    void bytes(void* to, std::uint64_t count)
    {
        auto* out = static_cast<char*>(to);
        while (count > 0 && good()) {
            if (m_used == m_buffer.size() && !refill())
                return;
            const std::uint64_t part = std::min<std::uint64_t>(count, m_buffer.size() - m_used);
            std::memcpy(out, m_buffer.data() + m_used, part);
            m_used += part;
            out += part;
            count -= part;
        }
    }

    bool refill()
    {
        m_buffer_begin += m_buffer.size();
        m_used = 0;
        m_buffer.resize(std::min(kPiece, m_file_bytes - m_buffer_begin));
        if (m_buffer.empty()) {
            refuse("it ends inside its header. The download may be incomplete.");
            return false;
        }
        if (auto got = readGgufBytes(m_fd, m_buffer.data(), m_buffer.size(), m_buffer_begin); !got)
            refuse(got.error().message);
        return good();
    }

    int m_fd;
    std::uint64_t m_file_bytes;
    std::vector<char> m_buffer;
    std::uint64_t m_buffer_begin = 0;
    std::uint64_t m_used = 0;
    std::string m_problem;
};

template <class T> T readOne(HeaderCursor& from)
{
    if constexpr (std::is_same_v<T, std::string>)
        return from.text();
    else if constexpr (std::is_same_v<T, bool>) {
        const auto value = from.number<std::uint8_t>();
        if (value > 1)
            from.refuse("a truth value is " + std::to_string(value) + "; 0 and 1 are possible");
        return value == 1;
    } else
        return from.number<T>();
}

template <class T> GgufArray readElements(HeaderCursor& from, std::uint64_t count)
{
    std::vector<T> values;
    values.reserve(std::min<std::uint64_t>(count, 1 << 18));
    for (std::uint64_t i = 0; i < count && from.good(); ++i)
        values.push_back(readOne<T>(from));
    return values;
}

template <std::size_t Index = 0>
GgufArray readArrayOf(HeaderCursor& from, std::size_t alternative, std::uint64_t count)
{
    if constexpr (Index < std::variant_size_v<GgufArray>) {
        using Elements = std::variant_alternative_t<Index, GgufArray>;
        if (alternative == Index)
            return readElements<typename Elements::value_type>(from, count);
        return readArrayOf<Index + 1>(from, alternative, count);
    }
    return {};
}

GgufArray readArray(HeaderCursor& from)
{
    const auto type = from.number<std::uint32_t>();
    const auto count = from.number<std::uint64_t>();
    if (type == 9 || type > 12)
        from.refuse("a list has elements of type " + std::to_string(type)
            + "; lists of numbers, truth values and texts are read");
    if (count > kMostElements)
        from.refuse("a list has " + std::to_string(count) + " elements; at most "
            + std::to_string(kMostElements) + " are read");
    if (!from.good())
        return {};
    return readArrayOf(from, type < 9 ? type : type - 1, count);
}

template <std::size_t Index = 0> GgufValue readValueOf(HeaderCursor& from, std::size_t alternative)
{
    if constexpr (Index < std::variant_size_v<GgufValue>) {
        using Held = std::variant_alternative_t<Index, GgufValue>;
        if (alternative != Index)
            return readValueOf<Index + 1>(from, alternative);
        if constexpr (std::is_same_v<Held, GgufArray>)
            return readArray(from);
        else
            return GgufValue(std::in_place_index<Index>, readOne<Held>(from));
    }
    from.refuse("a value has the unknown type " + std::to_string(alternative));
    return {};
}

GgufMetadata readMetadata(HeaderCursor& from, std::uint64_t count)
{
    GgufMetadata metadata;
    std::set<std::string> keys;
    for (std::uint64_t i = 0; i < count && from.good(); ++i) {
        std::string key = from.text();
        from.placeProblem("key " + std::to_string(i + 1));
        if (!from.good())
            break;
        if (!isUtf8(key) || !keys.insert(key).second) {
            from.refuse("the key " + inQuotes(key) + " is there twice or is not text");
            break;
        }
        const auto type = from.number<std::uint32_t>();
        GgufValue value = readValueOf(from, type);
        from.placeProblem("the key " + inQuotes(key));
        metadata.emplace_back(std::move(key), std::move(value));
    }
    return metadata;
}

/// What stands behind a tensor's name.
void readTensorFacts(HeaderCursor& from, GgufTensor& tensor)
{
    const auto dimensions = from.number<std::uint32_t>();
    if (from.good() && (dimensions < 1 || dimensions > 4))
        from.refuse("it has " + std::to_string(dimensions) + " dimensions");
    std::uint64_t count = 1;
    for (std::uint32_t i = 0; i < dimensions && from.good(); ++i) {
        tensor.dimensions.push_back(from.number<std::uint64_t>());
        if (__builtin_mul_overflow(count, tensor.dimensions.back(), &count)
            || count > (std::uint64_t{ 1 } << 48) || count == 0)
            from.refuse("it has dimensions that no memory can hold");
    }
    const auto type = from.number<std::uint32_t>();
    tensor.begin = from.number<std::uint64_t>();
    const auto format = formatOfTensorType(type);
    if (from.good() && !format)
        from.refuse("it has the ggml type " + std::to_string(type)
            + "; f32, f16, bf16 and q8_0 are read. Take a file in one of these.");
    tensor.format = format.value_or(NumberFormat::f32);
    if (from.good() && tensor.dimensions.front() % blockSize(tensor.format) != 0)
        from.refuse("it has rows that are no multiple of its block");
}

GgufTensor readTensorInfo(HeaderCursor& from, std::uint64_t number)
{
    GgufTensor tensor;
    tensor.name = from.text();
    from.placeProblem("tensor " + std::to_string(number));
    if (!from.good())
        return tensor;
    readTensorFacts(from, tensor);
    from.placeProblem("tensor " + inQuotes(tensor.name));
    return tensor;
}

/// Offsets become places in the file; every tensor must be inside it, aligned, and alone there.
Result<void> placeTensors(std::vector<GgufTensor>& tensors, std::uint64_t data_begin,
    std::uint64_t file_bytes, std::uint64_t alignment)
{
    std::map<std::uint64_t, std::pair<std::uint64_t, const GgufTensor*>> places;
    for (GgufTensor& tensor : tensors) {
        const std::string where = "tensor " + inQuotes(tensor.name);
        const std::uint64_t bytes = bytesFor(tensor.format, tensor.count());
        if (tensor.begin % alignment != 0)
            return fail(where + " is not aligned to " + std::to_string(alignment) + " bytes");
        if (data_begin > file_bytes || tensor.begin > file_bytes - data_begin
            || bytes > file_bytes - data_begin - tensor.begin)
            return fail(
                where + " reaches past the end of the file. The download may be incomplete.");
        tensor.begin += data_begin;
        if (!places.emplace(tensor.begin, std::pair(tensor.begin + bytes, &tensor)).second)
            return fail(where + " begins where another one does");
    }
    std::uint64_t end = 0;
    for (const auto& [begin, place] : places) {
        if (begin < end)
            return fail("tensor " + inQuotes(place.second->name) + " lies over another one");
        end = place.first;
    }
    return {};
}

} // namespace

Result<void> readGgufBytes(int fd, void* to, std::uint64_t bytes, std::uint64_t offset)
{
    auto* out = static_cast<char*>(to);
    while (bytes > 0) {
        const ssize_t got = ::pread(fd, out, bytes, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(std::string("cannot read: ") + std::strerror(errno));
        if (got == 0)
            return fail("it ends too early. The download may be incomplete.");
        out += got;
        bytes -= static_cast<std::uint64_t>(got);
        offset += static_cast<std::uint64_t>(got);
    }
    return {};
}

Result<GgufHeader> parseGgufHeader(int fd, std::uint64_t file_bytes)
{
    GgufHeader header;
    HeaderCursor from(fd, file_bytes);
    const auto magic = from.number<std::uint32_t>();
    if (from.good() && magic != 0x4655'4747)
        return fail("it is not a GGUF file: it does not begin with GGUF");
    const auto version = from.number<std::uint32_t>();
    if (from.good() && version != 2 && version != 3)
        return fail("it has the version " + std::to_string(version)
            + "; 2 and 3 are read (a big-endian file is not)");
    const auto tensor_count = from.number<std::uint64_t>();
    const auto key_count = from.number<std::uint64_t>();
    if (from.good() && (tensor_count > kMostGgufTensors || key_count > kMostKeys))
        return fail("it claims " + std::to_string(tensor_count) + " tensors and "
            + std::to_string(key_count) + " keys, more than any model has");
    header.metadata = readMetadata(from, key_count);
    std::set<std::string> names;
    for (std::uint64_t i = 0; i < tensor_count && from.good(); ++i) {
        header.tensors.push_back(readTensorInfo(from, i + 1));
        const std::string& name = header.tensors.back().name;
        if (from.good() && !names.insert(name).second)
            return fail("tensor " + inQuotes(name) + " is there twice");
    }
    if (!from.good())
        return fail(from.problem());
    std::uint64_t alignment = kGgufAlignment;
    for (const auto& [key, value] : header.metadata) {
        if (key != "general.alignment")
            continue;
        const auto* given = std::get_if<std::uint32_t>(&value);
        if (given == nullptr || *given == 0 || *given % 8 != 0 || *given > 1 << 20)
            return fail("general.alignment must be a multiple of 8");
        alignment = *given;
    }
    const std::uint64_t begin = (from.position() + alignment - 1) / alignment * alignment;
    if (auto placed = placeTensors(header.tensors, begin, file_bytes, alignment); !placed)
        return tl::unexpected(placed.error());
    return header;
}

} // namespace zen
