#pragma once

#include "ui/tiers/catalogue.h"

#include <QAbstractTableModel>
#include <QStyledItemDelegate>
#include <QTableView>

namespace zen::ui {

/// The catalogue as a table: one row a tier.
class TierModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { kTitle, kSize, kAlgorithm, kGoodFor, kMemory, kHere, kBenchmarks, kColumns };

    TierModel(const std::vector<Tier>& tiers, QObject* parent);

    void setFits(std::vector<TierFit> fits);
    const Tier& tier(int row) const { return m_tiers[static_cast<std::size_t>(row)]; }
    const TierFit* fit(int row) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString toolTip(int row, int column) const;

    const std::vector<Tier>& m_tiers;
    std::vector<TierFit> m_fits; ///< empty until planned
};

/// "runs here", "4-bit only" …; `in_full`: "runs here, with changes", where there is room.
QString wordsFor(Fit fit, bool in_full = false);

/// The table of tiers: two lines a row, pills, and a dot that says whether it runs here.
class TierTable : public QTableView {
    Q_OBJECT
public:
    explicit TierTable(TierModel& model, QWidget* parent = nullptr);

    int currentRow() const { return currentIndex().row(); }
    int contentHeight() const; ///< header and all rows
    QSize sizeHint() const override { return { 900, contentHeight() }; }

Q_SIGNALS:
    void rowChosen(int row); ///< the selection moved
    void rowActivated(int row); ///< double click or Enter

protected:
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void applyMetrics();
};

} // namespace zen::ui
