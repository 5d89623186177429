#include "core/weights/gguf_writer.h"

#include <cstring>
#include <set>
#include <string>
#include <type_traits>

namespace zen {

namespace {

std::uint64_t paddingAfter(std::uint64_t bytes)
{
    return (kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment;
}

/// The part before the tensor data.
class HeaderBytes {
public:
    template <class T> void add(T number)
    {
        static_assert(std::is_arithmetic_v<T>);
        const std::size_t at = m_bytes.size();
        m_bytes.resize(at + sizeof(T));
        std::memcpy(m_bytes.data() + at, &number, sizeof(T));
    }
    void add(const std::string& text)
    {
        add(static_cast<std::uint64_t>(text.size()));
        m_bytes.insert(m_bytes.end(), text.begin(), text.end());
    }
    void add(const GgufArray& array)
    {
        // An array cannot hold arrays, so from there on its index is one below the type number.
        const auto index = static_cast<std::uint32_t>(array.index());
        add(index < 9 ? index : index + 1);
        std::visit(
            [this](const auto& values) {
                add(static_cast<std::uint64_t>(values.size()));
                for (const auto& value : values)
                    addElement(value);
            },
            array);
    }
    void add(const GgufValue& value)
    {
        add(static_cast<std::uint32_t>(value.index()));
        std::visit([this](const auto& held) { addElement(held); }, value);
    }
    void padToAlignment() { m_bytes.resize(m_bytes.size() + paddingAfter(m_bytes.size())); }
    std::span<const std::byte> bytes() const { return std::as_bytes(std::span(m_bytes)); }

private:
    void addElement(bool value) { add(static_cast<std::uint8_t>(value ? 1 : 0)); }
    void addElement(const std::string& value) { add(value); }
    void addElement(const GgufArray& value) { add(value); }
    template <class T> void addElement(T value) { add(value); }

    std::vector<char> m_bytes;
};

Result<void> checkTensorList(
    const std::vector<GgufTensor>& tensors, const std::filesystem::path& path)
{
    std::set<std::string_view> names;
    for (const GgufTensor& tensor : tensors) {
        if (!names.insert(tensor.name).second)
            return fail(path.string() + ": tensor " + tensor.name + " was given twice");
        if (tensor.dimensions.empty() || tensor.dimensions.size() > 4)
            return fail(path.string() + ": tensor " + tensor.name + " has "
                + std::to_string(tensor.dimensions.size()) + " dimensions; 1 to 4 are possible");
        if (tensor.dimensions.front() % blockSize(tensor.format) != 0)
            return fail(path.string() + ": the rows of " + tensor.name + " have "
                + std::to_string(tensor.dimensions.front()) + " numbers, no multiple of "
                + std::to_string(blockSize(tensor.format)) + ", which "
                + std::string(nameOf(tensor.format)) + " needs");
    }
    return {};
}

} // namespace

Result<GgufWriter> GgufWriter::create(const std::filesystem::path& path,
    const GgufMetadata& metadata, std::vector<GgufTensor> tensors)
{
    if (auto checked = checkTensorList(tensors, path); !checked)
        return tl::unexpected(checked.error());
    HeaderBytes header;
    for (const char letter : { 'G', 'G', 'U', 'F' })
        header.add(letter);
    header.add(kGgufVersion);
    header.add(static_cast<std::uint64_t>(tensors.size()));
    header.add(static_cast<std::uint64_t>(metadata.size()));
    for (const auto& [key, value] : metadata) {
        header.add(key);
        header.add(value);
    }
    std::uint64_t offset = 0; // from the beginning of the data
    for (const GgufTensor& tensor : tensors) {
        header.add(tensor.name);
        header.add(static_cast<std::uint32_t>(tensor.dimensions.size()));
        for (const std::uint64_t dimension : tensor.dimensions)
            header.add(dimension);
        header.add(ggmlNumbersOf(tensor.format).tensor_type);
        header.add(offset);
        offset += bytesFor(tensor.format, tensor.count());
        offset += paddingAfter(offset);
    }
    header.padToAlignment();
    auto file = NewFile::create(path);
    if (!file)
        return tl::unexpected(file.error());
    GgufWriter writer(std::move(*file), std::move(tensors));
    if (auto written = writer.m_file.write(header.bytes()); !written)
        return tl::unexpected(written.error());
    return writer;
}

Result<void> GgufWriter::append(std::span<const float> values)
{
    if (m_tensor >= m_tensors.size())
        return fail(m_file.path().string() + ": more numbers were given than its tensors hold");
    const GgufTensor& tensor = m_tensors[m_tensor];
    if (values.size() > tensor.count() - m_done || values.size() % blockSize(tensor.format) != 0)
        return fail(m_file.path().string() + ": " + std::to_string(values.size())
            + " numbers do not fit into the rest of " + tensor.name);
    if (const float* unfit = firstUnfit(tensor.format, values))
        return fail(m_file.path().string() + ": " + tensor.name + " holds " + std::to_string(*unfit)
            + ", which " + std::string(nameOf(tensor.format))
            + " cannot hold. Choose --dtype bf16 or f32.");
    m_bytes.resize(bytesFor(tensor.format, values.size()));
    encodeNumbers(tensor.format, values, m_bytes.data());
    if (auto written = m_file.write(m_bytes); !written)
        return written;
    m_done += values.size();
    return m_done == tensor.count() ? pad() : Result<void>{};
}

Result<void> GgufWriter::pad()
{
    ++m_tensor;
    m_done = 0;
    const std::vector<std::byte> zeros(paddingAfter(m_file.size()));
    return m_file.write(zeros);
}

Result<void> GgufWriter::finish()
{
    if (m_tensor != m_tensors.size())
        return fail(m_file.path().string() + ": the numbers of " + m_tensors[m_tensor].name
            + " are missing");
    return m_file.finish();
}

} // namespace zen
