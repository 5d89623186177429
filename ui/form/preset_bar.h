#pragma once

#include "core/config/presets.h"
#include "ui/shell/card.h"

#include <QAbstractButton>

class QHBoxLayout;

namespace zen::ui {

class ConfigSession;
class PlainLabel;

/// One preset: a title above its summary. Checked while everything it says is so.
class PresetButton : public QAbstractButton {
    Q_OBJECT
public:
    PresetButton(const Preset& preset, QWidget* parent);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_summary;
};

/// The presets for the hardware and for the task. A click applies one as a single undo step and
/// says which fields changed.
class PresetBar : public Card {
    Q_OBJECT
public:
    PresetBar(ConfigSession& session, std::vector<Preset> presets, QWidget* parent = nullptr);

Q_SIGNALS:
    void applied(const QString& title);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void addKind(PresetKind kind, const QString& title);
    void applyPreset(const Preset& preset);
    void refresh();

    ConfigSession& m_session;
    std::vector<Preset> m_presets;
    QHBoxLayout* m_kinds = nullptr;
    std::vector<PresetButton*> m_buttons; ///< in the order of m_presets
    QWidget* m_note = nullptr;
    PlainLabel* m_note_text = nullptr;
    QString m_note_undo_text; ///< the undo step that the note speaks of
};

/// "lora_rank 4 → 32, temperature 1.0 → 0.7"; long values are cut.
QString describeChanges(const std::vector<PresetChange>& changes);

} // namespace zen::ui
