#include "core/export/translate.h"

#include "core/config/schema.h"
#include "core/export/import_config.h"
#include "core/export/target_values.h"

#include <algorithm>
#include <map>
#include <set>

namespace zen {

namespace {

bool isWorthWriting(const TargetRow& row, const Field& field, const std::string& yaml,
    const TrainingConfig& config, const TrainingConfig& resolved, const AcceptedKeys& accepted)
{
    if (row.always)
        return true;
    if (field.get(config) != defaultValue(field))
        return true;
    const std::optional<std::string> theirs = targetDefaultOf(row, accepted, resolved);
    return theirs && !sameScalar(*theirs, yaml) && allHold(row.matters, lookupIn(resolved));
}

struct PlacedKey {
    std::string key;
    std::string group;
};

/// The settings, and the heading under which each top-level key stands.
struct Translation {
    YamlTree tree;
    std::vector<PlacedKey> places;
};

void place(Translation& result, const std::string& dotted, const std::string& group)
{
    const std::string top = dotted.substr(0, dotted.find('.'));
    const bool is_placed = std::any_of(result.places.begin(), result.places.end(),
        [&](const PlacedKey& one) { return one.key == top; });
    if (!is_placed)
        result.places.push_back({ top, group });
}

Translation translateRows(const TrainingConfig& config, const Target& target)
{
    const TrainingConfig resolved = resolve(config);
    const ValueLookup valueOf = lookupIn(resolved);
    Translation result;
    for (const TargetRow& row : target.rows) {
        if (row.direction == RowDirection::import_only || !allHold(row.when, valueOf))
            continue;
        const Field& field = *findField(row.own);
        const std::optional<std::string> yaml = toTargetYaml(row, resolved);
        if (!yaml || (row.rename.empty() && (yaml->empty() || *yaml == "[]")))
            continue;
        if (!isWorthWriting(row, field, *yaml, config, resolved, target.accepted))
            continue;
        setInTree(result.tree, row.key, *yaml);
        place(result, row.key, row.group);
    }
    for (const FixedEntry& entry : target.fixed)
        if (allHold(entry.when, valueOf)) {
            setInTree(result.tree, entry.key, entry.value);
            place(result, entry.key, entry.group);
        }
    return result;
}

Diagnostic noteOn(const std::string& own, std::string text)
{
    return { Severity::warning, 0, 0, own, std::move(text), {} };
}

bool isNoted(const Diagnostics& notes, std::string_view own)
{
    return std::any_of(
        notes.begin(), notes.end(), [own](const Diagnostic& note) { return note.key == own; });
}

/// Twins say the same as another field; rl_only fields mean nothing to sft.
bool isSilent(const Field& field, const TrainingConfig& config)
{
    return field.key == "bf16" || field.key == "load_in_4bit"
        || (field.rl_only && config.algorithm.stage == Stage::sft);
}

Diagnostics notesFor(const TrainingConfig& config, const Target& target)
{
    const TrainingConfig resolved = resolve(config);
    const ValueLookup valueOf = lookupIn(resolved);
    Diagnostics notes;
    for (const TargetNote& note : target.notes)
        if (allHold(note.when, valueOf))
            notes.push_back(noteOn(note.own, note.text));
    for (const TargetNote& lost : target.lost) {
        const Field& field = *findField(lost.own);
        if (isSilent(field, config) || isNoted(notes, lost.own)
            || field.get(config) == defaultValue(field) || !allHold(lost.when, valueOf))
            continue;
        const std::string value = toYaml(field.get(config));
        notes.push_back(noteOn(lost.own,
            "is not written"
                + (value.size() > 60 || value.starts_with(' ')
                            || value.find('\n') != std::string::npos
                        ? ""
                        : " (" + value + ")")
                + ": " + lost.text));
    }
    return notes;
}

/// What does not come back when the file is read again and has not been noted yet.
void addDifferences(
    Diagnostics& notes, const std::string& yaml, const TrainingConfig& config, const Target& target)
{
    const ImportedConfig again = importConfig(YamlDocument::fromText(yaml), target, {});
    const TrainingConfig wanted = resolve(config);
    const TrainingConfig got = resolve(again.config);
    for (const Field& field : schema()) {
        const FieldValue here = field.get(wanted);
        const FieldValue there = field.get(got);
        if (here == there || isSilent(field, config) || isNoted(notes, field.key)
            || field.get(config) == defaultValue(field))
            continue;
        const std::string value = toYaml(here);
        const std::string back = toYaml(there);
        const bool is_written = std::any_of(again.keys.begin(), again.keys.end(),
            [&](const ForeignKey& key) { return key.own == field.key; });
        notes.push_back(noteOn(std::string(field.key),
            !is_written ? "is not written (" + value + "): it does not apply there"
                : value.empty() || value.find('\n') != std::string::npos || value.starts_with(' ')
                ? "cannot be expressed exactly"
                : "is " + value + "; as it is written there, it reads back as "
                    + (back.empty() ? "nothing" : back)));
    }
}

std::string headComment(const Target& target, const Diagnostics& notes)
{
    std::string text = "# For " + target.title + " (" + target.program
        + "), checked against version " + target.accepted.version + " of " + target.accepted.date
        + ".\n";
    for (const Diagnostic& note : notes)
        text += "# " + note.key + ": " + note.message + "\n";
    return text + "\n";
}

std::string withHeadings(const Translation& translation)
{
    std::string text;
    for (const std::string_view group : groupsInOrder()) {
        YamlTree part;
        for (const PlacedKey& placed : translation.places)
            if (placed.group == group)
                for (const YamlTree& child : translation.tree.children)
                    if (child.key == placed.key)
                        part.children.push_back(child);
        if (!part.children.empty())
            text += (text.empty() ? "### " : "\n### ") + std::string(group) + "\n"
                + blockLines(part);
    }
    return text;
}

} // namespace

YamlTree translatedTree(const TrainingConfig& config, const Target& target)
{
    return translateRows(config, target).tree;
}

TargetConfig translate(const TrainingConfig& config, const Target& target)
{
    const std::string body = withHeadings(translateRows(config, target));
    TargetConfig result;
    result.notes = notesFor(config, target);
    addDifferences(result.notes, body, config, target);
    result.yaml = headComment(target, result.notes) + body;
    return result;
}

Result<YamlDocument> writeBack(YamlDocument foreign, const TrainingConfig& before,
    const TrainingConfig& after, const Target& target)
{
    if (hasErrors(foreign.check()))
        return fail(toText(foreign.check().front()));
    const std::map<std::string, std::string> old_leaves = leavesOf(translatedTree(before, target));
    const std::map<std::string, std::string> new_leaves = leavesOf(translatedTree(after, target));
    YamlTree tree = treeOf(foreign.root());
    std::set<std::string> touched;
    for (const auto& [key, value] : new_leaves)
        if (const auto old = old_leaves.find(key);
            old == old_leaves.end() || old->second != value) {
            setInTree(tree, key, value);
            touched.insert(key.substr(0, key.find('.')));
        }
    for (const auto& [key, value] : old_leaves)
        if (!new_leaves.contains(key)) {
            removeFromTree(tree, key);
            touched.insert(key.substr(0, key.find('.')));
        }
    for (const std::string& top : touched) {
        const auto entry = std::find_if(tree.children.begin(), tree.children.end(),
            [&](const YamlTree& child) { return child.key == top; });
        const Result<void> done = entry == tree.children.end()
            ? foreign.remove(top)
            : foreign.set(top, entryValue(*entry));
        if (!done)
            return tl::unexpected(done.error());
    }
    return foreign;
}

} // namespace zen
