#include "ui/tiers/tier_table.h"

#include "core/base/byte_text.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"
#include "ui/tiers/tier_delegate.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QLocale>

namespace zen::ui {

namespace {

constexpr int kRowHeight = 54;

/// Shares of the width, by column (look/tiers-light.png).
constexpr int kWidths[TierModel::kColumns] = { 176, 70, 100, 320, 96, 170, 220 };

QString text(const std::string& value)
{
    return QString::fromStdString(value);
}

} // namespace

QString wordsFor(Fit fit, bool in_full)
{
    switch (fit) {
    case Fit::runs:
        return TierModel::tr("runs here");
    case Fit::runs_slowly:
        return TierModel::tr("runs here, slowly");
    case Fit::with_changes:
        return in_full ? TierModel::tr("runs here, with changes") : TierModel::tr("with changes");
    case Fit::four_bit_only:
        return TierModel::tr("4-bit only");
    case Fit::too_large:
        break;
    }
    return TierModel::tr("export or remote");
}

TierModel::TierModel(const std::vector<Tier>& tiers, QObject* parent)
    : QAbstractTableModel(parent)
    , m_tiers(tiers)
{
}

void TierModel::setFits(std::vector<TierFit> fits)
{
    m_fits = std::move(fits);
    if (!m_tiers.empty())
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
}

const TierFit* TierModel::fit(int row) const
{
    const auto index = static_cast<std::size_t>(row);
    return index < m_fits.size() ? &m_fits[index] : nullptr;
}

int TierModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_tiers.size());
}

int TierModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : kColumns;
}

QVariant TierModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const Tier& tier = this->tier(index.row());
    if (role == Qt::ToolTipRole)
        return plainToolTip(toolTip(index.row(), index.column()));
    if (role == Qt::UserRole && index.column() == kTitle) {
        if (tier.id == "starter")
            return tr("ships with the program");
        if (tier.shape_assumed)
            return tr("shape assumed");
        return text(tier.substitute_id.empty() ? tier.model_id : tier.substitute_id)
            .section(QLatin1Char('/'), -1);
    }
    if (role != Qt::DisplayRole && role != Qt::AccessibleTextRole)
        return {};
    switch (index.column()) {
    case kTitle:
        return text(tier.title);
    case kSize:
        return text(tier.size);
    case kAlgorithm:
        return text(tier.algorithm).toUpper();
    case kGoodFor: {
        QString words = text(tier.good_for);
        if (!words.isEmpty())
            words[0] = words[0].toUpper();
        return words;
    }
    case kMemory:
        return tr("~%1 GB").arg(QLocale().toString(tier.memory_gb));
    case kHere:
        return fit(index.row()) ? wordsFor(fit(index.row())->fit, role == Qt::AccessibleTextRole)
                                : QString();
    case kBenchmarks:
        return tier.published ? QStringLiteral("%1 · %2 · %3")
                                    .arg(QString::number(tier.published->mmlu, 'f', 1),
                                        QString::number(tier.published->human_eval, 'f', 1),
                                        QString::number(tier.published->mt_bench, 'f', 1))
                              : QStringLiteral("–");
    default:
        return {};
    }
}

QString TierModel::toolTip(int row, int column) const
{
    const Tier& tier = this->tier(row);
    const TierFit* planned = fit(row);
    switch (column) {
    case kTitle: {
        QString words = tr("Named %1").arg(text(tier.model_id));
        if (!tier.substitute_id.empty())
            words += tr("\nNot published under that name; %1 is the nearest checkpoint.")
                         .arg(text(tier.substitute_id));
        if (!tier.note.empty())
            words += QLatin1Char('\n') + text(tier.note);
        return words;
    }
    case kGoodFor: {
        QStringList cases;
        for (const std::string& use : tier.use_cases)
            cases += text(use);
        return cases.join(QLatin1Char('\n'));
    }
    case kMemory:
        return planned
            ? tr("Published: ~%1 GB. Planned here: %2.")
                  .arg(QLocale().toString(tier.memory_gb), text(formatBytes(planned->plan.peak())))
            : QString();
    case kHere:
        return !planned ? QString()
            : planned->weights
            ? tr("Weights: %1").arg(QString::fromStdString(planned->weights->string()))
            : tr("Weights not on this machine");
    case kBenchmarks:
        return tier.published ? tr("MMLU %1, HumanEval %2, MT-Bench %3, %4 tokens a second. "
                                   "Published by Zoo Labs Foundation; not measured here.")
                                    .arg(tier.published->mmlu)
                                    .arg(tier.published->human_eval)
                                    .arg(tier.published->mt_bench)
                                    .arg(tier.published->tokens_per_second)
                              : QString();
    default:
        return {};
    }
}

QVariant TierModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case kTitle:
        return QStringLiteral("   ") + tr("Tier");
    case kSize:
        return tr("Size");
    case kAlgorithm:
        return tr("Algorithm");
    case kGoodFor:
        return tr("Good for");
    case kMemory:
        return tr("Memory");
    case kHere:
        return tr("On this machine");
    case kBenchmarks:
        return tr("MMLU · HumanEval · MT-Bench ¹");
    default:
        return {};
    }
}

TierTable::TierTable(TierModel& model, QWidget* parent)
    : QTableView(parent)
{
    setObjectName(QStringLiteral("tierTable"));
    setAccessibleName(tr("Tiers"));
    setModel(&model);
    setItemDelegate(new TierDelegate(this));
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setTabKeyNavigation(false);
    setMouseTracking(true);
    verticalHeader()->hide();
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSectionsClickable(false);
    applyMetrics();
    connect(this, &QTableView::doubleClicked, this,
        [this](const QModelIndex& index) { Q_EMIT rowActivated(index.row()); });
}

int TierTable::contentHeight() const
{
    return horizontalHeader()->sizeHint().height()
        + model()->rowCount() * verticalHeader()->defaultSectionSize();
}

void TierTable::applyMetrics()
{
    verticalHeader()->setDefaultSectionSize(Theme::of(*this).scaled(kRowHeight));
    updateGeometry();
}

void TierTable::currentChanged(const QModelIndex& current, const QModelIndex& previous)
{
    QTableView::currentChanged(current, previous);
    if (current.isValid())
        Q_EMIT rowChosen(current.row());
}

void TierTable::keyPressEvent(QKeyEvent* event)
{
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        && currentIndex().isValid()) {
        Q_EMIT rowActivated(currentRow());
        return;
    }
    QTableView::keyPressEvent(event);
}

void TierTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    int total = 0;
    for (const int width : kWidths)
        total += width;
    int used = 0;
    for (int column = 0; column < TierModel::kColumns; ++column) {
        const int width = column == TierModel::kColumns - 1
            ? viewport()->width() - used
            : viewport()->width() * kWidths[column] / total;
        setColumnWidth(column, width);
        used += width;
    }
}

void TierTable::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::StyleChange && model())
        applyMetrics();
}

} // namespace zen::ui
