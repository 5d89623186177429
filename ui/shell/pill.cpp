#include "ui/shell/pill.h"

#include "ui/shell/studio_style.h"

#include <QEvent>
#include <QPainter>

namespace zen::ui {

namespace {

constexpr int kSidePadding = 9;

void paintAt(QPainter& painter, const QRectF& rect, const QString& text, PillTone tone,
    const QFont& font, const Theme& theme)
{
    QColor fill, border, color;
    switch (tone) {
    case PillTone::accent:
        fill = theme.accent_tint;
        color = theme.accent_text;
        break;
    case PillTone::outline:
        border = theme.line;
        color = theme.muted;
        break;
    case PillTone::warning:
        border = theme.warning;
        color = theme.warning_text;
        break;
    case PillTone::error:
        border = theme.error;
        color = theme.error;
        break;
    }
    paintRounded(painter, rect, rect.height() / 2, fill, border);
    painter.setPen(color);
    painter.setFont(font);
    painter.drawText(rect, Qt::AlignCenter | Qt::TextSingleLine, text);
}

} // namespace

Pill::Pill(const QString& text, PillTone tone, QWidget* parent)
    : QWidget(parent)
    , m_tone(tone)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setText(text);
}

void Pill::setText(const QString& text)
{
    m_text = text;
    setAccessibleName(text);
    updateGeometry();
    update();
}

void Pill::setTone(PillTone tone)
{
    m_tone = tone;
    update();
}

void Pill::setMono(bool mono)
{
    m_mono = mono;
    updateGeometry();
    update();
}

QFont Pill::pillFont() const
{
    const Theme& theme = Theme::of(*this);
    if (m_mono)
        return theme.mono(11);
    return theme.text(11, m_tone == PillTone::outline ? QFont::Normal : QFont::Medium);
}

QSize Pill::sizeHint() const
{
    const QFontMetrics metrics(pillFont());
    return { metrics.horizontalAdvance(m_text) + 2 * kSidePadding, Theme::of(*this).scaled(20) };
}

void Pill::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    paintAt(painter, rect(), m_text, m_tone, pillFont(), Theme::of(*this));
}

void Pill::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        updateGeometry();
}

int paintPill(
    QPainter& painter, const QRect& rect, const QString& text, PillTone tone, const QWidget& widget)
{
    const Theme& theme = Theme::of(widget);
    const QFont font = theme.text(11, tone == PillTone::outline ? QFont::Normal : QFont::Medium);
    const int width = QFontMetrics(font).horizontalAdvance(text) + 2 * kSidePadding;
    const int height = theme.scaled(20);
    paintAt(painter, QRectF(rect.left(), rect.center().y() - height / 2.0 + 0.5, width, height),
        text, tone, font, theme);
    return width;
}

} // namespace zen::ui
