#pragma once

#include "core/data/dataset.h"

#include <QAbstractTableModel>

#include <cstdint>
#include <vector>

namespace zen::ui {

/// The first rows of a dataset: number, what is asked, the answer, prompt tokens.
class RowModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Number, Prompt, Answer, Tokens, kColumns };
    using QAbstractTableModel::QAbstractTableModel;

    void setRows(std::vector<Example> rows, std::vector<std::int64_t> prompt_tokens);
    const Example& example(int row) const { return m_rows[static_cast<std::size_t>(row)]; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<Example> m_rows;
    std::vector<std::int64_t> m_tokens;
};

} // namespace zen::ui
