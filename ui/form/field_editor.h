#pragma once

#include "core/base/diagnostic.h"
#include "core/config/schema.h"

#include <QWidget>

#include <optional>

class QAction;
class QComboBox;
class QLineEdit;
class QPushButton;
class QVBoxLayout;

class QHBoxLayout;

namespace zen::ui {

class PlainLabel;

/// One field of the form: its label, a box with the value left and its consequence or unit right,
/// and below it what is wrong with it, with a repair. It edits nothing itself: it says what was
/// entered.
class FieldEditor : public QWidget {
    Q_OBJECT
public:
    explicit FieldEditor(const Field& field, QWidget* parent = nullptr);

    const Field& field() const { return m_field; }

    /// Shows the value of this configuration, the text of the file where the value could not be
    /// read, and the hint.
    void show(const TrainingConfig& config, const std::optional<std::string>& yaml,
        std::optional<std::int64_t> rows);
    void showFinding(const Diagnostic* finding); ///< nullptr: none

    void focusValue();
    bool matches(const QString& words) const; ///< every word is in label, key, aliases or help

Q_SIGNALS:
    void entered(const std::optional<std::string>& yaml); ///< nullopt: back to the default
    void fixAccepted(const zen::Fix& fix);
    void rewardsRequested();

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void buildBox(QHBoxLayout* row);
    void buildLineEdit();
    void buildComboBox();
    void showInLineEdit(const TrainingConfig& config, const std::optional<std::string>& yaml);
    void stepValue(int direction);
    void browse();

    const Field& m_field;
    PlainLabel* m_label = nullptr;
    QWidget* m_box = nullptr;
    class HintLineEdit* m_edit = nullptr;
    class HintComboBox* m_combo = nullptr;
    QPushButton* m_rewards = nullptr;
    QWidget* m_message_row = nullptr;
    PlainLabel* m_message = nullptr;
    QPushButton* m_fix_button = nullptr;
    std::optional<Fix> m_fix;
    bool m_is_changed = false;
};

} // namespace zen::ui
