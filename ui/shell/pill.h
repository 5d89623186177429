#pragma once

#include <QWidget>

namespace zen::ui {

enum class PillTone { accent, outline, warning, error };

/// A small rounded word: a size, an algorithm, a state, a reward.
class Pill : public QWidget {
    Q_OBJECT
public:
    explicit Pill(
        const QString& text = {}, PillTone tone = PillTone::accent, QWidget* parent = nullptr);

    QString text() const { return m_text; }
    void setText(const QString& text);
    void setTone(PillTone tone);
    void setMono(bool mono); ///< for numbers

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    QFont pillFont() const;

    QString m_text;
    PillTone m_tone;
    bool m_mono = false;
};

/// The same drawing for item delegates: centred vertically at the left of `rect`; returns the width
/// used.
int paintPill(QPainter& painter, const QRect& rect, const QString& text, PillTone tone,
    const QWidget& widget);

} // namespace zen::ui
