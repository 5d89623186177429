#pragma once

#include <QStyledItemDelegate>

namespace zen::ui {

/// Paints the cells of the table of tiers: two lines of title, pills, a dot that says whether it
/// runs here.
class TierDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override;
};

} // namespace zen::ui
