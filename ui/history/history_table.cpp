#include "ui/history/history_table.h"

#include "ui/plots/axis_range.h"
#include "ui/run/run_facts.h"
#include "ui/run/shown_text.h"
#include "ui/run/table_cell.h"
#include "ui/shell/pill.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QEvent>
#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>
#include <QPainterPath>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <array>
#include <cmath>

namespace zen::ui {

namespace {

QString fromTo(const std::optional<double>& first, const std::optional<double>& last, bool percent)
{
    const auto text = [percent](const std::optional<double>& value) {
        if (!value || !std::isfinite(*value))
            return QStringLiteral("–");
        return percent ? QStringLiteral("%1 %").arg(qRound(100 * *value))
                       : QString::number(*value, 'f', 2);
    };
    return !first && !last ? QStringLiteral("–") : text(first) + QStringLiteral(" → ") + text(last);
}

PillTone toneOf(const QString& status)
{
    return status == QLatin1String("completed") ? PillTone::accent
        : status == QLatin1String("failed") || status == QLatin1String("damaged")
        ? PillTone::error
        : PillTone::outline;
}

class HistoryCell : public TableCell {
public:
    using TableCell::TableCell;

protected:
    void paintContent(QPainter& painter, const QRect& inner, const QStyleOptionViewItem& option,
        const QModelIndex& index) const override
    {
        const Theme& theme = Theme::of(*option.widget);
        const int margin = theme.scaled(14);
        if (index.column() == HistoryModel::Name)
            paintName(painter, inner, index, theme);
        else if (index.column() == HistoryModel::Curve)
            paintCurve(painter, inner.adjusted(0, margin, -margin, -margin), index, theme);
        else if (index.column() == HistoryModel::Status)
            paintPill(painter, inner, index.data().toString(), toneOf(index.data().toString()),
                *option.widget);
        else
            TableCell::paintContent(painter, inner, option, index);
    }
    QFont fontOf(const Theme& theme, const QModelIndex& index) const override
    {
        return index.column() == HistoryModel::Started ? theme.text(11) : theme.mono(12);
    }
    QColor colorOf(const Theme& theme, const QModelIndex& index) const override
    {
        return index.column() == HistoryModel::Started ? theme.muted : theme.ink;
    }

private:
    static void paintName(
        QPainter& painter, const QRect& area, const QModelIndex& index, const Theme& theme)
    {
        const QFont name_font = theme.text(13, QFont::DemiBold);
        const QFont detail_font = theme.text(11);
        const QRect upper(area.left(), area.top(), area.width(), area.height() / 2 + 2);
        const QRect lower(area.left(), upper.bottom(), area.width(), area.height() / 2);
        painter.setFont(name_font);
        painter.setPen(theme.ink);
        painter.drawText(upper, Qt::AlignBottom | Qt::AlignLeft | Qt::TextSingleLine,
            QFontMetrics(name_font).elidedText(
                index.data().toString(), Qt::ElideRight, area.width()));
        painter.setFont(detail_font);
        painter.setPen(theme.muted);
        painter.drawText(lower, Qt::AlignTop | Qt::AlignLeft | Qt::TextSingleLine,
            QFontMetrics(detail_font)
                .elidedText(
                    index.data(HistoryModel::DetailRole).toString(), Qt::ElideRight, area.width()));
    }

    static void paintCurve(
        QPainter& painter, const QRect& area, const QModelIndex& index, const Theme& theme)
    {
        const auto curve = index.data(HistoryModel::CurveRole).value<QList<double>>();
        if (curve.size() < 2 || area.height() < 4)
            return;
        const auto [low, high] = std::minmax_element(curve.begin(), curve.end());
        const double span = std::max(1e-9, *high - *low);
        QPainterPath path;
        for (qsizetype i = 0; i < curve.size(); ++i) {
            const QPointF at(area.left() + area.width() * double(i) / double(curve.size() - 1),
                area.bottom() - area.height() * (curve[i] - *low) / span);
            if (i == 0)
                path.moveTo(at);
            else
                path.lineTo(at);
        }
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(QPen(theme.reward, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.drawPath(path);
    }
};

} // namespace

void HistoryModel::setRuns(std::vector<RunRecord> runs)
{
    beginResetModel();
    m_runs = std::move(runs);
    endResetModel();
}

int HistoryModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int HistoryModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : kColumns;
}

QVariant HistoryModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const RunRecord& record = run(index.row());
    switch (role) {
    case Qt::DisplayRole:
        return display(record, index.column());
    case SortRole:
        return sortValue(record, index.column());
    case Qt::ToolTipRole:
        return plainToolTip(shownLine(record.folder.string(), 400));
    case DetailRole:
        return runTitle(record.model, record.stage);
    case CurveRole: {
        QList<double> curve;
        for (const double value : record.reward_curve)
            if (std::isfinite(value))
                curve << value;
        return QVariant::fromValue(curve);
    }
    default:
        return {};
    }
}

QString HistoryModel::display(const RunRecord& record, int column) const
{
    switch (column) {
    case Name:
        return shownLine(
            record.name.empty() ? record.folder.filename().string() : record.name, 100);
    case Status:
        return record.damaged ? tr("damaged") : shownLine(record.status, 30);
    case Steps:
        return QString::number(record.steps);
    case Reward:
        return fromTo(record.reward_first, record.reward_last, false);
    case Accuracy:
        return fromTo(record.accuracy_before, record.accuracy_after, true);
    case Duration:
        return record.seconds > 0 ? QString::fromStdString(shortDuration(record.seconds))
                                  : QStringLiteral("–");
    case Started:
        return shownLine(record.started, 16)
            .replace(QLatin1Char('T'), QLatin1Char(' '))
            .remove(QChar(0x2026));
    default:
        return {};
    }
}

QVariant HistoryModel::sortValue(const RunRecord& record, int column) const
{
    switch (column) {
    case Steps:
        return static_cast<qlonglong>(record.steps);
    case Reward:
    case Curve:
        return record.reward_last.value_or(-1e300);
    case Accuracy:
        return record.accuracy_after.value_or(-1e300);
    case Duration:
        return record.seconds;
    default:
        return display(record, column);
    }
}

QVariant HistoryModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    const std::array names{ tr("Run"), tr("Reward curve"), tr("Status"), tr("Steps"), tr("Reward"),
        tr("Accuracy"), tr("Time"), tr("Started") };
    return names[static_cast<std::size_t>(section)];
}

HistoryTable::HistoryTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new HistoryModel(this))
    , m_sorted(new QSortFilterProxyModel(this))
{
    setObjectName(QStringLiteral("historyTable"));
    setAccessibleName(tr("Runs"));
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(HistoryModel::SortRole);
    setModel(m_sorted);
    setItemDelegate(new HistoryCell(this));
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSortingEnabled(true);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    viewport()->setAutoFillBackground(false);
    sortByColumn(HistoryModel::Started, Qt::DescendingOrder);
    connect(
        selectionModel(), &QItemSelectionModel::currentRowChanged, this, &HistoryTable::runChosen);
    connect(this, &QTableView::doubleClicked, this, &HistoryTable::opened);
    fitColumns();
}

void HistoryTable::setRuns(std::vector<RunRecord> runs)
{
    const RunRecord* before = current();
    const std::filesystem::path chosen = before ? before->folder : std::filesystem::path();
    m_model->setRuns(std::move(runs));
    int row = m_sorted->rowCount() > 0 ? 0 : -1;
    for (int i = 0; i < m_sorted->rowCount(); ++i)
        if (m_model->run(m_sorted->mapToSource(m_sorted->index(i, 0)).row()).folder == chosen)
            row = i;
    if (row >= 0)
        setCurrentIndex(m_sorted->index(row, 0));
    Q_EMIT runChosen();
}

const RunRecord* HistoryTable::current() const
{
    const QModelIndex index = m_sorted->mapToSource(currentIndex());
    return index.isValid() ? &m_model->run(index.row()) : nullptr;
}

void HistoryTable::keyPressEvent(QKeyEvent* event)
{
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && current())
        Q_EMIT opened();
    else
        QTableView::keyPressEvent(event);
}

void HistoryTable::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        fitColumns();
}

void HistoryTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    fitColumns();
}

void HistoryTable::fitColumns()
{
    const Theme& theme = Theme::of(*this);
    verticalHeader()->setDefaultSectionSize(theme.scaled(58));
    constexpr std::array kWidths{ 0, 170, 110, 70, 130, 130, 110, 130 };
    setColumnHidden(HistoryModel::Curve, viewport()->width() < theme.scaled(1020)); // it can go
    int others = 0;
    for (int column = 1; column < HistoryModel::kColumns; ++column) {
        if (isColumnHidden(column))
            continue;
        setColumnWidth(column, theme.scaled(kWidths[static_cast<std::size_t>(column)]));
        others += columnWidth(column);
    }
    setColumnWidth(0, std::max(theme.scaled(170), viewport()->width() - others));
}

} // namespace zen::ui
