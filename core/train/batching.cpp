#include "core/train/batching.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

namespace {

/// Builds a TokenBatch row by row.
class BatchBuilder {
public:
    BatchBuilder(std::size_t rows, std::size_t longest)
        : m_longest(static_cast<std::int64_t>(longest))
    {
        m_batch.ids_BL = at::zeros({ static_cast<std::int64_t>(rows), m_longest }, at::kLong);
        m_batch.mask_BL = at::zeros({ static_cast<std::int64_t>(rows), m_longest }, at::kBool);
    }

    void add(std::int64_t row, std::int64_t column, std::int64_t id, bool is_target)
    {
        m_batch.ids_BL.data_ptr<std::int64_t>()[row * m_longest + column] = id;
        m_batch.mask_BL.data_ptr<bool>()[row * m_longest + column] = true;
        if (is_target && column > 0) {
            m_positions.push_back(row * m_longest + column - 1);
            m_targets.push_back(id);
        }
    }

    TokenBatch finish()
    {
        m_batch.positions_N = at::tensor(m_positions, at::kLong);
        m_batch.targets_N = at::tensor(m_targets, at::kLong);
        return std::move(m_batch);
    }

private:
    std::int64_t m_longest;
    TokenBatch m_batch;
    std::vector<std::int64_t> m_positions, m_targets;
};

std::int64_t longestCompletion(std::span<const RolloutRow* const> rows)
{
    std::size_t longest = 1;
    for (const RolloutRow* row : rows)
        longest = std::max(longest, row->completion_ids.size());
    return static_cast<std::int64_t>(longest);
}

} // namespace

std::int64_t LearnedText::targets() const
{
    return learn.empty() ? 0 : std::count(learn.begin() + 1, learn.end(), std::uint8_t{ 1 });
}

std::int64_t tokensOf(const RolloutRow& row)
{
    return static_cast<std::int64_t>(row.prompt_ids.size() + row.completion_ids.size());
}

std::int64_t tokensOf(const LearnedText& text)
{
    return static_cast<std::int64_t>(text.ids.size());
}

std::vector<std::size_t> cutByTokens(
    std::span<const std::int64_t> lengths, std::int64_t tokens, std::size_t most_rows)
{
    std::vector<std::size_t> ends;
    std::size_t rows = 0;
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const std::int64_t grown = std::max(longest, lengths[i]);
        if (rows > 0
            && (rows >= most_rows || grown * static_cast<std::int64_t>(rows + 1) > tokens)) {
            ends.push_back(i);
            rows = 0;
            longest = 0;
        }
        longest = std::max(longest, lengths[i]);
        ++rows;
    }
    if (rows > 0)
        ends.push_back(lengths.size());
    return ends;
}

TokenBatch batchOf(std::span<const RolloutRow* const> rows)
{
    std::size_t longest = 1;
    for (const RolloutRow* row : rows)
        longest = std::max(longest, row->prompt_ids.size() + row->completion_ids.size());
    BatchBuilder builder(rows.size(), longest);
    for (std::size_t b = 0; b < rows.size(); ++b) {
        const auto row = static_cast<std::int64_t>(b);
        std::int64_t column = 0;
        for (const std::int64_t id : rows[b]->prompt_ids)
            builder.add(row, column++, id, false);
        for (const std::int64_t id : rows[b]->completion_ids)
            builder.add(row, column++, id, true);
    }
    return builder.finish();
}

TokenBatch batchOf(std::span<const LearnedText* const> texts)
{
    std::size_t longest = 1;
    for (const LearnedText* text : texts)
        longest = std::max(longest, text->ids.size());
    BatchBuilder builder(texts.size(), longest);
    for (std::size_t b = 0; b < texts.size(); ++b)
        for (std::size_t t = 0; t < texts[b]->ids.size(); ++t)
            builder.add(static_cast<std::int64_t>(b), static_cast<std::int64_t>(t),
                texts[b]->ids[t], texts[b]->learn[t] != 0);
    return builder.finish();
}

at::Tensor toRectangle(const at::Tensor& values_N, std::span<const RolloutRow* const> rows)
{
    const std::int64_t columns = longestCompletion(rows);
    std::vector<std::int64_t> places;
    places.reserve(static_cast<std::size_t>(values_N.numel()));
    for (std::size_t b = 0; b < rows.size(); ++b)
        for (std::size_t t = 0; t < rows[b]->completion_ids.size(); ++t)
            places.push_back(static_cast<std::int64_t>(b) * columns + static_cast<std::int64_t>(t));
    const auto count = static_cast<std::int64_t>(rows.size());
    return at::zeros({ count * columns }, values_N.options())
        .index_copy(0, at::tensor(places, at::kLong), values_N)
        .view({ count, columns });
}

at::Tensor rectangleOf(
    std::span<const RolloutRow* const> rows, std::vector<float> RolloutRow::*values)
{
    at::Tensor values_BT = at::zeros(
        { static_cast<std::int64_t>(rows.size()), longestCompletion(rows) }, at::kFloat);
    for (std::size_t b = 0; b < rows.size(); ++b) {
        const std::vector<float>& source = rows[b]->*values;
        std::copy(source.begin(), source.end(),
            values_BT.data_ptr<float>() + static_cast<std::int64_t>(b) * values_BT.size(1));
    }
    return values_BT;
}

at::Tensor completionMask(std::span<const RolloutRow* const> rows)
{
    at::Tensor mask_BT = at::zeros(
        { static_cast<std::int64_t>(rows.size()), longestCompletion(rows) }, at::kFloat);
    for (std::size_t b = 0; b < rows.size(); ++b)
        if (!rows[b]->masked)
            mask_BT[static_cast<std::int64_t>(b)]
                .narrow(0, 0, static_cast<std::int64_t>(rows[b]->completion_ids.size()))
                .fill_(1);
    return mask_BT;
}

at::Tensor advantagesOf(std::span<const RolloutRow* const> rows)
{
    std::vector<float> advantages;
    for (const RolloutRow* row : rows)
        advantages.push_back(static_cast<float>(row->advantage));
    return at::tensor(advantages, at::kFloat);
}

} // namespace zen
