#include "ui/form/hint_boxes.h"

#include "ui/shell/theme.h"

#include <QPainter>

namespace zen::ui {

namespace {

constexpr int kSide = 10;
constexpr int kArrowSpace = 26;

/// Draws the hint right-aligned if it leaves `taken` pixels at the left free.
void paintHint(QWidget& widget, const QRect& rect, const QString& hint, int taken)
{
    if (hint.isEmpty() || widget.fontMetrics().horizontalAdvance(hint) > rect.width() - taken)
        return;
    QPainter painter(&widget);
    painter.setPen(Theme::of(widget).muted);
    painter.setFont(widget.font());
    painter.drawText(rect, Qt::AlignVCenter | Qt::AlignRight | Qt::TextSingleLine, hint);
}

} // namespace

void HintLineEdit::setHint(const QString& hint)
{
    if (hint == m_hint)
        return;
    m_hint = hint;
    applyMargins();
    update();
}

void HintLineEdit::applyMargins()
{
    const int wanted = m_hint.isEmpty() ? 0 : fontMetrics().horizontalAdvance(m_hint) + kSide;
    setTextMargins(0, 0, wanted <= width() * 6 / 10 ? wanted : 0, 0);
}

void HintLineEdit::resizeEvent(QResizeEvent* event)
{
    QLineEdit::resizeEvent(event);
    applyMargins();
}

void HintLineEdit::paintEvent(QPaintEvent* event)
{
    QLineEdit::paintEvent(event);
    const QString text = this->text().isEmpty() ? placeholderText() : this->text();
    if (textMargins().right() > 0)
        paintHint(*this, rect().adjusted(kSide, 0, -kSide, 0), m_hint,
            std::min(fontMetrics().horizontalAdvance(text), width() / 3));
}

void HintComboBox::setHint(const QString& hint)
{
    m_hint = hint;
    update();
}

void HintComboBox::paintEvent(QPaintEvent* event)
{
    QComboBox::paintEvent(event);
    paintHint(*this, rect().adjusted(kSide, 0, -kArrowSpace, 0), m_hint,
        fontMetrics().horizontalAdvance(currentText()) + kSide);
}

} // namespace zen::ui
