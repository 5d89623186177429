#include "core/data/row_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace zen {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{ 1 } << 18;
constexpr std::size_t kMaxRowBytes = std::size_t{ 64 } << 20;
constexpr int kEnd = -1;

bool isSpace(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/// What a file is that does not hold JSON text; empty if it may.
std::string foreignKind(std::string_view head)
{
    if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF"))
        return "is UTF-16 text; save it as UTF-8";
    if (head.starts_with("\x1F\x8B") || head.starts_with("PK\x03\x04")
        || head.starts_with("\x28\xB5\x2F\xFD"))
        return "is compressed; unpack it first";
    if (head.starts_with("PAR1"))
        return "is a Parquet file; convert it to one JSON object a line";
    return {};
}

/// Follows brackets and quotes through one element of an array.
struct Nesting {
    std::string closers;
    bool in_text = false;
    bool escaped = false;
};

} // namespace

std::string placeText(const fs::path& file, TextPosition at)
{
    return file.string() + ", line " + std::to_string(at.line) + ", column "
        + std::to_string(at.column);
}

RowReader::RowReader(fs::path file)
    : m_path(std::move(file))
    , m_file(m_path, std::ios::binary)
{
}

Result<RowReader> RowReader::open(const fs::path& file)
{
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (!fs::exists(status))
        return fail("cannot open " + file.string() + ": no such file");
    if (!fs::is_regular_file(status))
        return fail(file.string() + " is not a regular file");
    RowReader reader(file);
    if (!reader.m_file)
        return fail("cannot open " + file.string() + ": " + std::strerror(errno));
    reader.fill();
    if (const std::string kind = foreignKind(reader.m_buffer); !kind.empty())
        return fail(file.string() + " " + kind);
    if (reader.m_buffer.starts_with("\xEF\xBB\xBF"))
        reader.m_at = 3;
    reader.skipSpace();
    reader.m_is_array = reader.peek() == '[';
    if (reader.m_is_array)
        reader.take();
    return reader;
}

bool RowReader::fill()
{
    m_buffer.resize(kBufferBytes);
    m_file.read(m_buffer.data(), static_cast<std::streamsize>(m_buffer.size()));
    m_buffer.resize(static_cast<std::size_t>(m_file.gcount()));
    m_at = 0;
    return !m_buffer.empty();
}

int RowReader::peek()
{
    if (m_at == m_buffer.size() && !fill())
        return kEnd;
    return static_cast<unsigned char>(m_buffer[m_at]);
}

int RowReader::take()
{
    const int byte = peek();
    if (byte == kEnd)
        return kEnd;
    ++m_at;
    if (byte == '\n')
        m_position = { m_position.line + 1, 1 };
    else if ((byte & 0xC0) != 0x80)
        ++m_position.column;
    return byte;
}

void RowReader::skipSpace()
{
    while (isSpace(peek()))
        take();
}

tl::unexpected<Error> RowReader::failHere(const std::string& message) const
{
    return fail(placeText(m_path, m_position) + ": " + message);
}

Result<std::optional<RawRow>> RowReader::next()
{
    auto row = m_is_array ? nextElement() : nextLine();
    if (row && !*row && m_file.bad())
        return fail("cannot read " + m_path.string() + ": " + std::strerror(errno));
    return row;
}

Result<std::optional<RawRow>> RowReader::nextLine()
{
    skipSpace();
    if (peek() == kEnd)
        return std::nullopt;
    RawRow row{ {}, m_position };
    while (peek() != kEnd) {
        const std::size_t end = m_buffer.find('\n', m_at);
        const std::size_t stop = end == std::string::npos ? m_buffer.size() : end;
        if (row.text.size() + (stop - m_at) > kMaxRowBytes)
            return failHere(
                "the line is longer than " + std::to_string(kMaxRowBytes >> 20) + " MiB");
        row.text.append(m_buffer, m_at, stop - m_at);
        m_at = stop;
        if (end != std::string::npos)
            break;
    }
    take();
    m_position = { row.start.line + 1, 1 };
    while (!row.text.empty() && isSpace(row.text.back()))
        row.text.pop_back();
    return row;
}

Result<std::optional<RawRow>> RowReader::nextElement()
{
    skipSpace();
    if (m_is_done) {
        if (peek() != kEnd)
            return failHere("text after the closing ] of the array");
        return std::nullopt;
    }
    if (peek() == ']') {
        take();
        m_is_done = true;
        return nextElement();
    }
    if (!std::exchange(m_is_first, false)) {
        if (peek() == kEnd)
            return failHere("the file ends before the closing ] of the array");
        if (peek() != ',')
            return failHere("a comma or the closing ] must follow a row");
        take();
        skipSpace();
        if (peek() == ']')
            return failHere("a row must follow the comma");
    }
    auto row = element();
    if (!row)
        return tl::unexpected(row.error());
    return std::move(*row);
}

Result<RawRow> RowReader::element()
{
    RawRow row{ {}, m_position };
    const std::size_t max_depth = JsonLimits{}.max_depth;
    Nesting nesting;
    while (true) {
        const int byte = peek();
        if (byte == kEnd)
            return failHere("the file ends inside the row that begins at line "
                + std::to_string(row.start.line));
        if (nesting.in_text) {
            if (byte == '\n')
                return failHere("the line ends inside a text; its closing quote is missing");
            if (byte == '"' && !nesting.escaped)
                nesting.in_text = false;
            nesting.escaped = byte == '\\' && !nesting.escaped;
        } else if (byte == '"')
            nesting.in_text = true;
        else if (byte == '{' || byte == '[')
            nesting.closers += byte == '{' ? '}' : ']';
        else if (nesting.closers.empty() && (byte == ',' || byte == ']'))
            break;
        else if (byte == '}' || byte == ']') {
            if (nesting.closers.empty() || nesting.closers.back() != static_cast<char>(byte))
                return failHere(std::string("unexpected ") + static_cast<char>(byte));
            nesting.closers.pop_back();
            if (nesting.closers.empty()) {
                row.text += static_cast<char>(take());
                break;
            }
        }
        if (nesting.closers.size() > max_depth)
            return failHere("nested deeper than " + std::to_string(max_depth) + " levels");
        if (row.text.size() >= kMaxRowBytes)
            return failHere(
                "the row is longer than " + std::to_string(kMaxRowBytes >> 20) + " MiB");
        row.text += static_cast<char>(take());
    }
    if (row.text.empty())
        return failHere("a row is missing");
    return row;
}

} // namespace zen
