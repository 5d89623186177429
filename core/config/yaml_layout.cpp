#include "core/config/yaml_layout.h"

#include <algorithm>
#include <string>

namespace zen {

namespace {

constexpr auto kAbsent = std::string_view::npos;

bool isSpace(char c)
{
    return c == ' ' || c == '\t';
}
bool isLineEnd(char c)
{
    return c == '\n' || c == '\r';
}

std::size_t lineBegin(std::string_view text, std::size_t offset)
{
    const std::size_t previous = offset == 0 ? kAbsent : text.rfind('\n', offset - 1);
    return previous == kAbsent ? 0 : previous + 1;
}

/// After the line feed that ends the line of `offset`.
std::size_t nextLine(std::string_view text, std::size_t offset)
{
    const std::size_t feed = text.find('\n', offset);
    return feed == kAbsent ? text.size() : feed + 1;
}

/// Before the line end (CR included) of the line of `offset`.
std::size_t lineEnd(std::string_view text, std::size_t offset)
{
    std::size_t end = text.find('\n', offset);
    if (end == kAbsent)
        return text.size();
    if (end > offset && text[end - 1] == '\r')
        --end;
    return end;
}

std::size_t trimmedEnd(std::string_view text, std::size_t begin, std::size_t end)
{
    while (end > begin && (isSpace(text[end - 1]) || isLineEnd(text[end - 1])))
        --end;
    return end;
}

/// After the closing quote of the quoted scalar that begins at `offset`.
std::size_t endOfQuoted(std::string_view text, std::size_t offset)
{
    const char quote = text[offset];
    for (std::size_t i = offset + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'')
                ++i;
            else
                return i + 1;
        }
    }
    return text.size();
}

/// After the bracket that closes the flow collection that begins at `offset`.
std::size_t endOfFlow(std::string_view text, std::size_t offset)
{
    std::size_t depth = 0;
    bool in_plain = false;
    for (std::size_t i = offset; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '[' || c == '{') {
            ++depth;
            in_plain = false;
        } else if (c == ']' || c == '}') {
            if (--depth == 0)
                return i + 1;
            in_plain = false;
        } else if (c == ',' || (c == ':' && i + 1 < text.size() && isSpace(text[i + 1]))) {
            in_plain = false;
        } else if ((c == '"' || c == '\'') && !in_plain) {
            i = endOfQuoted(text, i) - 1;
        } else if (c == '#' && (isSpace(text[i - 1]) || isLineEnd(text[i - 1]))) {
            i = lineEnd(text, i) - 1;
            in_plain = false;
        } else if (!isSpace(c) && !isLineEnd(c)) {
            in_plain = true;
        }
    }
    return text.size();
}

/// Columns before the first character of the line; the line's length if it is blank.
std::size_t indentOf(std::string_view text, std::size_t line)
{
    std::size_t i = line;
    while (i < text.size() && text[i] == ' ')
        ++i;
    return i - line;
}

bool isBlankLine(std::string_view text, std::size_t line)
{
    const std::size_t end = lineEnd(text, line);
    return text.substr(line, end - line).find_first_not_of(" \t") == kAbsent;
}

bool isComment(std::string_view text, std::size_t line)
{
    const std::size_t i = text.find_first_not_of(" \t", line);
    return i != kAbsent && text[i] == '#';
}

std::size_t endOfBlockScalar(
    std::string_view text, std::size_t offset, std::size_t limit, std::size_t key_column)
{
    const std::size_t header_end = lineEnd(text, offset);
    const bool keeps_blank_lines = text.substr(offset, header_end - offset).find('+') != kAbsent;
    std::size_t end = trimmedEnd(text, offset, header_end);
    for (std::size_t line = nextLine(text, offset); line < limit; line = nextLine(text, line)) {
        if (isBlankLine(text, line)) {
            if (keeps_blank_lines)
                end = lineEnd(text, line);
            continue;
        }
        if (indentOf(text, line) <= key_column)
            break;
        end = lineEnd(text, line);
    }
    return end;
}

std::size_t endOfPlain(
    std::string_view text, std::size_t offset, std::size_t limit, std::size_t key_column)
{
    std::size_t end = offset;
    for (std::size_t line = offset; line < limit; line = nextLine(text, line)) {
        if (line != offset) {
            if (isBlankLine(text, line))
                continue;
            if (isComment(text, line) || indentOf(text, line) <= key_column)
                break;
        }
        const std::size_t stop = lineEnd(text, line);
        std::size_t comment = line + 1;
        while (comment < stop && !(text[comment] == '#' && isSpace(text[comment - 1])))
            ++comment;
        end = trimmedEnd(text, line, std::min(comment, stop));
        if (comment < stop)
            break;
    }
    return end;
}

std::size_t endOfBlockLines(
    std::string_view text, std::size_t begin, std::size_t limit, std::size_t key_column)
{
    std::size_t end = begin;
    for (std::size_t line = begin; line < limit; line = nextLine(text, line)) {
        if (isBlankLine(text, line)
            || (isComment(text, line) && indentOf(text, line) <= key_column))
            continue;
        end = trimmedEnd(text, line, lineEnd(text, line));
    }
    return end;
}

/// The first character after the colon that is neither space, line end nor comment; `limit` if
/// none.
std::size_t firstContent(std::string_view text, std::size_t offset, std::size_t limit)
{
    while (offset < limit) {
        if (isSpace(text[offset]) || isLineEnd(text[offset]))
            ++offset;
        else if (text[offset] == '#')
            offset = nextLine(text, offset);
        else
            return offset;
    }
    return limit;
}

void placeValue(std::string_view text, EntryPlace& place, YamlNode::Kind kind, std::size_t limit)
{
    const std::size_t column = place.key_begin - place.line_begin;
    const std::size_t content = firstContent(text, place.colon_end, limit);
    if (content >= limit) {
        place.value_begin = place.value_end = place.colon_end;
        place.entry_end = nextLine(text, place.colon_end);
        return;
    }
    place.value_begin = content;
    const char c = text[content];
    if (c == '"' || c == '\'') {
        place.value_end = endOfQuoted(text, content);
    } else if (c == '[' || c == '{') {
        place.value_end = endOfFlow(text, content);
    } else if (kind == YamlNode::Kind::sequence || kind == YamlNode::Kind::mapping) {
        place.on_own_lines = true;
        place.value_begin = lineBegin(text, content);
        place.value_end = endOfBlockLines(text, place.value_begin, limit, column);
    } else if (c == '|' || c == '>') {
        place.value_end = endOfBlockScalar(text, content, limit, column);
    } else {
        place.value_end = endOfPlain(text, content, limit, column);
    }
    place.value_end = std::min(place.value_end, limit);
    place.entry_end = nextLine(text, place.value_end);
}

std::size_t endOfKey(std::string_view text, const YamlNode& key)
{
    const char first = text[key.offset];
    std::size_t end = first == '"' || first == '\'' ? endOfQuoted(text, key.offset)
                                                    : key.offset + key.text.size();
    while (end < text.size() && isSpace(text[end]))
        ++end;
    return end;
}

} // namespace

std::size_t documentEnd(std::string_view text)
{
    for (std::size_t line = 0; line < text.size(); line = nextLine(text, line))
        if (text.substr(line).starts_with("...")
            && (line + 3 == text.size() || isSpace(text[line + 3]) || isLineEnd(text[line + 3])))
            return line;
    return text.size();
}

Result<std::vector<EntryPlace>> layoutOf(std::string_view text, const YamlNode& root)
{
    std::vector<EntryPlace> places;
    if (root.kind == YamlNode::Kind::mapping && root.keys.empty())
        return fail("write the settings as `key: value` lines, without braces");
    const std::size_t end = documentEnd(text);
    for (std::size_t i = 0; i < root.keys.size(); ++i) {
        const YamlNode& key = root.keys[i];
        EntryPlace place;
        place.key_begin = key.offset;
        place.line_begin = lineBegin(text, key.offset);
        if (place.line_begin == 0 && text.starts_with("\xEF\xBB\xBF"))
            place.line_begin = 3;
        const std::string_view before
            = text.substr(place.line_begin, place.key_begin - place.line_begin);
        if (before.find_first_not_of(' ') != kAbsent)
            return fail("line " + std::to_string(key.line) + ": `" + key.text
                + "` must stand at the start of its line, as in `key: value`");
        if (!places.empty()
            && place.key_begin - place.line_begin
                != places.front().key_begin - places.front().line_begin)
            return fail("line " + std::to_string(key.line) + ": `" + key.text
                + "` is not indented like the keys before it");
        const std::size_t colon = endOfKey(text, key);
        if (colon >= text.size() || text[colon] != ':')
            return fail("line " + std::to_string(key.line) + ": no colon follows the key `"
                + key.text + "`");
        place.colon_end = colon + 1;
        const std::size_t limit
            = i + 1 < root.keys.size() ? lineBegin(text, root.keys[i + 1].offset) : end;
        if (limit < place.colon_end)
            return fail("line " + std::to_string(key.line) + ": write one key a line");
        placeValue(text, place, root.items[i].kind, limit);
        places.push_back(place);
    }
    return places;
}

} // namespace zen
