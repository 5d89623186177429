#include "ui/shell/rail.h"

#include "ui/shell/icon.h"
#include "ui/shell/studio_style.h"

#include <QButtonGroup>
#include <QPainter>
#include <QVBoxLayout>

namespace zen::ui {

RailButton::RailButton(const QString& text, const QString& icon, QWidget* parent)
    : QAbstractButton(parent)
    , m_icon(icon)
{
    setText(text);
    setAccessibleName(text);
    setCheckable(true);
    setFocusPolicy(Qt::TabFocus);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
}

QSize RailButton::sizeHint() const
{
    const Theme& theme = Theme::of(*this);
    return { std::max(
                 62, QFontMetrics(theme.text(11, QFont::DemiBold)).horizontalAdvance(text()) + 10),
        theme.scaled(52) };
}

void RailButton::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    if (isChecked())
        paintRounded(painter, rect(), 8, theme.accent_tint, {});
    else if (underMouse())
        paintRounded(painter, rect(), 8, theme.line, {});
    if (hasFocus())
        paintFocusRing(painter, rect(), 8, theme);
    const QColor color = isChecked() ? theme.accent_text : theme.muted_on_tint;
    constexpr int kIcon = 20;
    const int text_height = theme.scaled(14);
    const int top = (height() - kIcon - 4 - text_height) / 2;
    painter.drawPixmap(
        (width() - kIcon) / 2, top, iconPixmap(m_icon, kIcon, color, devicePixelRatioF()));
    painter.setPen(color);
    painter.setFont(theme.text(11, isChecked() ? QFont::DemiBold : QFont::Normal));
    painter.drawText(QRect(0, top + kIcon + 4, width(), text_height), Qt::AlignCenter, text());
}

Rail::Rail(QWidget* parent)
    : QWidget(parent)
    , m_buttons(new QButtonGroup(this))
    , m_layout(new QVBoxLayout(this))
{
    setAccessibleName(tr("Pages"));
    m_layout->setContentsMargins(7, 62, 8, 12);
    m_layout->setSpacing(4);
    m_layout->addStretch();
    connect(m_buttons, &QButtonGroup::idClicked, this, &Rail::chosen);
}

void Rail::addEntry(const QString& text, const QString& icon)
{
    auto* button = new RailButton(text, icon, this);
    const int index = static_cast<int>(m_buttons->buttons().size());
    button->setObjectName(QStringLiteral("rail_%1").arg(index));
    button->setToolTip(tr("%1 (Ctrl+%2)").arg(text).arg(index + 1));
    m_buttons->addButton(button, index);
    m_layout->insertWidget(index, button);
}

void Rail::setCurrent(int index)
{
    if (auto* button = m_buttons->button(index))
        button->setChecked(true);
}

void Rail::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    painter.fillRect(rect(), theme.rail);
    painter.fillRect(QRect(width() - 1, 0, 1, height()), theme.line);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(theme.accent, 2, Qt::SolidLine, Qt::RoundCap));
    constexpr int kOpening
        = 70; // degrees left open at the lower right: a ring drawn with one stroke
    painter.drawArc(QRectF((width() - 1) / 2.0 - 16, 14, 32, 32), -5 * 16, (360 - kOpening) * 16);
}

} // namespace zen::ui
