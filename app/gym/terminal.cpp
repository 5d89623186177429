#include "app/gym/terminal.h"

#include "core/base/utf8.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace zen::gym {

namespace {

bool isContinuation(char c)
{
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

bool isNumberLike(std::string_view cell)
{
    return cell.empty() || cell == "–"
        || (std::isdigit(static_cast<unsigned char>(cell.front())) != 0 || cell.front() == '-'
            || cell.front() == '+');
}

} // namespace

bool isTerminal(std::FILE* stream)
{
    const char* term = std::getenv("TERM");
    return isatty(fileno(stream)) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::size_t terminalWidth(std::FILE* stream)
{
    winsize size{};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

std::string printable(std::string_view text)
{
    const std::string valid = repairUtf8(text);
    std::string safe;
    safe.reserve(valid.size());
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const auto byte = static_cast<unsigned char>(valid[i]);
        if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7F && byte != 0xC2)) {
            safe += valid[i];
        } else if (byte == 0xC2) { // U+0080 to U+00BF; the first half are control characters
            const auto next = static_cast<unsigned char>(valid[++i]);
            if (next < 0xA0)
                safe += "\uFFFD";
            else
                safe.append({ static_cast<char>(byte), static_cast<char>(next) });
        } else if (byte != '\r') {
            safe += fmt::format("^{}", static_cast<char>(byte == 0x7F ? '?' : byte + 0x40));
        }
    }
    return safe;
}

std::string excerpt(std::string_view text, std::size_t width)
{
    std::string line = printable(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    if (displayWidth(line) <= width)
        return line;
    std::size_t end = 0;
    for (std::size_t shown = 0; end < line.size(); ++end)
        if (!isContinuation(line[end]) && shown++ + 1 >= width)
            break;
    return line.substr(0, end) + "…";
}

std::size_t displayWidth(std::string_view text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !isContinuation(c); }));
}

void printError(std::string_view message)
{
    fmt::print(stderr, "gym: {}\n", printable(message));
}

std::string Table::text() const
{
    std::vector<std::size_t> widths;
    std::vector<bool> numeric;
    for (std::size_t r = 0; r < m_rows.size(); ++r) {
        widths.resize(std::max(widths.size(), m_rows[r].size()));
        numeric.resize(widths.size(), true);
        for (std::size_t c = 0; c < m_rows[r].size(); ++c) {
            widths[c] = std::max(widths[c], displayWidth(m_rows[r][c]));
            if (r > 0 && !isNumberLike(m_rows[r][c]))
                numeric[c] = false;
        }
    }
    std::string out;
    for (const auto& row : m_rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string padding(widths[c] - displayWidth(row[c]), ' ');
            line += (c > 0 ? "  " : "") + (numeric[c] ? padding + row[c] : row[c] + padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string formatCount(std::uint64_t count)
{
    if (count >= 1'000'000'000)
        return fmt::format("{:.1f} B", static_cast<double>(count) / 1e9);
    if (count >= 1'000'000)
        return fmt::format("{:.1f} M", static_cast<double>(count) / 1e6);
    return fmt::format("{}", count);
}

std::string formatPercent(double share)
{
    return fmt::format("{:.1f} %", share * 100);
}

} // namespace zen::gym
