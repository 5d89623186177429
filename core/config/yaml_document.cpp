#include "core/config/yaml_document.h"

#include "core/base/durable_file.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>

namespace zen {

namespace {

constexpr auto kNone = std::string_view::npos;

std::string_view newlineOf(std::string_view text)
{
    const std::size_t feed = text.find('\n');
    return feed != kNone && feed > 0 && text[feed - 1] == '\r' ? "\r\n" : "\n";
}

std::string withNewlines(std::string_view text, std::string_view newline)
{
    std::string result;
    for (const char c : text) {
        if (c == '\n')
            result += newline;
        else if (c != '\r')
            result += c;
    }
    return result;
}

/// A block list or mapping, which begins on the line after its key.
bool isBlock(std::string_view value)
{
    return value.starts_with(' ') || value == "-" || value.starts_with("- ")
        || value.starts_with("-\n") || value.starts_with("-\r");
}

bool isBlockScalar(std::string_view value)
{
    return (value.starts_with('|') || value.starts_with('>')) && value.find('\n') != kNone;
}

/// What follows the value on its last line: spaces and a comment, without the line end.
std::string_view tailOf(std::string_view text, std::size_t value_end)
{
    const std::size_t end = std::min(text.find_first_of("\r\n", value_end), text.size());
    return text.substr(value_end, end - value_end);
}

/// The tail with its comment kept in its column as far as the new value leaves room.
std::string alignedTail(std::string_view tail, std::size_t old_length, std::size_t new_length)
{
    const std::size_t spaces = std::min(tail.find_first_not_of(' '), tail.size());
    if (spaces == tail.size() || spaces < 2)
        return std::string(tail);
    const std::size_t wanted = spaces + old_length;
    const std::size_t room = wanted > new_length ? wanted - new_length : 1;
    return std::string(room, ' ') + std::string(tail.substr(spaces));
}

/// The line of a plain value with its tail: a block scalar's tail stands behind its header.
std::string valueWithTail(std::string_view value, std::string_view tail)
{
    if (!isBlockScalar(value))
        return std::string(value) + std::string(tail);
    const std::size_t header = value.find_first_of("\r\n");
    return std::string(value.substr(0, header)) + std::string(tail)
        + std::string(value.substr(header));
}

std::string withValueReplaced(std::string_view text, const EntryPlace& place,
    std::string_view value, std::string_view newline)
{
    const std::string head(text.substr(0, place.colon_end));
    const std::string_view between
        = text.substr(place.colon_end, place.value_begin - place.colon_end);
    const std::string_view rest = text.substr(place.value_end);
    const bool starts_on_key_line = between.find('\n') == kNone;

    if (isBlock(value)) {
        if (!starts_on_key_line) {
            const std::size_t line = between.rfind('\n') + 1;
            return head + std::string(between.substr(0, line)) + std::string(value)
                + std::string(rest);
        }
        const std::string_view tail = tailOf(text, place.value_end);
        const std::size_t kept = tail.find_last_not_of(" \t");
        const std::string_view comment
            = kept == kNone ? std::string_view{} : tail.substr(0, kept + 1);
        return head + std::string(comment) + std::string(newline) + std::string(value)
            + std::string(rest.substr(tail.size()));
    }
    if (place.on_own_lines) {
        const std::string_view tail = tailOf(text, place.colon_end);
        return head + " " + valueWithTail(value, tail) + std::string(between.substr(tail.size()))
            + std::string(text.substr(place.entry_end));
    }
    const std::size_t old_length = place.value_end - place.value_begin;
    const bool was_empty = old_length == 0;
    const std::string_view tail = tailOf(text, place.value_end);
    const bool one_line = value.find('\n') == kNone
        && text.substr(place.value_begin, old_length).find('\n') == kNone;
    const std::string new_tail = one_line
        ? alignedTail(tail, old_length, value.size() + (was_empty ? 1 : 0))
        : std::string(tail);
    return head + (was_empty ? " " : std::string(between)) + valueWithTail(value, new_tail)
        + std::string(rest.substr(tail.size()));
}

/// The value as it will be read, for comparison; the finding if it is not one value.
Result<YamlNode> parseAlone(std::string_view value)
{
    const ParsedYaml parsed
        = parseYaml((isBlock(value) ? "k:\n" : "k: ") + std::string(value) + "\n");
    if (!parsed.findings.empty())
        return fail(parsed.findings.front().message);
    if (parsed.root.kind != YamlNode::Kind::mapping || parsed.root.items.size() != 1)
        return fail("not one YAML value");
    return parsed.root.items.front();
}

bool onlyChanged(
    const YamlNode& before, const YamlNode& after, std::string_view key, const YamlNode& value)
{
    std::size_t position = 0;
    bool found = false;
    for (std::size_t i = 0; i < after.keys.size(); ++i) {
        if (after.keys[i].text == key) {
            if (!sameContent(after.items[i], value))
                return false;
            found = true;
            if (position < before.keys.size() && before.keys[position].text == key)
                ++position;
            continue;
        }
        if (position >= before.keys.size() || before.keys[position].text != after.keys[i].text
            || !sameContent(before.items[position], after.items[i]))
            return false;
        ++position;
    }
    return found && position == before.keys.size();
}

} // namespace

YamlDocument YamlDocument::fromText(std::string text)
{
    YamlDocument document;
    document.m_text = std::move(text);
    document.scan();
    return document;
}

Result<YamlDocument> YamlDocument::load(const std::filesystem::path& path)
{
    Result<std::string> text = readFile(path, kMaxYamlBytes);
    if (!text)
        return tl::unexpected<Error>(text.error());
    return fromText(std::move(*text));
}

void YamlDocument::scan()
{
    ParsedYaml parsed = parseYaml(m_text);
    m_findings = std::move(parsed.findings);
    if (m_findings.empty() && parsed.root.kind != YamlNode::Kind::mapping
        && parsed.root.kind != YamlNode::Kind::null)
        m_findings.push_back({ Severity::error, parsed.root.line, parsed.root.column, {},
            "a configuration is made of `key: value` lines; this is "
                + std::string(
                    parsed.root.kind == YamlNode::Kind::sequence ? "a list" : "one value"),
            {} });
    if (!m_findings.empty())
        return;
    Result<std::vector<EntryPlace>> places = layoutOf(m_text, parsed.root);
    if (!places) {
        m_findings.push_back(
            { Severity::error, parsed.root.line, 0, {}, places.error().message, {} });
        return;
    }
    m_root = std::move(parsed.root);
    m_places = std::move(*places);
    for (std::size_t i = 0; i < m_places.size(); ++i) {
        const EntryPlace& place = m_places[i];
        m_entries.push_back({ m_root.keys[i].text,
            m_text.substr(place.value_begin, place.value_end - place.value_begin),
            m_root.keys[i].line, m_root.keys[i].column });
    }
}

Diagnostics YamlDocument::check() const
{
    return m_findings;
}

const YamlEntry* YamlDocument::find(std::string_view key) const
{
    const auto found = std::find_if(m_entries.begin(), m_entries.end(),
        [&](const YamlEntry& entry) { return entry.key == key; });
    return found == m_entries.end() ? nullptr : &*found;
}

Result<void> YamlDocument::set(
    std::string_view key, std::string_view yaml_value, std::string_view after)
{
    const std::string where = "`" + std::string(key) + "` cannot be set";
    if (!m_findings.empty())
        return fail(where + ": first correct the file: " + m_findings.front().message);
    while (!yaml_value.empty() && (yaml_value.back() == '\n' || yaml_value.back() == '\r'))
        yaml_value.remove_suffix(1);
    const Result<YamlNode> wanted = parseAlone(yaml_value);
    if (key.empty() || yaml_value.empty() || !wanted)
        return fail(where + ": " + (wanted ? "key or value is empty" : wanted.error().message));

    const std::string_view newline = newlineOf(m_text);
    const std::string value = withNewlines(yaml_value, newline);
    std::string text;
    if (const YamlEntry* entry = find(key)) {
        const auto index = static_cast<std::size_t>(entry - m_entries.data());
        text = withValueReplaced(m_text, m_places[index], value, newline);
    } else {
        const std::size_t indent
            = m_places.empty() ? 0 : m_places.front().key_begin - m_places.front().line_begin;
        std::string line = std::string(indent, ' ') + formatText(key) + ":"
            + (isBlock(value) ? std::string(newline) : " ") + value;
        std::size_t position = documentEnd(m_text);
        if (const YamlEntry* earlier = find(after))
            position = m_places[static_cast<std::size_t>(earlier - m_entries.data())].entry_end;
        const bool joins_line
            = position > 0 && m_text[position - 1] != '\n' && m_text != "\xEF\xBB\xBF";
        text = m_text.substr(0, position) + (joins_line ? std::string(newline) : "") + line
            + (joins_line ? "" : std::string(newline)) + m_text.substr(position);
    }
    YamlDocument next = fromText(std::move(text));
    if (!next.m_findings.empty() || !onlyChanged(m_root, next.m_root, key, *wanted))
        return fail(where + " here without touching other lines: edit the file by hand");
    *this = std::move(next);
    return {};
}

Result<void> YamlDocument::remove(std::string_view key)
{
    if (!m_findings.empty())
        return fail("`" + std::string(key)
            + "` cannot be removed: first correct the file: " + m_findings.front().message);
    const YamlEntry* entry = find(key);
    if (!entry)
        return {};
    const EntryPlace& place = m_places[static_cast<std::size_t>(entry - m_entries.data())];
    YamlDocument next
        = fromText(m_text.substr(0, place.line_begin) + m_text.substr(place.entry_end));
    if (!next.m_findings.empty() || next.m_entries.size() + 1 != m_entries.size())
        return fail("`" + std::string(key) + "` cannot be removed here: edit the file by hand");
    *this = std::move(next);
    return {};
}

} // namespace zen
