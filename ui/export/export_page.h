#pragma once

#include "ui/form/config_session.h"
#include "ui/shell/page.h"
#include "ui/tiers/catalogue.h"

class QComboBox;
class QPushButton;
class QVBoxLayout;

namespace zen::ui {

class Card;
class Dot;
class PlainLabel;
class YamlPreview;

/// The way out: the configuration as a file or on the clipboard, and the command that runs it; each
/// checked by reading it back.
class ExportPage : public Page {
    Q_OBJECT
public:
    ExportPage(ConfigSession& session, const Catalogue& catalogue, QWidget* parent = nullptr);

    void refresh() override { update(); }

    /// Writes the shown text and reads it back; the message says what happened. False: not written,
    /// or it reads differently.
    bool exportTo(const QString& path);

    QString exportedText() const; ///< what the preview shows

Q_SIGNALS:
    void exported(const QString& path);

private:
    QWidget* buildLeftSide();
    QWidget* buildCommandCard();
    PlainLabel* addCommand(QVBoxLayout* layout, const QString& title, const QString& object_name);
    void update();
    void updateCommands();
    void chooseFile();
    void say(const QString& words, bool good);

    ConfigSession& m_session;
    const Catalogue& m_catalogue;
    QComboBox* m_form = nullptr;
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
