#pragma once

#include <QDialog>

#include <optional>
#include <string>

class QPlainTextEdit;
class QPushButton;

namespace zen::ui {

class PlainLabel;

/// Edits `rewards:` as a YAML list, with a menu of terms to add; checked while it is typed.
class RewardsDialog : public QDialog {
    Q_OBJECT
public:
    RewardsDialog(const std::string& yaml, QWidget* parent);

    std::string yaml() const; ///< the block as it goes into the file; empty for no rewards

    /// Shows the dialog; nullopt: cancelled.
    static std::optional<std::string> edit(const std::string& yaml, QWidget* parent);

private:
    void check();
    void addTerm(const QString& lines);

    QPlainTextEdit* m_text = nullptr;
    PlainLabel* m_message = nullptr;
    QPushButton* m_accept = nullptr;
};

} // namespace zen::ui
