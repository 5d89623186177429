#pragma once

#include "core/runs/run_folder.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <vector>

class QSortFilterProxyModel;

namespace zen::ui {

/// The runs below one folder: name, reward curve, status, steps, reward and accuracy from first to
/// last, time.
class HistoryModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Curve, Status, Steps, Reward, Accuracy, Duration, Started, kColumns };
    enum Role { SortRole = Qt::UserRole, DetailRole, CurveRole };
    using QAbstractTableModel::QAbstractTableModel;

    void setRuns(std::vector<RunRecord> runs);
    const RunRecord& run(int row) const { return m_runs[static_cast<std::size_t>(row)]; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString display(const RunRecord& run, int column) const;
    QVariant sortValue(const RunRecord& run, int column) const;

    std::vector<RunRecord> m_runs;
};

class HistoryTable : public QTableView {
    Q_OBJECT
public:
    explicit HistoryTable(QWidget* parent = nullptr);

    void setRuns(std::vector<RunRecord> runs); ///< keeps the selection if its run is still there
    const RunRecord* current() const; ///< nullptr: none

Q_SIGNALS:
    void runChosen();
    void opened(); ///< the current run was double-clicked, or Enter was pressed

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void fitColumns();

    HistoryModel* m_model;
    QSortFilterProxyModel* m_sorted;
};

} // namespace zen::ui
