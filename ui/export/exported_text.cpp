#include "ui/export/exported_text.h"

#include "core/export/lint.h"
#include "core/export/translate.h"

#include <QFileInfo>

#include <algorithm>

namespace zen::ui {

ExportedText exportedText(const TrainingConfig& config, const Target& target)
{
    TargetConfig translated = translate(config, target);
    ExportedText result;
    result.findings = lint(translated.yaml, target);
    result.notes = std::move(translated.notes);
    result.document = YamlDocument::fromText(std::move(translated.yaml));
    return result;
}

std::vector<EntryChange> changesBetween(const YamlDocument& before, const YamlDocument& after)
{
    std::vector<EntryChange> changes;
    for (const YamlEntry& entry : after.entries()) {
        const YamlEntry* old = before.find(entry.key);
        if (old && old->value_text == entry.value_text)
            continue;
        const auto breaks = std::count(entry.value_text.begin(), entry.value_text.end(), '\n');
        const bool is_block
            = entry.value_text.starts_with(' ') || entry.value_text.starts_with('-');
        changes.push_back(
            { entry.key, entry.line, entry.line + static_cast<int>(breaks) + (is_block ? 1 : 0),
                old ? old->value_text : std::string() });
    }
    for (const YamlEntry& entry : before.entries())
        if (!after.find(entry.key))
            changes.push_back({ entry.key, 0, 0, entry.value_text });
    return changes;
}

QString exportFileName(const QString& config_name, const std::string& target)
{
    return QStringLiteral("%1.%2.yaml")
        .arg(QFileInfo(config_name).completeBaseName(), QString::fromStdString(target));
}

} // namespace zen::ui
