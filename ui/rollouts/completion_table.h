#pragma once

#include "core/runs/events.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <string>
#include <vector>

class QSortFilterProxyModel;

namespace zen::ui {

/// The completions of one prompt: reward, advantage, text, each reward term, length.
class CompletionModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Reward, Advantage, Text, FirstTerm }; ///< then the terms, then the length
    static constexpr int SortRole = Qt::UserRole;
    using QAbstractTableModel::QAbstractTableModel;

    void present(const std::vector<std::string>& reward_names, const SampledGroup& group);
    void clear();

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

    int lengthColumn() const { return FirstTerm + static_cast<int>(m_names.size()); }

private:
    QVariant display(const SampledCompletion& completion, int column) const;
    QVariant sortValue(const SampledCompletion& completion, int column) const;

    std::vector<std::string> m_names;
    std::vector<SampledCompletion> m_completions;
};

/// The table, sorted by reward, best first, unless a header is clicked.
class CompletionTable : public QTableView {
    Q_OBJECT
public:
    explicit CompletionTable(QWidget* parent = nullptr);

    void present(const std::vector<std::string>& reward_names, const SampledGroup& group);
    void clear();
    int currentCompletion() const; ///< index in the group; -1: none
    void selectFirst();

Q_SIGNALS:
    void completionChosen(int index);

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fitColumns();

    CompletionModel* m_model;
    QSortFilterProxyModel* m_sorted;
};

} // namespace zen::ui
