#include "core/export/import_config.h"

#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/config/schema_aliases.h"
#include "core/config/yaml_scalar.h"
#include "core/export/reward_module.h"
#include "core/export/target_values.h"
#include "core/export/yaml_tree.h"

#include <algorithm>
#include <functional>
#include <set>

namespace zen {

namespace {

/// A leaf of the file: `trl.beta` and its node. Mappings that the tables know as a whole stay
/// whole.
struct Leaf {
    std::string key;
    const YamlNode* node = nullptr;
    int line = 0;
};

bool isPrefixOfRow(const Target& target, const std::string& key)
{
    return std::any_of(target.rows.begin(), target.rows.end(),
        [&](const TargetRow& row) { return row.key.starts_with(key + "."); });
}

void collectLeaves(const YamlNode& mapping, const Target& target, const std::string& prefix,
    std::vector<Leaf>& leaves)
{
    for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
        const std::string key = prefix + mapping.keys[i].text;
        const YamlNode& item = mapping.items[i];
        const AcceptedKey* accepted = target.accepted.find(key);
        const bool opens = item.kind == YamlNode::Kind::mapping
            && (isPrefixOfRow(target, key) || (accepted && !accepted->keys.empty()));
        if (opens)
            collectLeaves(item, target, key + ".", leaves);
        else
            leaves.push_back({ key, &item, mapping.keys[i].line });
    }
}

/// What a foreign file says under a key, for conditions.
ValueLookup lookupInFile(const YamlNode& root)
{
    return [&root](std::string_view key) -> std::optional<std::string> {
        const YamlNode* node = nodeAt(root, key);
        if (!node || node->kind == YamlNode::Kind::null)
            return {};
        return node->kind == YamlNode::Kind::scalar ? node->text : flowText(*node);
    };
}

/// A key for a comment or a report: quoted where it would not stay on its line.
std::string onOneLine(const std::string& key)
{
    const std::string quoted = formatText(key);
    return quoted.find('\\') == std::string::npos ? key : quoted;
}

class Importer {
public:
    Importer(const YamlDocument& document, const Target& target)
        : m_document(document)
        , m_target(target)
        , m_in_file(lookupInFile(document.root()))
    {
    }

    ImportedConfig run(const std::filesystem::path& folder)
    {
        m_result.findings = m_document.check();
        if (hasErrors(m_result.findings))
            return std::move(m_result);
        std::vector<Leaf> leaves;
        collectLeaves(m_document.root(), m_target, {}, leaves);
        for (const Leaf& leaf : leaves)
            m_result.keys.push_back(
                { leaf.key, leaf.line, flowText(*leaf.node), KeyFate::without_effect, {}, {} });
        if (!folder.empty())
            takeRewardModule(folder);
        const auto isStage = [](const TargetRow& row) { return row.own == "stage"; };
        takeRows(leaves, isStage);
        takeDefaults(isStage); // what follows depends on it
        takeRows(leaves, std::not_fn(isStage));
        for (std::size_t i = 0; i < leaves.size(); ++i)
            if (!m_done.contains(i))
                judge(i, *leaves[i].node);
        takeDefaults(std::not_fn(isStage));
        for (const TargetRow& row : m_target.rows)
            if (row.as.ends_with("_datasets"))
                listEntryDetails(row.key);
        m_result.yaml = ownFile();
        return std::move(m_result);
    }

private:
    void takeRewardModule(const std::filesystem::path& folder)
    {
        Result<std::vector<RewardTermSpec>> terms = readRewardModule(folder);
        if (terms && !terms->empty()) {
            m_result.config.algorithm.rewards = std::move(*terms);
            m_set.insert("rewards");
            m_result.findings.push_back({ Severity::advice, 0, 0, "rewards",
                "were read from " + std::string(kRewardModule) + ".py beside the file", {} });
        }
    }

    /// Only what the stage decides can be asked while the file is being read.
    bool mayRead(const TargetRow& row) const
    {
        if (row.direction == RowDirection::export_only || !allHold(row.import_when, m_in_file))
            return false;
        if (row.own == "stage")
            return true;
        const ValueLookup valueOf = lookupIn(m_result.config);
        return std::all_of(row.when.begin(), row.when.end(), [&](const Condition& condition) {
            return (condition.key != "stage" && condition.key != "rl") || holds(condition, valueOf);
        });
    }

    using RowChoice = std::function<bool(const TargetRow&)>;

    void takeRows(const std::vector<Leaf>& leaves, const RowChoice& isChosen)
    {
        for (const TargetRow& row : m_target.rows)
            for (std::size_t i = 0; i < leaves.size(); ++i)
                if (isChosen(row) && leaves[i].key == row.key && mayRead(row))
                    takeRow(row, i, *leaves[i].node);
    }

    void takeRow(const TargetRow& row, std::size_t index, const YamlNode& node)
    {
        ForeignKey& key = m_result.keys[index];
        const bool adds = row.own == "rewards" || row.as.starts_with("contains ");
        if (m_set.contains(row.own) && !adds)
            return;
        const Field& field = *findField(row.own);
        const Result<FieldValue> value = fromTargetYaml(row, node, m_result.config);
        const bool is_null = node.kind == YamlNode::Kind::null;
        if (value) {
            field.set(m_result.config, *value);
            m_set.insert(row.own);
            m_done.insert(index);
            key.fate = KeyFate::taken;
            key.own = row.own;
            key.why = {};
        } else if (!m_done.contains(index)) {
            const AcceptedKey* accepted = m_target.accepted.find(row.key);
            const bool is_default = is_null
                || (accepted && accepted->default_yaml
                    && sameScalar(*accepted->default_yaml, flowText(node)));
            key.fate = is_default ? KeyFate::without_effect : KeyFate::refused;
            key.why = is_default ? "says what its absence says" : value.error().message;
            m_judged.insert(index);
        }
    }

    /// A key that no row took.
    void judge(std::size_t index, const YamlNode& node)
    {
        if (m_judged.contains(index))
            return;
        ForeignKey& key = m_result.keys[index];
        const bool is_fixed = std::any_of(m_target.fixed.begin(), m_target.fixed.end(),
            [&](const FixedEntry& entry) { return entry.key == key.key; });
        if (is_fixed) {
            key.why = "is written on export by itself";
            return;
        }
        if (const AcceptedKey* accepted = m_target.accepted.find(key.key); !accepted) {
            judgeUnknown(key, node);
            return;
        }
        const IgnoredKey* ignored = findIgnoredKey(key.key);
        key.why = ignored      ? std::string(ignored->why)
            : isInert(key.key) ? "has no effect with this stage"
                               : "has no counterpart here";
    }

    bool isInert(const std::string& key) const
    {
        return std::any_of(m_target.rows.begin(), m_target.rows.end(),
            [&](const TargetRow& row) { return row.key == key; });
    }

    void judgeUnknown(ForeignKey& key, const YamlNode& node)
    {
        key.fate = KeyFate::unknown;
        key.why = m_target.title
            + (m_target.accepted.strict ? " does not know it and refuses the file"
                                        : " does not know it and drops it in silence");
        const Field* field = findField(key.key);
        if (!field || m_set.contains(std::string(field->key)))
            return;
        TargetRow row;
        row.own = std::string(field->key);
        row.key = key.key;
        const std::string word(
            translatedWord(key.key, node.kind == YamlNode::Kind::scalar ? node.text : ""));
        YamlNode spelled = node;
        if (!word.empty())
            spelled.text = word;
        if (const Result<FieldValue> value = fromTargetYaml(row, spelled, m_result.config)) {
            field->set(m_result.config, *value);
            m_set.insert(row.own);
            key.own = row.own;
            key.why += "; it is taken here";
        }
    }

    /// Where an absent key means something else there than here.
    void takeDefaults(const RowChoice& isChosen)
    {
        for (const TargetRow& row : m_target.rows) {
            if (!isChosen(row) || m_set.contains(row.own) || !mayRead(row) || row.own == "dtype"
                || row.as.starts_with("contains ") || m_in_file(row.key))
                continue;
            const TrainingConfig resolved = resolve(m_result.config);
            const ValueLookup valueOf = lookupIn(resolved);
            const bool applies = row.own == "stage" || allHold(row.when, valueOf);
            if (!applies || !allHold(row.matters, valueOf))
                continue;
            if (const auto theirs = targetDefaultOf(row, m_target.accepted, resolved))
                takeDefault(row, *theirs);
            else
                takeAbsence(row);
        }
    }

    /// A row may say which own value is written as no key at all.
    void takeAbsence(const TargetRow& row)
    {
        for (const auto& [own, theirs] : row.values)
            if (theirs == "absent" && own != "other")
                setDefault(row, parseValue(*findField(row.own), own));
    }

    void takeDefault(const TargetRow& row, const std::string& theirs)
    {
        const ParsedYaml parsed = parseYaml(theirs);
        if (!parsed.findings.empty())
            return;
        setDefault(row, fromTargetYaml(row, parsed.root, m_result.config));
    }

    void setDefault(const TargetRow& row, const Result<FieldValue>& value)
    {
        if (!value)
            return;
        const Field& field = *findField(row.own);
        m_set.insert(row.own);
        if (*value == field.get(resolve(m_result.config)))
            return;
        field.set(m_result.config, *value);
        m_result.findings.push_back({ Severity::advice, 0, 0, row.own,
            "is not in the file; " + toYaml(*value) + " is what " + m_target.title + " takes then",
            {} });
    }

    /// What entries of a list of datasets say besides where the rows are.
    void listEntryDetails(const std::string& key)
    {
        const YamlNode* list = nodeAt(m_document.root(), key);
        const AcceptedKey* accepted = m_target.accepted.find(key);
        for (std::size_t i = 0; list && accepted && i < list->items.size(); ++i) {
            const YamlNode& entry = list->items[i];
            for (std::size_t k = 0; k < entry.keys.size(); ++k) {
                const std::string& name = entry.keys[k].text;
                const std::string value = flowText(entry.items[k]);
                if (name == "path" || name == "data_files" || name == "ds_type"
                    || (name == "split" && value == "train"))
                    continue;
                const bool is_known = accepted->items.empty() || accepted->items.contains(name);
                m_result.keys.push_back(
                    { key + "[" + std::to_string(i) + "]." + name, entry.keys[k].line, value,
                        is_known ? KeyFate::without_effect : KeyFate::unknown, {},
                        is_known ? "rows are read as prompt_column and answer_column say"
                                 : m_target.title + " does not know it" });
            }
        }
    }

    std::string ownFile() const
    {
        std::string text = writeConfig(m_result.config);
        std::string kept;
        for (const ForeignKey& key : m_result.keys)
            if (key.own.empty())
                kept += "# " + onOneLine(key.key) + ": " + key.value + "\n";
        if (!kept.empty())
            text += "\n# Kept from the file for " + m_target.title + "; no settings here:\n" + kept;
        return text;
    }

    const YamlDocument& m_document;
    const Target& m_target;
    ValueLookup m_in_file;
    ImportedConfig m_result;
    std::set<std::string> m_set; ///< own keys that have a value
    std::set<std::size_t> m_done; ///< foreign keys that became one
    std::set<std::size_t> m_judged; ///< foreign keys whose row refused them
};

} // namespace

ImportedConfig importConfig(
    const YamlDocument& document, const Target& target, const std::filesystem::path& folder)
{
    return Importer(document, target).run(folder);
}

std::string importReport(const ImportedConfig& imported, const Target& target)
{
    std::string taken;
    std::string other;
    int count = 0;
    for (const ForeignKey& key : imported.keys) {
        const std::string name = onOneLine(key.key);
        if (key.fate == KeyFate::taken) {
            ++count;
            if (key.key != key.own)
                taken += "  " + name + " is " + key.own + " here\n";
            continue;
        }
        const char* word = key.fate == KeyFate::unknown ? "unknown"
            : key.fate == KeyFate::refused              ? "not taken"
                                                        : "no effect";
        (key.own.empty() ? other : taken) += "  line " + std::to_string(key.line) + ", " + name
            + " (" + word + "): " + key.why + "\n";
    }
    std::string text = "A file for " + target.title + ". " + std::to_string(count) + " of "
        + std::to_string(imported.keys.size()) + " keys are settings here.\n" + taken;
    if (!other.empty())
        text += "Kept as comments:\n" + other;
    for (const Diagnostic& finding : imported.findings)
        text += "  " + toText(finding) + "\n";
    return text;
}

} // namespace zen
