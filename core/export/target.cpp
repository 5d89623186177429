#include "core/export/target.h"

#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/base/word_list.h"
#include "core/config/schema.h"
#include "core/config/yaml_scalar.h"
#include "core/export/yaml_tree.h"

#include <algorithm>

namespace zen {

namespace {

/// The members of one table entry, and the first thing that is wrong with it.
class EntryReader {
public:
    EntryReader(const YamlNode& node, std::string file)
        : m_node(node)
        , m_file(std::move(file))
    {
    }

    const YamlNode* find(std::string_view name) const { return nodeAt(m_node, name); }
    std::string text(std::string_view name) const
    {
        const YamlNode* node = find(name);
        return node ? node->text : std::string();
    }
    bool flag(std::string_view name) const { return text(name) == "true"; }
    std::vector<std::string> words(std::string_view name) const
    {
        std::vector<std::string> result;
        if (const YamlNode* node = find(name))
            for (const YamlNode& item : node->items)
                result.push_back(item.text);
        return result;
    }
    /// word -> YAML (quoted text stays quoted)
    std::vector<std::pair<std::string, std::string>> pairs(std::string_view name) const
    {
        std::vector<std::pair<std::string, std::string>> result;
        if (const YamlNode* node = find(name))
            for (std::size_t i = 0; i < node->keys.size(); ++i) {
                const YamlNode& value = node->items[i];
                result.emplace_back(
                    node->keys[i].text, value.quoted ? formatText(value.text) : value.text);
            }
        return result;
    }
    Conditions conditions(std::string_view name)
    {
        const YamlNode* node = find(name);
        Result<Conditions> read = readConditions(node ? *node : YamlNode{});
        if (!read)
            m_problem = m_file + ": " + read.error().message;
        return read.value_or(Conditions{});
    }
    const std::string& problem() const { return m_problem; }

private:
    const YamlNode& m_node;
    std::string m_file;
    std::string m_problem;
};

std::optional<OverrideForm> overrideFormNamed(const std::string& word)
{
    if (word == "key=value")
        return OverrideForm::assignments;
    if (word == "--kebab-key value")
        return OverrideForm::kebab_options;
    return word == "--key value" ? std::optional(OverrideForm::options) : std::nullopt;
}

RowDirection directionNamed(const std::string& word)
{
    if (word == "import")
        return RowDirection::import_only;
    return word == "export" ? RowDirection::export_only : RowDirection::both;
}

TargetRow rowFrom(EntryReader& entry)
{
    TargetRow row;
    row.own = entry.text("own");
    row.key = entry.text("key");
    row.when = entry.conditions("when");
    row.import_when = entry.conditions("import_when");
    row.matters = entry.conditions("matters");
    row.direction = directionNamed(entry.text("direction"));
    row.as = entry.text("as");
    row.values = entry.pairs("values");
    row.import_values = entry.pairs("import_values");
    row.rename = entry.pairs("rename");
    row.skip = entry.text("skip");
    row.null_is = entry.text("null_is");
    row.only = entry.text("only");
    row.target_default = entry.text("target_default");
    row.always = entry.flag("always");
    if (const Field* field = findField(row.own))
        row.group = std::string(field->group);
    return row;
}

void addEntry(Target& target, std::string_view section, EntryReader& entry)
{
    if (section == "rows") {
        target.rows.push_back(rowFrom(entry));
    } else if (section == "fixed") {
        target.fixed.push_back({ entry.text("key"), entry.text("value"), entry.text("group"),
            entry.conditions("when") });
    } else if (section == "notes") {
        target.notes.push_back({ entry.text("own"), entry.text("text"), entry.conditions("when") });
    } else if (section == "lost") {
        target.lost.push_back({ entry.text("own"), entry.text("why"), entry.conditions("when") });
    } else if (section == "rules") {
        target.rules.push_back({ entry.text("key"), entry.text("text"), entry.conditions("if"),
            entry.conditions("any"), entry.flag("warning") });
    } else if (section == "multiples") {
        target.multiples.push_back({ entry.text("key"), entry.text("text"), entry.conditions("if"),
            entry.words("of"), entry.words("else_of"), entry.text("by") });
    }
}

} // namespace

Result<Target> loadTarget(std::string_view name, const std::filesystem::path& folder)
{
    if (std::find(kTargetNames.begin(), kTargetNames.end(), name) == kTargetNames.end())
        return fail("`" + std::string(name) + "` is no tool to export to; choose "
            + alternatives(kTargetNames));
    const std::filesystem::path file = folder / (std::string(name) + ".yaml");
    const Result<std::string> text = readFile(file, kMaxYamlBytes);
    if (!text)
        return tl::unexpected(text.error());
    const ParsedYaml parsed = parseYaml(*text);
    if (!parsed.findings.empty())
        return fail(toText(parsed.findings.front(), file.string()));
    Result<AcceptedKeys> accepted = readAcceptedKeys(folder / (std::string(name) + ".keys.json"));
    if (!accepted)
        return tl::unexpected(accepted.error());
    Target target;
    target.accepted = std::move(*accepted);
    EntryReader head(parsed.root, file.string());
    target.name = head.text("name");
    target.title = head.text("title");
    target.program = head.text("program");
    const std::optional<OverrideForm> overrides = overrideFormNamed(head.text("overrides"));
    if (!overrides)
        return fail(file.string() + ": `" + head.text("overrides")
            + "` is no form of a changed value: key=value, --key value and --kebab-key value are");
    target.overrides = *overrides;
    for (std::size_t i = 0; i < parsed.root.keys.size(); ++i)
        for (const YamlNode& item : parsed.root.items[i].items) {
            if (item.kind != YamlNode::Kind::mapping)
                continue;
            EntryReader entry(item, file.string());
            addEntry(target, parsed.root.keys[i].text, entry);
            if (!entry.problem().empty())
                return fail(entry.problem());
            if (const std::string own = entry.text("own"); !own.empty() && !findField(own))
                return fail(file.string() + ", line " + std::to_string(item.line) + ": `" + own
                    + "` is no key of a configuration");
        }
    return target;
}

Result<Target> loadTarget(std::string_view name)
{
    return loadTarget(name, resourceFolder() / "targets");
}

Result<std::vector<Target>> loadTargets()
{
    std::vector<Target> targets;
    for (const std::string_view name : kTargetNames) {
        Result<Target> target = loadTarget(name);
        if (!target)
            return tl::unexpected(target.error());
        targets.push_back(std::move(*target));
    }
    return targets;
}

} // namespace zen
