#include "ui/tiers/tier_delegate.h"

#include "ui/shell/pill.h"
#include "ui/shell/studio_style.h"
#include "ui/tiers/tier_table.h"

#include <QPainter>

namespace zen::ui {

namespace {

constexpr int kLeftPadding = 18;

void paintCell(QPainter& painter, const QRect& cell, const QModelIndex& index, const QWidget& view,
    const QColor& muted)
{
    const Theme& theme = Theme::of(view);
    const auto& model = *static_cast<const TierModel*>(index.model());
    const Tier& tier = model.tier(index.row());
    const QString shown = index.data().toString();
    const auto write = [&painter](const QRect& rect, const QString& words, const QFont& font,
                           const QColor& color) {
        painter.setFont(font);
        painter.setPen(color);
        painter.drawText(rect, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextSingleLine,
            QFontMetrics(font).elidedText(words, Qt::ElideRight, rect.width()));
    };
    switch (index.column()) {
    case TierModel::kTitle: {
        const int middle = cell.center().y();
        write(QRect(cell.left(), middle - theme.scaled(20), cell.width(), theme.scaled(22)), shown,
            theme.text(15, QFont::DemiBold), theme.ink);
        write(QRect(cell.left(), middle + theme.scaled(1), cell.width(), theme.scaled(17)),
            index.data(Qt::UserRole).toString(), theme.text(11), muted);
        return;
    }
    case TierModel::kAlgorithm:
        paintPill(painter, cell, shown,
            tier.algorithm == "gspo" ? PillTone::accent : PillTone::outline, view);
        return;
    case TierModel::kHere: {
        const TierFit* fit = model.fit(index.row());
        if (!fit)
            return;
        QColor dot = theme.accent, words = theme.accent_text;
        if (fit->fit == Fit::four_bit_only || fit->fit == Fit::with_changes) {
            dot = theme.warning;
            words = theme.warning_text;
        } else if (fit->fit == Fit::too_large) {
            dot = muted;
            words = muted;
        }
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(dot);
        painter.drawEllipse(QRectF(cell.left(), cell.center().y() - 4, 9, 9));
        const QFont font = theme.text(13, QFont::Medium);
        const QRect place = cell.adjusted(15, 0, 0, 0);
        const QString whole = wordsFor(fit->fit, true);
        const bool has_room = QFontMetrics(font).horizontalAdvance(whole) <= place.width();
        write(place, has_room ? whole : shown, font, words);
        return;
    }
    case TierModel::kBenchmarks:
        write(cell, shown, theme.mono(12), theme.ink);
        return;
    case TierModel::kGoodFor: // may take two lines
        painter.setFont(theme.text(13));
        painter.setPen(theme.ink);
        painter.drawText(cell, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextWordWrap, shown);
        return;
    default:
        write(cell, shown, theme.text(13), theme.ink);
    }
}

} // namespace

void TierDelegate::paint(
    QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const QWidget& view = *option.widget;
    const Theme& theme = Theme::of(view);
    const bool selected = option.state & QStyle::State_Selected;
    const bool over = option.state & QStyle::State_MouseOver;
    painter->save();
    painter->fillRect(option.rect,
        selected   ? theme.accent_tint
            : over ? theme.sunken
                   : theme.panel);
    const bool last = index.row() == index.model()->rowCount() - 1;
    if (!last)
        painter->fillRect(
            QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), theme.line);
    const QRect cell = option.rect.adjusted(index.column() == 0 ? kLeftPadding : 8, 0, -8, -1);
    paintCell(*painter, cell, index, view, selected ? theme.muted_on_tint : theme.muted);
    painter->restore();
}

} // namespace zen::ui
