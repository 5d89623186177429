#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/yaml_layout.h"
#include "core/config/yaml_node.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// One `key: value` entry at the top level of a configuration file.
struct YamlEntry {
    std::string key;
    std::string value_text; ///< the source text of the value, without comment
    int line = 0; ///< 1-based line of the key
    int column = 0;
};

/// The source text of a configuration file, edited by position so that comments, key order, blank
/// lines and unknown keys survive. Value type; every operation keeps the text valid YAML or fails
/// and changes nothing.
class YamlDocument {
public:
    YamlDocument() = default;

    /// Takes any text; findings about it (syntax, duplicate keys, anchors, aliases, tags, too deep,
    /// not a mapping, larger than 1 MiB, not UTF-8) come from check(). A document with syntax
    /// errors can be shown and saved unchanged, not edited.
    static YamlDocument fromText(std::string text);

    /// Errors: missing, unreadable, larger than 1 MiB.
    static Result<YamlDocument> load(const std::filesystem::path& path);

    const std::string& text() const { return m_text; }

    Diagnostics check() const;

    /// Top-level entries in file order; empty if check() has errors.
    const std::vector<YamlEntry>& entries() const { return m_entries; }
    const YamlEntry* find(std::string_view key) const;

    /// The parsed values behind entries(), in the same order (a mapping; null for an empty file).
    const YamlNode& root() const { return m_root; }

    /// Replaces the value of `key`, or appends the entry (after the entry named in `after`, if it
    /// exists, else at the end). `yaml_value` is one scalar, flow collection or a block (indented,
    /// or starting with `- `), already quoted; without comments. A comment behind the old value
    /// stays.
    Result<void> set(
        std::string_view key, std::string_view yaml_value, std::string_view after = {});

    /// Removes the entry and a comment on its line; does nothing if the key is absent.
    Result<void> remove(std::string_view key);

    bool operator==(const YamlDocument& other) const { return m_text == other.m_text; }

private:
    void scan();

    std::string m_text;
    std::vector<YamlEntry> m_entries;
    std::vector<EntryPlace> m_places; ///< of m_entries, in the same order
    YamlNode m_root;
    Diagnostics m_findings;
};

} // namespace zen
