#include "ui/shell/empty_state.h"

#include "ui/shell/icon.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QEvent>
#include <QHBoxLayout>

namespace zen::ui {

namespace {
constexpr int kTextWidth = 440;
}

EmptyState::EmptyState(
    const QString& icon, const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent)
    , m_icon(icon)
    , m_layout(new QVBoxLayout(this))
    , m_picture(new PlainLabel({}, this))
    , m_title(new PlainLabel({}, this))
    , m_text(new PlainLabel({}, this))
{
    m_title->setType(15, QFont::DemiBold);
    m_text->setTone(Tone::muted);
    m_text->setWordWrap(true);
    m_text->setFixedWidth(kTextWidth);
    m_picture->setAlignment(Qt::AlignCenter);
    m_title->setAlignment(Qt::AlignCenter);
    m_text->setAlignment(Qt::AlignHCenter | Qt::AlignTop);
    m_layout->setSpacing(8);
    m_layout->addStretch(2);
    m_layout->addWidget(m_picture);
    m_layout->addSpacing(4);
    m_layout->addWidget(m_title);
    auto* row = new QHBoxLayout;
    row->addStretch();
    row->addWidget(m_text);
    row->addStretch();
    m_layout->addLayout(row);
    m_layout->addStretch(3);
    setTexts(title, text);
    applyIcon();
}

void EmptyState::setTexts(const QString& title, const QString& text)
{
    m_title->setText(title);
    m_text->setText(text);
    setAccessibleName(title);
    setAccessibleDescription(text);
}

void EmptyState::addAction(QWidget* button)
{
    m_layout->insertSpacing(m_layout->count() - 1, 4);
    m_layout->insertWidget(m_layout->count() - 1, button, 0, Qt::AlignHCenter);
}

void EmptyState::applyIcon()
{
    m_picture->setPixmap(iconPixmap(m_icon, 36, Theme::of(*this).muted, devicePixelRatioF()));
}

void EmptyState::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        applyIcon();
}

} // namespace zen::ui
