#include "core/config/read_config.h"

#include "core/config/reward_values.h"
#include "core/config/schema.h"
#include "core/config/schema_aliases.h"
#include "core/config/schema_values.h"
#include "core/config/validate.h"

#include <algorithm>
#include <map>
#include <set>

namespace zen {

namespace {

std::string inTicks(std::string_view key)
{
    return "`" + std::string(key) + "`";
}

Diagnostic unknownKey(const YamlDocument& document, const YamlEntry& entry)
{
    Diagnostic finding{ Severity::error, entry.line, entry.column, entry.key, {}, {} };
    const std::string nearest = nearestKey(entry.key);
    if (nearest.empty()) {
        finding.message = "is not a known key: correct it, or remove the line";
        finding.fix = Fix{ "Remove it", { { entry.key, {} } } };
        return finding;
    }
    finding.message = "is not a known key; did you mean " + inTicks(nearest) + "?";
    if (!findFieldEntry(document, nearest) && !entry.value_text.empty())
        finding.fix
            = Fix{ "Rename to " + nearest, { { entry.key, {} }, { nearest, entry.value_text } } };
    return finding;
}

/// Reads entries into the configuration and remembers where each field was given.
class Reader {
public:
    explicit Reader(const YamlDocument& document)
        : m_document(document)
    {
    }

    ReadConfig read()
    {
        m_result.diagnostics = m_document.check();
        if (hasErrors(m_result.diagnostics))
            return std::move(m_result);
        const std::vector<YamlEntry>& entries = m_document.entries();
        for (std::size_t i = 0; i < entries.size(); ++i)
            readEntry(entries[i], m_document.root().items[i]);
        addRules();
        return std::move(m_result);
    }

private:
    void readEntry(const YamlEntry& entry, const YamlNode& node)
    {
        if (const IgnoredKey* ignored = findIgnoredKey(entry.key)) {
            m_result.diagnostics.push_back({ Severity::warning, entry.line, entry.column, entry.key,
                "is accepted but has no effect here: " + std::string(ignored->why),
                Fix{ "Remove it", { { entry.key, {} } } } });
            return;
        }
        const Field* field = findField(entry.key);
        if (!field) {
            m_result.diagnostics.push_back(unknownKey(m_document, entry));
            return;
        }
        if (field->type == FieldType::rewards)
            addProblemsOfRewards(*field, node);
        auto value = valueFromNode(*field, entry.key, node);
        if (!value && field->type == FieldType::rewards)
            return;
        if (!value) {
            Diagnostic finding = std::move(value.error());
            if (finding.line == 0)
                finding.line = entry.line;
            finding.key = entry.key;
            m_result.diagnostics.push_back(std::move(finding));
            m_wrong.insert(field);
            return;
        }
        const auto [given, is_first] = m_given.emplace(field, &entry);
        if (is_first)
            field->set(m_result.config, *value);
        else
            addRepeated(*field, *given->second, entry, *value);
    }

    /// Every problem of the list, not just the first.
    void addProblemsOfRewards(const Field& field, const YamlNode& node)
    {
        Diagnostics problems;
        rewardsFromNode(node, problems);
        if (problems.empty())
            return;
        m_result.diagnostics.insert(m_result.diagnostics.end(), problems.begin(), problems.end());
        m_wrong.insert(&field);
    }

    void addRepeated(const Field& field, const YamlEntry& first, const YamlEntry& second,
        const FieldValue& value)
    {
        const bool is_same = field.get(m_result.config) == value;
        m_result.diagnostics.push_back({ is_same ? Severity::warning : Severity::error, second.line,
            second.column, second.key,
            "is another name for " + inTicks(first.key) + " in line " + std::to_string(first.line)
                + (is_same ? ", which says the same" : ", which says something else: keep one"),
            Fix{ "Remove this line", { { second.key, {} } } } });
    }

    /// The rules over several fields, placed at the line of the field concerned.
    void addRules()
    {
        for (Diagnostic& finding : validate(m_result.config)) {
            const Field* field = findField(finding.key);
            if (field && m_wrong.contains(field))
                continue;
            const auto given = m_given.find(field);
            if (field && given != m_given.end() && finding.line == 0) {
                finding.line = given->second->line;
                finding.column = given->second->column;
            }
            m_result.diagnostics.push_back(std::move(finding));
        }
    }

    const YamlDocument& m_document;
    ReadConfig m_result;
    std::map<const Field*, const YamlEntry*> m_given;
    std::set<const Field*> m_wrong;
};

/// The last entry that belongs to the same group of the form; empty if there is none.
std::string neighbourOf(const YamlDocument& document, const Field& field)
{
    std::string neighbour;
    for (const YamlEntry& entry : document.entries())
        if (const Field* other = findField(entry.key); other && other->group == field.group)
            neighbour = entry.key;
    return neighbour;
}

Result<void> writeField(YamlDocument& document, const Field& field, const std::string& value)
{
    const YamlEntry* entry = findFieldEntry(document, field.key);
    if (!entry)
        return document.set(field.key, value, neighbourOf(document, field));
    const std::string spelling = entry->key;
    if (!aliasTranslates(spelling))
        return document.set(spelling, value);
    return document.set(field.key, value, spelling).and_then([&] {
        return document.remove(spelling);
    });
}

/// A switch and a choice that say the same thing.
struct Twin {
    std::string_view choice;
    std::string_view on;
    std::string_view off;
    std::string_view flag;
};
constexpr Twin kTwins[] = { { "dtype", "bfloat16", "auto", "bf16" },
    { "quantization", "4bit", "none", "load_in_4bit" } };

/// What the other of a pair must say after `key` has been set; only where the file gives the other.
std::optional<Edit> twinEdit(
    const YamlDocument& document, std::string_view key, const FieldValue& value)
{
    for (const Twin& twin : kTwins) {
        if (key == twin.choice && findFieldEntry(document, twin.flag)) {
            const auto* word = std::get_if<std::string>(&value);
            return Edit{ std::string(twin.flag), word && *word == twin.on ? "true" : "false" };
        }
        if (key == twin.flag && findFieldEntry(document, twin.choice)) {
            const auto* flag = std::get_if<bool>(&value);
            const bool is_on = flag && *flag;
            const Field& choice = *findField(twin.choice);
            const auto now = parseValue(choice, findFieldEntry(document, twin.choice)->value_text);
            const bool says_on = now && *now == FieldValue(std::string(twin.on));
            if (is_on != says_on)
                return Edit{ std::string(twin.choice),
                    toYaml(std::string(is_on ? twin.on : twin.off)) };
        }
    }
    return {};
}

} // namespace

const YamlEntry* findFieldEntry(const YamlDocument& document, std::string_view key)
{
    const Field* field = findField(key);
    if (!field)
        return document.find(key);
    for (const YamlEntry& entry : document.entries())
        if (findField(entry.key) == field)
            return &entry;
    return nullptr;
}

Result<void> setField(YamlDocument& document, const Edit& edit)
{
    const Field* field = findField(edit.key);
    YamlDocument next = document;
    Result<void> done;
    if (!edit.value) {
        if (const YamlEntry* exact = next.find(edit.key))
            done = next.remove(std::string(exact->key));
        else if (const YamlEntry* entry = findFieldEntry(next, edit.key))
            done = next.remove(std::string(entry->key));
    } else if (!field) {
        done = next.set(edit.key, *edit.value);
    } else {
        done = writeField(next, *field, *edit.value);
        const Result<FieldValue> value = parseValue(*field, *edit.value);
        if (done && value)
            if (const std::optional<Edit> twin = twinEdit(next, field->key, *value))
                done = writeField(next, *findField(twin->key), *twin->value);
    }
    if (done)
        document = std::move(next);
    return done;
}

ReadConfig readConfig(const YamlDocument& document)
{
    return Reader(document).read();
}

ReadConfig readConfig(YamlDocument& document, const Overrides& overrides)
{
    Diagnostics findings = overrides.diagnostics;
    if (!hasErrors(document.check()))
        for (const Edit& edit : overrides.edits)
            if (const Result<void> done = setField(document, edit); !done)
                findings.push_back({ Severity::error, 0, 0, edit.key, done.error().message, {} });
    ReadConfig result = readConfig(document);
    result.diagnostics.insert(result.diagnostics.begin(), findings.begin(), findings.end());
    return result;
}

} // namespace zen
