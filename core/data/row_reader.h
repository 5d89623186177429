#pragma once

#include "core/base/result.h"
#include "core/text/json_reader.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace zen {

/// The JSON text of one row, and where in the file it begins.
struct RawRow {
    std::string text;
    TextPosition start;
};

/// "FILE, line 3, column 17"
std::string placeText(const std::filesystem::path& file, TextPosition at);

/// Reads a file of rows one by one: JSON Lines, or one JSON array (told apart by the first
/// character, as many files are named wrongly). Accepts a byte-order mark, CRLF and blank lines.
/// Holds one row at a time.
class RowReader {
public:
    /// Errors: unreadable, not a regular file, of a kind that is no JSON text (compressed, UTF-16,
    /// Parquet).
    static Result<RowReader> open(const std::filesystem::path& file);

    /// The next row; nothing at the end. Errors name file, line and column.
    Result<std::optional<RawRow>> next();

    bool isArray() const { return m_is_array; }

private:
    explicit RowReader(std::filesystem::path file);
    int peek();
    int take();
    void skipSpace();
    bool fill();
    Result<std::optional<RawRow>> nextLine();
    Result<std::optional<RawRow>> nextElement();
    Result<RawRow> element();
    tl::unexpected<Error> failHere(const std::string& message) const;

    std::filesystem::path m_path;
    std::ifstream m_file;
    std::string m_buffer;
    std::size_t m_at = 0;
    TextPosition m_position;
    bool m_is_array = false;
    bool m_is_first = true;
    bool m_is_done = false;
};

} // namespace zen
