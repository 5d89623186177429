#include "ui/shell/card.h"

#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QHBoxLayout>
#include <QPainter>

namespace zen::ui {

namespace {
constexpr double kCardRadius = 10;
}

Card::Card(QWidget* parent)
    : QFrame(parent)
    , m_outer(new QVBoxLayout(this))
    , m_body(new QVBoxLayout)
{
    m_outer->setContentsMargins(1, 1, 1, 1);
    m_outer->setSpacing(0);
    m_body->setContentsMargins(14, 14, 14, 14);
    m_body->setSpacing(8);
    m_outer->addLayout(m_body, 1);
}

Card::Card(const QString& title, QWidget* parent)
    : Card(parent)
{
    setTitle(title);
}

void Card::ensureTitleRow()
{
    if (m_title_row)
        return;
    m_title_row = new QWidget(this);
    m_title_layout = new QHBoxLayout(m_title_row);
    m_title_layout->setContentsMargins(14, 10, 14, 6);
    m_title_layout->setSpacing(8);
    m_title = new PlainLabel({}, m_title_row);
    m_title->setType(13, QFont::DemiBold);
    m_subtitle = new PlainLabel({}, m_title_row);
    m_subtitle->setType(11)->setTone(Tone::muted)->setElided();
    m_title_layout->addWidget(m_title);
    m_title_layout->addWidget(m_subtitle, 1);
    m_outer->insertWidget(0, m_title_row);
    m_body->setContentsMargins(14, 4, 14, 14);
}

void Card::setTitle(const QString& title)
{
    ensureTitleRow();
    m_title->setText(title);
    setAccessibleName(title);
}

void Card::setSubtitle(const QString& subtitle)
{
    ensureTitleRow();
    m_subtitle->setText(subtitle);
}

void Card::setDot(ThemeColor color)
{
    ensureTitleRow();
    delete m_dot;
    m_dot = new Dot(color, m_title_row);
    m_title_layout->insertWidget(0, m_dot);
    m_title_layout->insertSpacing(1, 2);
}

void Card::setTitleRule(bool visible)
{
    ensureTitleRow();
    m_rule = visible;
    QMargins margins = m_title_layout->contentsMargins();
    margins.setBottom(visible ? 10 : 6);
    m_title_layout->setContentsMargins(margins);
    update();
}

void Card::setFill(ThemeColor color)
{
    m_fill = color;
    update();
}

void Card::addTitleWidget(QWidget* widget)
{
    ensureTitleRow();
    m_title_layout->addWidget(widget);
    if (widget->property("quiet").toBool()) { // its words end where the card's content does
        QMargins margins = m_title_layout->contentsMargins();
        margins.setRight(14 - kLinkPadding);
        m_title_layout->setContentsMargins(margins);
    }
}

void Card::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    paintRounded(painter, rect(), kCardRadius, theme.*m_fill, theme.line);
    if (m_rule && m_title_row)
        painter.fillRect(QRect(1, m_title_row->geometry().bottom(), width() - 2, 1), theme.line);
}

Dot::Dot(ThemeColor color, QWidget* parent)
    : QWidget(parent)
    , m_color(color)
{
    setFixedSize(9, 9);
}

void Dot::setColor(ThemeColor color)
{
    m_color = color;
    update();
}

void Dot::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(Theme::of(*this).*m_color);
    painter.drawEllipse(QRectF(0.5, 0.5, 8, 8));
}

} // namespace zen::ui
