#include "core/config/presets.h"

#include "core/base/durable_file.h"
#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/config/schema_values.h"

#include <algorithm>
#include <cstdint>
#include <system_error>

namespace zen {

namespace {

constexpr std::uintmax_t kMaxPresetBytes = 65536;

std::string trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r#");
    if (begin == std::string_view::npos)
        return {};
    return std::string(text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin));
}

/// Title and summary from the first comment line: `# Consumer: 8 to 24 GB`.
void readHeading(const std::string& text, Preset& preset)
{
    preset.title = preset.name;
    if (!text.starts_with('#'))
        return;
    const std::string heading = trimmed(std::string_view(text).substr(0, text.find('\n')));
    const std::size_t colon = heading.find(": ");
    preset.title = heading.substr(0, colon);
    if (colon != std::string::npos)
        preset.summary = heading.substr(colon + 2);
}

Result<Preset> loadPreset(const std::filesystem::path& file, PresetKind kind)
{
    const auto document = YamlDocument::load(file);
    if (!document)
        return tl::unexpected<Error>(document.error());
    Diagnostics findings = document->check();
    Preset preset;
    preset.name = file.stem().string();
    preset.kind = kind;
    readHeading(document->text(), preset);
    for (std::size_t i = 0; i < document->entries().size(); ++i) {
        const YamlEntry& entry = document->entries()[i];
        const Field* field = findField(entry.key);
        if (!field) {
            findings.push_back(
                { Severity::error, entry.line, 0, entry.key, "is not a known key", {} });
            continue;
        }
        const auto value = valueFromNode(*field, entry.key, document->root().items[i]);
        if (!value) {
            findings.push_back(
                { Severity::error, entry.line, 0, entry.key, value.error().message, {} });
            continue;
        }
        Edit edit{ std::string(field->key), {} };
        if (!std::holds_alternative<std::monostate>(*value))
            edit.value = toYaml(*value);
        preset.edits.push_back(std::move(edit));
    }
    if (!findings.empty())
        return fail(toText(findings.front(), file.string()));
    if (preset.edits.empty())
        return fail(file.string() + ": the preset sets nothing");
    return preset;
}

std::size_t shownPosition(const std::string& name)
{
    constexpr std::string_view kOrder[] = { "limited", "consumer", "professional",
        "this_machine_cpu", "high_quality", "fast_iteration", "domain_specialization" };
    return static_cast<std::size_t>(
        std::find(std::begin(kOrder), std::end(kOrder), name) - std::begin(kOrder));
}

void loadKind(const std::filesystem::path& folder, PresetKind kind, bool built_in,
    std::vector<Preset>& presets, Diagnostics& problems)
{
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (auto entry = std::filesystem::directory_iterator(folder, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
        if (entry->path().extension() == ".yaml")
            files.push_back(entry->path());
    std::sort(files.begin(), files.end(), [](const auto& left, const auto& right) {
        const std::string a = left.stem().string();
        const std::string b = right.stem().string();
        return std::pair(shownPosition(a), a) < std::pair(shownPosition(b), b);
    });
    for (const std::filesystem::path& file : files) {
        const std::uintmax_t size = std::filesystem::file_size(file, error);
        Result<Preset> preset = error || size > kMaxPresetBytes
            ? Result<Preset>(fail(file.string() + ": not a readable file of at most 64 KiB"))
            : loadPreset(file, kind);
        if (preset) {
            preset->built_in = built_in;
            presets.push_back(std::move(*preset));
        } else {
            problems.push_back({ Severity::warning, 0, 0, {},
                "a preset is left out: " + preset.error().message, {} });
        }
        error.clear();
    }
}

} // namespace

std::vector<Preset> loadPresets(const std::filesystem::path& folder,
    const std::filesystem::path& user_folder, Diagnostics* problems)
{
    std::vector<Preset> presets;
    Diagnostics found;
    for (const PresetKind kind : { PresetKind::hardware, PresetKind::task }) {
        const char* name = kind == PresetKind::hardware ? "hardware" : "task";
        loadKind(folder / name, kind, true, presets, found);
        if (!user_folder.empty())
            loadKind(user_folder / name, kind, false, presets, found);
    }
    if (problems)
        problems->insert(problems->end(), found.begin(), found.end());
    return presets;
}

std::vector<Preset> loadPresets(const std::filesystem::path& folder, Diagnostics* problems)
{
    return loadPresets(folder, {}, problems);
}

std::vector<PresetChange> changesOf(const Preset& preset, const YamlDocument& document)
{
    std::vector<PresetChange> changes;
    for (const Edit& edit : preset.edits) {
        const Field* field = findField(edit.key);
        const YamlEntry* entry = findFieldEntry(document, edit.key);
        if (!entry && (!edit.value || (field && edit.value == toYaml(defaultValue(*field)))))
            continue;
        if (entry && field && edit.value) {
            const auto index = static_cast<std::size_t>(entry - document.entries().data());
            const auto now = valueFromNode(*field, entry->key, document.root().items[index]);
            if (now && toYaml(*now) == *edit.value)
                continue;
        }
        changes.push_back({ edit.key, entry ? entry->value_text : std::string(),
            edit.value.value_or(std::string()) });
    }
    return changes;
}

Result<YamlDocument> applyPreset(const Preset& preset, YamlDocument document)
{
    for (const PresetChange& change : changesOf(preset, document)) {
        const auto edit = std::find_if(preset.edits.begin(), preset.edits.end(),
            [&](const Edit& each) { return each.key == change.key; });
        if (const Result<void> done = setField(document, *edit); !done)
            return fail(preset.title + ": " + done.error().message);
    }
    return document;
}

} // namespace zen
