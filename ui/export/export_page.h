#pragma once

#include "ui/export/exported_text.h"
#include "ui/form/config_session.h"
#include "ui/run/background_work.h"
#include "ui/shell/page.h"
#include "ui/tiers/catalogue.h"

#include <map>
#include <optional>

class QComboBox;
class QPushButton;
class QVBoxLayout;

namespace zen::ui {

class Card;
class Dot;
class LintStrip;
class NotesList;
class PlainLabel;
class YamlPreview;

/// The way out: the configuration as a file for this program or another tool, on the clipboard or
/// as a bundle, and the command that runs it; each checked by reading it back and, for another
/// tool, as that tool would check it.
class ExportPage : public Page {
    Q_OBJECT
public:
    ExportPage(ConfigSession& session, const Catalogue& catalogue, QWidget* parent = nullptr);

    void refresh() override;

    /// Writes the shown text and reads it back; the message says what happened. False: not written,
    /// or it reads differently.
    bool exportTo(const QString& path);

    QString exportedText() const; ///< what the preview shows

    /// Writes the bundle for the chosen tool into a new folder, in the background; `bundled` or the
    /// message tells how it went.
    void bundleTo(const QString& folder);

Q_SIGNALS:
    void exported(const QString& path);
    void bundled(const QString& folder);

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* buildLeftSide();
    QWidget* buildFileCard();
    QWidget* buildNotesCard();
    QWidget* buildCommandCard();
    QWidget* buildPreview();
    PlainLabel* addCommand(QVBoxLayout* layout, const QString& title, const QString& object_name);
    void update();
    void startOver(); ///< something else is chosen: what was said of the last file is past
    void followSession(); ///< at once if the page is visible, else when it is shown
    void updateOwn();
    void updateForTarget();
    void updateCommands();
    void updateTargetCommands();
    const Target* target(); ///< the chosen tool; nullptr: this program
    QString fileName();
    std::optional<YamlDocument> previousExport();
    void chooseFile();
    void chooseBundle();
    void say(const QString& words, bool good);

    ConfigSession& m_session;
    const Catalogue& m_catalogue;
    std::map<std::string, Target> m_targets; ///< read when first chosen
    std::map<std::string, QString> m_last_export; ///< by tool: the text last written
    ExportedText m_for_target;
    BackgroundWork m_work;
    bool m_is_stale = false; ///< the configuration changed while nobody looked
    QComboBox* m_tool = nullptr;
    QComboBox* m_form = nullptr;
    PlainLabel* m_form_label = nullptr;
    Card* m_notes_card = nullptr;
    NotesList* m_notes = nullptr;
    LintStrip* m_lint = nullptr;
    QPushButton* m_bundle = nullptr;
    Card* m_preview_card = nullptr;
    YamlPreview* m_preview = nullptr;
    PlainLabel* m_check = nullptr;
    Dot* m_check_dot = nullptr;
    PlainLabel* m_result = nullptr;
    PlainLabel* m_run_command = nullptr;
    PlainLabel* m_override_command = nullptr;
    PlainLabel* m_override_note = nullptr;
    PlainLabel* m_parallel_command = nullptr;
    QPushButton* m_save = nullptr;
};

} // namespace zen::ui
