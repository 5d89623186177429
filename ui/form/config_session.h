#pragma once

#include "core/config/read_config.h"
#include "core/config/tiers.h"

#include <QObject>
#include <QTimer>
#include <QUndoStack>

#include <optional>
#include <span>

namespace zen::ui {

/// How one entry of the working document differs from the document it began as.
struct EntryChange {
    std::string key;
    int first_line = 0; ///< 1-based, in the working document; 0: the entry was removed
    int last_line = 0;
    std::string was; ///< empty: the entry is new
    bool operator==(const EntryChange&) const = default;
};

/// The one working configuration of the window: its source text, where it came from, what was read
/// from it, and the way back. Every edit is one undo step over the whole text, so that comments,
/// order and unknown keys survive.
class ConfigSession : public QObject {
    Q_OBJECT
public:
    explicit ConfigSession(QObject* parent = nullptr);

    const YamlDocument& document() const { return m_document; }
    const TrainingConfig& config() const { return m_read.config; }
    const Diagnostics& diagnostics() const { return m_read.diagnostics; }
    std::size_t count(Severity severity) const;

    QString text() const; ///< of the document
    QString path() const
    {
        return m_path;
    } ///< empty: not saved yet (a tier's file is a starting point)
    QString name() const; ///< file name, or the one suggested for saving
    bool isDirty() const { return m_document.text() != m_saved_text; }
    QString savedText() const
    {
        return QString::fromStdString(m_saved_text);
    } ///< as last opened or saved

    /// The document that changes are shown against: the tier's own file, or the file as it was
    /// opened.
    const YamlDocument& baseline() const { return m_baseline; }
    std::vector<EntryChange> changes() const;

    QUndoStack& undoStack() { return m_undo; }

    /// A file of the user. Errors: unreadable or not UTF-8 text; the old document then stays.
    Result<void> open(const QString& path);
    /// A shipped file as a starting point: saving asks for a place.
    Result<void> openTemplate(const QString& path);
    /// Any text as a new, unsaved document.
    void startFrom(const QString& text, const QString& suggested_name);
    /// What an earlier session left: unsaved text over the file it belongs to.
    void restore(const QString& path, const QString& suggested_name, const QString& baseline_text,
        const QString& saved_text, const QString& text);

    Result<void> save(); ///< needs path()
    Result<void> saveAs(const QString& path);
    void revert(); ///< to the text last saved or opened; can be undone

    /// Sets a field to YAML text, or removes it (back to its default). Quick edits of one key join
    /// into one undo step. Error: the text would break the file; nothing changes.
    Result<void> setField(std::string_view key, const std::optional<std::string>& yaml);

    /// Several edits as one undo step (a preset, a fix).
    Result<void> apply(const QString& label, std::span<const Edit> edits);

    /// Replaces the whole text as one undo step.
    void setText(const QString& label, const std::string& text);

Q_SIGNALS:
    void changed(); ///< document, config and diagnostics; at once
    void settled(); ///< 150 ms after the last change: for what costs more than a millisecond
    void sourceChanged(); ///< path, name, baseline or dirty flag

private:
    friend class DocumentCommand;
    void show(YamlDocument document); ///< what undo and redo do
    void start(YamlDocument document, const QString& path, const QString& suggested_name);

    YamlDocument m_document;
    YamlDocument m_baseline;
    std::string m_saved_text;
    QString m_path;
    QString m_suggested_name;
    ReadConfig m_read;
    bool m_was_dirty = false;
    QUndoStack m_undo;
    QTimer m_settle;
};

/// The tier whose model this configuration names, if it is one.
std::optional<Tier> tierOf(const TrainingConfig& config, std::span<const Tier> tiers);

} // namespace zen::ui
