#include "ui/rollouts/prompt_list.h"

#include "ui/run/completions_panel.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QPainter>
#include <QStyledItemDelegate>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

constexpr int kPadding = 14;
constexpr int kMostLines = 3;

class PromptDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        const Theme& theme = Theme::of(*option.widget);
        const int lines
            = linesOf(index.data().toString(), textWidth(option.widget->width(), theme), theme);
        return { 100, lines * lineHeight(theme) + theme.scaled(20) };
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override
    {
        const Theme& theme = Theme::of(*option.widget);
        const QRect box = option.rect;
        const bool selected = option.state & QStyle::State_Selected;
        painter->save();
        if (selected)
            painter->fillRect(box, theme.accent_tint);
        painter->fillRect(QRect(box.left(), box.bottom(), box.width(), 1), theme.line);
        const int text_width = textWidth(box.width(), theme);
        drawLines(*painter,
            QRect(box.left() + kPadding, box.top() + theme.scaled(10), text_width, box.height()),
            index.data().toString(), theme);

        const QRect right(box.left() + kPadding + text_width + 12, box.top(),
            box.width() - text_width - 2 * kPadding - 12, box.height());
        const int number_width = theme.scaled(36);
        const QRectF track(
            right.left(), right.center().y() - 2, right.width() - number_width - 8, 5);
        const bool has_signal = index.data(PromptModel::SignalRole).toBool();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(Qt::NoPen);
        painter->setBrush(selected ? theme.line : theme.track);
        painter->drawRoundedRect(track, 2.5, 2.5);
        QRectF bar = track;
        bar.setWidth(track.width() * index.data(PromptModel::ShareRole).toDouble());
        painter->setBrush(has_signal ? theme.reward : theme.muted);
        painter->drawRoundedRect(bar, 2.5, 2.5);
        painter->setPen(theme.ink);
        painter->setFont(theme.mono(12));
        painter->drawText(
            right, Qt::AlignRight | Qt::AlignVCenter, index.data(PromptModel::MeanRole).toString());
        if (selected && option.widget->hasFocus())
            paintFocusRing(*painter, QRectF(box).adjusted(2, 2, -2, -3), 5, theme);
        painter->restore();
    }

private:
    static int textWidth(int width, const Theme& theme)
    {
        return std::max(80, (width - theme.scaled(52)) * 45 / 100);
    }
    static int lineHeight(const Theme& theme) { return QFontMetrics(theme.text(11)).height() + 4; }

    static int linesOf(const QString& text, int width, const Theme& theme)
    {
        const QRect needed = QFontMetrics(theme.text(11))
                                 .boundingRect(QRect(0, 0, width, 1000), Qt::TextWordWrap, text);
        return std::clamp(
            qRound(double(needed.height()) / QFontMetrics(theme.text(11)).lineSpacing()), 1,
            kMostLines);
    }

    static void drawLines(
        QPainter& painter, const QRect& area, const QString& text, const Theme& theme)
    {
        const QFont font = theme.text(11);
        const QFontMetrics metrics(font);
        painter.setFont(font);
        painter.setPen(theme.ink);
        QTextLayout layout(text, font);
        layout.beginLayout();
        for (int row = 0; row < kMostLines; ++row) {
            QTextLine line = layout.createLine();
            if (!line.isValid())
                break;
            line.setLineWidth(area.width());
            const QString rest = text.mid(line.textStart());
            const bool cut
                = row == kMostLines - 1 && line.textStart() + line.textLength() < text.size();
            painter.drawText(area.left(),
                area.top() + row * lineHeight(theme) + metrics.ascent() + 1,
                cut ? metrics.elidedText(rest, Qt::ElideRight, area.width())
                    : text.mid(line.textStart(), line.textLength()).trimmed());
        }
        layout.endLayout();
    }
};

} // namespace

GroupRewards rewardsOf(const SampledGroup& group)
{
    GroupRewards rewards;
    double sum = 0;
    for (const SampledCompletion& completion : group.completions)
        if (completion.reward) {
            sum += *completion.reward;
            ++rewards.scored;
        }
    if (rewards.scored == 0)
        return rewards;
    rewards.mean = sum / static_cast<double>(rewards.scored);
    double squares = 0;
    for (const SampledCompletion& completion : group.completions)
        if (completion.reward)
            squares += (*completion.reward - *rewards.mean) * (*completion.reward - *rewards.mean);
    if (rewards.scored > 1)
        rewards.deviation = std::sqrt(squares / static_cast<double>(rewards.scored - 1));
    return rewards;
}

void PromptModel::setGroups(const std::vector<SampledGroup>& groups)
{
    beginResetModel();
    m_rows.clear();
    double largest = 0;
    for (const SampledGroup& group : groups) {
        m_rows.push_back({ promptLine(group.prompt, 240), rewardsOf(group), 0 });
        largest = std::max(largest, m_rows.back().rewards.mean.value_or(0));
    }
    for (Row& row : m_rows)
        row.share = largest > 0
            ? std::clamp(row.rewards.mean.value_or(0) / std::max(1.0, largest), 0.0, 1.0)
            : 0;
    endResetModel();
}

int PromptModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant PromptModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const QString mean
        = row.rewards.mean ? QString::number(*row.rewards.mean, 'f', 2) : QStringLiteral("–");
    switch (role) {
    case Qt::DisplayRole:
        return row.prompt;
    case Qt::AccessibleTextRole:
        return tr("%1, mean reward %2").arg(row.prompt, mean);
    case Qt::ToolTipRole:
        return plainToolTip(row.prompt);
    case MeanRole:
        return mean;
    case ShareRole:
        return row.share;
    case SignalRole:
        return row.rewards.carriesSignal();
    default:
        return {};
    }
}

PromptList::PromptList(QWidget* parent)
    : QListView(parent)
{
    setObjectName(QStringLiteral("promptList"));
    setAccessibleName(tr("Prompts of the step"));
    setFrameShape(QFrame::NoFrame);
    setItemDelegate(new PromptDelegate(this));
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setResizeMode(QListView::Adjust);
    viewport()->setAutoFillBackground(false);
}

} // namespace zen::ui
