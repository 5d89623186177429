#include "core/weights/safetensors_header.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <set>

namespace zen {

namespace {

constexpr std::size_t kMostTensors = 1'000'000;
constexpr std::size_t kMostDimensions = 64;

/// Error messages quote names from the file; a hostile one must not fill the screen.
std::string shownName(const std::string& name)
{
    constexpr std::size_t kLongest = 120;
    return '"' + (name.size() > kLongest ? name.substr(0, kLongest) + "..." : name) + '"';
}

/// Reads the header as a stream: nothing is built but the entries, and duplicate keys are seen.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
public:
    SafetensorsHeader header;
    std::string problem;

    bool null() override { return unexpected("null"); }
    bool boolean(bool) override { return unexpected("a boolean"); }
    bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
    bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
    bool binary(binary_t&) override { return unexpected("binary data"); }

    bool number_unsigned(number_unsigned_t value) override
    {
        if (m_place == Place::shape) {
            if (m_entry.shape.size() >= kMostDimensions)
                return refuse("has more than " + std::to_string(kMostDimensions) + " dimensions");
            if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
                return refuse("has a dimension that is too large");
            m_entry.shape.push_back(static_cast<std::int64_t>(value));
            return true;
        }
        if (m_place == Place::offsets) {
            if (m_offsets_read == 2)
                return refuse("has more than two data_offsets");
            m_offsets[m_offsets_read++] = value;
            return true;
        }
        return unexpected("a number");
    }

    bool string(string_t& value) override
    {
        if (m_place == Place::metadata) {
            if (!header.metadata.emplace(m_key, value).second)
                return stop("__metadata__ has the key " + shownName(m_key) + " twice");
            return true;
        }
        if (m_place == Place::tensor && m_key == "dtype") {
            const auto type = tensorTypeNamed(value);
            if (!type)
                return refuse("has the element type " + shownName(value)
                    + ", which is not read here (F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL "
                      "are)");
            m_entry.type = *type;
            return true;
        }
        return unexpected("a text");
    }

    bool start_object(std::size_t) override
    {
        if (m_place == Place::outside) {
            m_place = Place::top;
            return true;
        }
        if (m_place != Place::top)
            return unexpected("an object");
        m_place = m_key == "__metadata__" ? Place::metadata : Place::tensor;
        m_entry = {};
        m_entry.name = m_key;
        m_offsets_read = 0;
        m_fields.clear();
        return true;
    }

    bool key(string_t& value) override
    {
        if (m_place == Place::top && !m_names.insert(value).second)
            return stop("the header has " + shownName(value) + " twice");
        if (m_place == Place::tensor) {
            if (value != "dtype" && value != "shape" && value != "data_offsets")
                return refuse("has the unknown field " + shownName(value));
            if (!m_fields.insert(value).second)
                return refuse("has the field " + value + " twice");
        }
        m_key = value;
        return true;
    }

    bool end_object() override
    {
        if (m_place == Place::tensor && !finishTensor())
            return false;
        m_place = m_place == Place::top ? Place::outside : Place::top;
        return true;
    }

    bool start_array(std::size_t) override
    {
        if (m_place == Place::tensor && m_key == "shape")
            m_place = Place::shape;
        else if (m_place == Place::tensor && m_key == "data_offsets")
            m_place = Place::offsets;
        else
            return unexpected("a list");
        return true;
    }

    bool end_array() override
    {
        m_place = Place::tensor;
        return true;
    }

    bool parse_error(
        std::size_t position, const std::string&, const nlohmann::detail::exception&) override
    {
        return stop("the header is not valid JSON at byte " + std::to_string(position));
    }

private:
    enum class Place { outside, top, metadata, tensor, shape, offsets };
    Place m_place = Place::outside;
    std::string m_key;
    TensorEntry m_entry;
    std::array<std::uint64_t, 2> m_offsets{};
    std::size_t m_offsets_read = 0;
    std::set<std::string> m_names;
    std::set<std::string> m_fields;

    bool stop(std::string what)
    {
        if (problem.empty())
            problem = std::move(what);
        return false;
    }
    bool refuse(const std::string& what)
    {
        return stop("tensor " + shownName(m_entry.name) + " " + what);
    }
    bool unexpected(const std::string& what)
    {
        if (m_place == Place::outside)
            return stop("the header is " + what + " instead of an object");
        return stop("the header has " + what + " where it must not be, at " + shownName(m_key));
    }

    bool finishTensor()
    {
        if (m_fields.size() != 3)
            return refuse("needs dtype, shape and data_offsets");
        if (m_offsets_read != 2)
            return refuse("needs two data_offsets");
        if (m_offsets[1] < m_offsets[0])
            return refuse("ends before it begins");
        if (header.entries.size() >= kMostTensors)
            return stop("the header lists more than " + std::to_string(kMostTensors) + " tensors");
        m_entry.begin = m_offsets[0];
        m_entry.bytes = m_offsets[1] - m_offsets[0];
        header.entries.push_back(m_entry);
        return true;
    }
};

/// Bytes that the shape needs; empty on overflow.
std::optional<std::uint64_t> bytesOf(const TensorEntry& entry)
{
    std::uint64_t bytes = sizeOf(entry.type);
    for (const std::int64_t dimension : entry.shape) {
        if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes))
            return std::nullopt;
    }
    return bytes;
}

/// The tensors must tile the data section: no hole, no overlap, and end where the file ends.
Result<void> checkLayout(
    std::vector<TensorEntry>& entries, std::uint64_t data_begin, std::uint64_t file_bytes)
{
    std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
        return std::tie(a.begin, a.bytes, a.name) < std::tie(b.begin, b.bytes, b.name);
    });
    const std::uint64_t data_bytes = file_bytes - data_begin;
    std::uint64_t expected = 0;
    for (TensorEntry& entry : entries) {
        if (entry.begin != expected)
            return fail("tensor " + shownName(entry.name) + " begins at byte "
                + std::to_string(entry.begin) + " of the data instead of "
                + std::to_string(expected) + " (a hole or an overlap)");
        const auto needed = bytesOf(entry);
        if (!needed)
            return fail("tensor " + shownName(entry.name) + " is larger than any memory");
        if (*needed != entry.bytes)
            return fail("tensor " + shownName(entry.name) + " takes " + std::to_string(entry.bytes)
                + " bytes, but its shape and type need " + std::to_string(*needed));
        if (entry.bytes > data_bytes - expected)
            return fail("tensor " + shownName(entry.name)
                + " reaches past the end of the file. The download may be incomplete.");
        expected += entry.bytes;
        entry.begin += data_begin;
    }
    if (expected != data_bytes)
        return fail("its tensors take " + std::to_string(expected) + " bytes, but "
            + std::to_string(data_bytes) + " follow the header");
    return {};
}

} // namespace

Result<SafetensorsHeader> parseSafetensorsHeader(
    std::string_view json, std::uint64_t data_begin, std::uint64_t file_bytes)
{
    if (json.find('\0') != std::string_view::npos) // the parser would take it for the end
        return fail("the header is not valid JSON: it holds a zero byte");
    HeaderReader reader;
    if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader))
        return fail(reader.problem.empty() ? "the header is not valid JSON" : reader.problem);
    if (auto layout = checkLayout(reader.header.entries, data_begin, file_bytes); !layout)
        return tl::unexpected(layout.error());
    return std::move(reader.header);
}

} // namespace zen
