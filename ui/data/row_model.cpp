#include "ui/data/row_model.h"

#include "ui/run/shown_text.h"

#include <array>

namespace zen::ui {

void RowModel::setRows(std::vector<Example> rows, std::vector<std::int64_t> prompt_tokens)
{
    beginResetModel();
    m_rows = std::move(rows);
    m_tokens = std::move(prompt_tokens);
    endResetModel();
}

int RowModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RowModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : kColumns;
}

QVariant RowModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount() || role != Qt::DisplayRole)
        return {};
    const auto row = static_cast<std::size_t>(index.row());
    const Example& example = m_rows[row];
    switch (index.column()) {
    case Number:
        return index.row() + 1;
    case Prompt:
        return example.prompt.empty() ? QString() : shownLine(example.prompt.back().content, 240);
    case Answer: {
        const auto answer = example.columns.find("answer");
        return shownLine(answer == example.columns.end() ? example.response : answer->second, 120);
    }
    case Tokens:
        return row < m_tokens.size() ? QString::number(m_tokens[row]) : QStringLiteral("–");
    default:
        return {};
    }
}

QVariant RowModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    const std::array names{ tr("#"), tr("Prompt"), tr("Answer"), tr("Tokens") };
    return names[static_cast<std::size_t>(section)];
}

} // namespace zen::ui
