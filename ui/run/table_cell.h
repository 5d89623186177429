#pragma once

#include "ui/shell/theme.h"

#include <QStyledItemDelegate>

namespace zen::ui {

/// A table's cell in the studio's manner: a hairline below each row, the accent tint behind the
/// chosen one, text that starts where its header does.
class TableCell : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override;

protected:
    /// Row decoration is there already; `inner` is the cell without its padding. Draws the text in
    /// fontOf() and colorOf().
    virtual void paintContent(QPainter& painter, const QRect& inner,
        const QStyleOptionViewItem& option, const QModelIndex& index) const;
    virtual QFont fontOf(const Theme& theme, const QModelIndex& index) const;
    virtual QColor colorOf(const Theme& theme, const QModelIndex& index) const;
};

} // namespace zen::ui
