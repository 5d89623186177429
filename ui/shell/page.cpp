#include "ui/shell/page.h"

#include <QHBoxLayout>

namespace zen::ui {

Page::Page(PageId id, const QString& title, const QString& icon, QWidget* parent)
    : QWidget(parent)
    , m_id(id)
    , m_title(title)
    , m_icon(icon)
{
    setAccessibleName(title);
}

void Page::setStripMessage(const QString& message)
{
    if (message == m_strip_message)
        return;
    m_strip_message = message;
    Q_EMIT stripMessageChanged(message);
}

QWidget* actionRow(std::initializer_list<QWidget*> widgets, QWidget* parent)
{
    auto* row = new QWidget(parent);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    for (QWidget* widget : widgets)
        layout->addWidget(widget);
    return row;
}

} // namespace zen::ui
