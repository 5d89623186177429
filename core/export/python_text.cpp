#include "core/export/python_text.h"

#include <algorithm>
#include <array>

namespace zen {

namespace {

constexpr std::string_view kNotPython[] = { "\\p", "\\P", "\\Q", "\\C", "\\x{" };

bool isAscii(std::string_view text)
{
    return std::all_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The letters of `(?ims)` or `(?ims:` at the beginning of `rest`; empty for any other group.
std::string_view groupFlags(std::string_view rest)
{
    if (!rest.starts_with("(?"))
        return {};
    const std::size_t end = rest.find_first_not_of("imsU-", 2);
    return end != std::string_view::npos && (rest[end] == ')' || rest[end] == ':')
        ? rest.substr(2, end - 2)
        : std::string_view();
}

/// Goes through a pattern once, writing what Python reads the same way.
class PatternTranslation {
public:
    PatternTranslation(std::string_view pattern, bool is_multiline)
        : m_pattern(pattern)
        , m_is_multiline(is_multiline || groupFlags(pattern).find('m') != std::string_view::npos)
    {
    }

    Result<std::string> run()
    {
        while (m_at < m_pattern.size()) {
            if (const std::string foreign = foreignHere(); !foreign.empty())
                return fail("the pattern " + std::string(m_pattern) + " has " + foreign
                    + ", which Python's patterns do not have: write it another way");
            step();
        }
        return std::move(m_python);
    }

private:
    std::string foreignHere() const
    {
        const std::string_view rest = m_pattern.substr(m_at);
        for (const std::string_view word : kNotPython)
            if (rest.starts_with(word))
                return std::string(word);
        if (m_in_class)
            return rest.starts_with("[:") ? "[:…:]" : "";
        if (rest.size() > 3 && rest.starts_with("(?<"))
            return "(?<…>";
        const std::string_view letters = groupFlags(rest);
        if (letters.empty())
            return {};
        const bool is_scoped = rest[2 + letters.size()] == ':';
        const bool is_known = letters.find('U') == std::string_view::npos
            && (is_scoped ? letters.find('m') == std::string_view::npos
                          : m_at == 0 && letters.find('-') == std::string_view::npos);
        return is_known ? std::string() : std::string(rest.substr(0, letters.size() + 3));
    }

    void step()
    {
        const char c = m_pattern[m_at];
        if (c == '\\' && m_at + 1 < m_pattern.size()) {
            const char escaped = m_pattern[m_at + 1];
            m_python += { '\\', escaped == 'z' && !m_in_class ? 'Z' : escaped };
            m_at += 2;
            return;
        }
        if (c == '[' && !m_in_class) {
            m_in_class = true;
            copy(m_pattern.substr(m_at + 1).starts_with('^') ? 2 : 1);
            if (m_pattern.substr(m_at).starts_with(']'))
                copy(1); // the first ] of a class is a character
            return;
        }
        if (c == ']')
            m_in_class = false;
        if (c == '$' && !m_in_class && !m_is_multiline) {
            m_python += "\\Z"; // $ would also match before a last newline
            ++m_at;
        } else
            copy(1);
    }

    void copy(std::size_t count)
    {
        m_python += m_pattern.substr(m_at, count);
        m_at += count;
    }

    std::string_view m_pattern;
    bool m_is_multiline;
    std::size_t m_at = 0;
    bool m_in_class = false;
    std::string m_python;
};

} // namespace

std::string pythonText(std::string_view text)
{
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            result += { '\\', c };
        else if (c == '\n')
            result += "\\n";
        else if (byte < 0x20 || byte == 0x7F)
            result += { '\\', 'x', kHex[byte / 16], kHex[byte % 16] };
        else
            result += c;
    }
    return result + "\"";
}

std::string pythonList(const std::vector<std::string>& words)
{
    std::string text = "[";
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i > 0 ? ", " : "") + pythonText(words[i]);
    return text + "]";
}

Result<std::string> pythonPattern(std::string_view pattern, const std::vector<std::string>& flags)
{
    const auto has = [&](std::string_view flag) {
        return std::find(flags.begin(), flags.end(), flag) != flags.end();
    };
    const bool folds_case
        = has("ignorecase") || groupFlags(pattern).find('i') != std::string_view::npos;
    Result<std::string> python = PatternTranslation(pattern, has("multiline")).run();
    if (!python)
        return python;
    std::string names;
    const auto add = [&](bool is_set, const char* name) {
        if (is_set)
            names += (names.empty() ? "" : " | ") + std::string(name);
    };
    // RE2's \w, \d and \b know ASCII only, its letter case all of Unicode.
    add(isAscii(pattern) || !folds_case, "re.ASCII");
    add(has("ignorecase"), "re.IGNORECASE");
    add(has("multiline"), "re.MULTILINE");
    add(has("dotall"), "re.DOTALL");
    return pythonText(*python) + ", flags=" + (names.empty() ? "0" : names);
}

} // namespace zen
