#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace zen::gym {

/// True if the stream is a terminal that understands cursor movement.
bool isTerminal(std::FILE* stream);

/// Columns of the terminal, 80 if unknown.
std::size_t terminalWidth(std::FILE* stream);

/// Text from models, data and files made safe to print: control characters (escape sequences among
/// them) become visible marks, bad UTF-8 U+FFFD; line breaks and tabs stay.
std::string printable(std::string_view text);

/// The same on one line, cut to `width` characters with an ellipsis.
std::string excerpt(std::string_view text, std::size_t width);

/// How many characters a terminal shows for UTF-8 text (one for each code point).
std::size_t displayWidth(std::string_view text);

/// "gym: message" on standard error.
void printError(std::string_view message);

/// Aligned columns; a column whose cells all look like numbers is aligned to the right.
class Table {
public:
    explicit Table(std::vector<std::string> header)
        : m_rows{ std::move(header) }
    {
    }
    void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }
    std::string text() const;

private:
    std::vector<std::vector<std::string>> m_rows;
};

/// "1.2 M", "4.0 B"; below a million the number itself.
std::string formatCount(std::uint64_t count);

/// "21.4 %" of a share between 0 and 1.
std::string formatPercent(double share);

} // namespace zen::gym
