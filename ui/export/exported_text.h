#pragma once

#include "core/export/target.h"
#include "ui/form/config_session.h"

#include <QString>

#include <vector>

namespace zen::ui {

/// A configuration as text for one tool, and what there is to say about it.
struct ExportedText {
    YamlDocument document;
    Diagnostics notes; ///< what the tool cannot express or takes differently
    Diagnostics findings; ///< of the linter, with lines
};

ExportedText exportedText(const TrainingConfig& config, const Target& target);

/// How one text differs from an earlier one, entry by entry, as the preview marks it.
std::vector<EntryChange> changesBetween(const YamlDocument& before, const YamlDocument& after);

/// `starter.yaml` for TRL: `starter.trl.yaml`.
QString exportFileName(const QString& config_name, const std::string& target);

} // namespace zen::ui
