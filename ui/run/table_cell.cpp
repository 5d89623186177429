#include "ui/run/table_cell.h"

#include <QPainter>

namespace zen::ui {

namespace {
constexpr int kPadding = 8; // of a header's label
}

void TableCell::paint(
    QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const Theme& theme = Theme::of(*option.widget);
    painter->save();
    if (option.state & QStyle::State_Selected)
        painter->fillRect(option.rect, theme.accent_tint);
    painter->fillRect(
        QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), theme.line);
    paintContent(*painter, option.rect.adjusted(kPadding, 0, -kPadding, 0), option, index);
    painter->restore();
}

void TableCell::paintContent(QPainter& painter, const QRect& inner,
    const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const Theme& theme = Theme::of(*option.widget);
    const QFont font = fontOf(theme, index);
    painter.setFont(font);
    painter.setPen(colorOf(theme, index));
    painter.drawText(inner, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextSingleLine,
        QFontMetrics(font).elidedText(index.data().toString(), Qt::ElideRight, inner.width()));
}

QFont TableCell::fontOf(const Theme& theme, const QModelIndex&) const
{
    return theme.text(13);
}

QColor TableCell::colorOf(const Theme& theme, const QModelIndex&) const
{
    return theme.ink;
}

} // namespace zen::ui
