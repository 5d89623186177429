#include "ui/rollouts/completion_table.h"

#include "ui/run/completions_panel.h"
#include "ui/run/shown_text.h"
#include "ui/run/table_cell.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QEvent>
#include <QHeaderView>
#include <QSortFilterProxyModel>

#include <cmath>
#include <limits>

namespace zen::ui {

namespace {

constexpr double kUnscored = -std::numeric_limits<double>::infinity();

QString signedNumber(double value)
{
    if (!std::isfinite(value))
        return QStringLiteral("–");
    const QString size = QString::number(std::abs(value), 'f', 2);
    if (size == QStringLiteral("0.00"))
        return size;
    return (value < 0 ? QStringLiteral("−") : QStringLiteral("+")) + size;
}

/// Mono type; advantages in the colour of their sign; the reward in bold.
class CompletionCell : public TableCell {
public:
    using TableCell::TableCell;

protected:
    QFont fontOf(const Theme& theme, const QModelIndex& index) const override
    {
        return theme.mono(
            12, index.column() == CompletionModel::Reward ? QFont::DemiBold : QFont::Normal);
    }
    QColor colorOf(const Theme& theme, const QModelIndex& index) const override
    {
        if (index.column() != CompletionModel::Advantage)
            return theme.ink;
        const double advantage = index.data(CompletionModel::SortRole).toDouble();
        return advantage > 0 ? theme.accent_text : advantage < 0 ? theme.error : theme.muted;
    }
};

} // namespace

void CompletionModel::present(
    const std::vector<std::string>& reward_names, const SampledGroup& group)
{
    beginResetModel();
    m_names = reward_names;
    m_completions = group.completions;
    endResetModel();
}

void CompletionModel::clear()
{
    present({}, {});
}

int CompletionModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_completions.size());
}

int CompletionModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : lengthColumn() + 1;
}

QVariant CompletionModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const SampledCompletion& completion = m_completions[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return display(completion, index.column());
    case SortRole:
        return sortValue(completion, index.column());
    case Qt::ToolTipRole:
        if (index.column() == lengthColumn() && completion.truncated)
            return tr("Cut at the length limit");
        return {};
    default:
        return {};
    }
}

QVariant CompletionModel::display(const SampledCompletion& completion, int column) const
{
    if (column == Reward)
        return rewardText(completion.reward);
    if (column == Advantage)
        return signedNumber(completion.advantage);
    if (column == Text)
        return shownLine(completion.text, 200);
    if (column == lengthColumn()) {
        const QString tokens
            = completion.ids.empty() ? QStringLiteral("–") : QString::number(completion.ids.size());
        return completion.truncated ? tokens + QStringLiteral(" ✂") : tokens;
    }
    const auto term = static_cast<std::size_t>(column - FirstTerm);
    return term < completion.reward_terms.size() ? rewardText(completion.reward_terms[term])
                                                 : QStringLiteral("–");
}

QVariant CompletionModel::sortValue(const SampledCompletion& completion, int column) const
{
    if (column == Reward)
        return completion.reward.value_or(kUnscored);
    if (column == Advantage)
        return completion.advantage;
    if (column == Text)
        return shownLine(completion.text, 200);
    if (column == lengthColumn())
        return static_cast<qulonglong>(completion.ids.size());
    const auto term = static_cast<std::size_t>(column - FirstTerm);
    return term < completion.reward_terms.size() ? completion.reward_terms[term].value_or(kUnscored)
                                                 : kUnscored;
}

QVariant CompletionModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Reward:
        return tr("Reward");
    case Advantage:
        return tr("Advantage");
    case Text:
        return tr("Completion");
    default:
        if (section == lengthColumn())
            return tr("Tokens");
        return shownLine(m_names[static_cast<std::size_t>(section - FirstTerm)], 20);
    }
}

CompletionTable::CompletionTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new CompletionModel(this))
    , m_sorted(new QSortFilterProxyModel(this))
{
    setObjectName(QStringLiteral("completionTable"));
    setAccessibleName(tr("Completions of the prompt"));
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(CompletionModel::SortRole);
    setModel(m_sorted);
    setItemDelegate(new CompletionCell(this));
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setWordWrap(false);
    setSortingEnabled(true);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setSectionsClickable(true);
    viewport()->setAutoFillBackground(false);
    sortByColumn(CompletionModel::Reward, Qt::DescendingOrder);
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this,
        [this] { Q_EMIT completionChosen(currentCompletion()); });
    fitColumns();
}

void CompletionTable::present(
    const std::vector<std::string>& reward_names, const SampledGroup& group)
{
    m_model->present(reward_names, group);
    fitColumns();
}

void CompletionTable::clear()
{
    m_model->clear();
}

int CompletionTable::currentCompletion() const
{
    const QModelIndex current = m_sorted->mapToSource(currentIndex());
    return current.isValid() ? current.row() : -1;
}

void CompletionTable::selectFirst()
{
    if (m_sorted->rowCount() > 0)
        setCurrentIndex(m_sorted->index(0, 0));
}

void CompletionTable::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        fitColumns();
}

void CompletionTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    fitColumns();
}

void CompletionTable::fitColumns()
{
    const Theme& theme = Theme::of(*this);
    verticalHeader()->setDefaultSectionSize(theme.scaled(34));
    int others = 0;
    for (int column = 0; column < m_sorted->columnCount(); ++column) {
        if (column == CompletionModel::Text)
            continue;
        const int header
            = QFontMetrics(theme.text(11))
                  .horizontalAdvance(m_sorted->headerData(column, Qt::Horizontal).toString());
        const int width = std::max(theme.scaled(66), header + theme.scaled(46));
        setColumnWidth(column, width);
        others += width;
    }
    setColumnWidth(
        CompletionModel::Text, std::max(theme.scaled(140), viewport()->width() - others));
}

} // namespace zen::ui
