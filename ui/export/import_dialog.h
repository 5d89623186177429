#pragma once

#include "core/export/import_config.h"

#include <QDialog>

class QVBoxLayout;

namespace zen::ui {

/// The report on another tool's file: whose it is, what was taken, what was not and why. Accepting
/// opens it as a new configuration; the foreign file stays as it is.
class ImportDialog : public QDialog {
    Q_OBJECT
public:
    ImportDialog(const QString& file_name, const ImportedConfig& imported, const Target& target,
        QWidget* parent = nullptr);

    QString report() const { return m_text; } ///< what it says of the keys

private:
    void addSection(const QString& title, const Diagnostics& notes);

    QVBoxLayout* m_sections = nullptr;
    QString m_text;
};

/// A foreign file as an own configuration; nullopt: it is an own one, or cannot be read as YAML.
struct ForeignFile {
    Target target;
    ImportedConfig imported;
};
std::optional<ForeignFile> readForeignFile(const QString& path);

} // namespace zen::ui
