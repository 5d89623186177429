#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace zen {

// B rows, L tokens of the longest row, T tokens of the longest completion, N completion tokens of
// all rows

/// One completion as the update sees it; everything that must survive a restart in the middle of a
/// generation batch.
struct RolloutRow {
    std::vector<std::int64_t> prompt_ids;
    std::vector<std::int64_t> completion_ids;
    std::vector<float> old_logprobs; ///< empty: the update is on-policy
    std::vector<float> reference_logprobs; ///< empty: beta is 0
    double advantage = 0;
    bool masked = false; ///< counts as a row, but none of its tokens do
};

/// Rows of token ids put side by side, padded on the right, and the places whose next token is to
/// be scored.
struct TokenBatch {
    at::Tensor ids_BL; ///< int64
    at::Tensor mask_BL; ///< bool, false on padding
    at::Tensor
        positions_N; ///< int64, index into B x L of the hidden state that predicts each target
    at::Tensor targets_N; ///< int64, row by row
};

/// The prompt is context, every completion token a target.
TokenBatch batchOf(std::span<const RolloutRow* const> rows);

/// A row of text with the tokens to learn marked (SFT, reference perplexity). The first token is
/// never a target.
struct LearnedText {
    std::vector<std::int64_t> ids;
    std::vector<std::uint8_t> learn; ///< as long as ids
    std::int64_t targets() const; ///< learned tokens after the first
};
TokenBatch batchOf(std::span<const LearnedText* const> texts);

/// Tokens of prompt and completion, or of the text.
std::int64_t tokensOf(const RolloutRow& row);
std::int64_t tokensOf(const LearnedText& text);

/// Cuts consecutive rows of these lengths into parts that hold at most `tokens`, padding included
/// (rows x the longest of them), and at most `most_rows` rows. A row that is longer stands alone.
/// @returns where each part ends; the last one is lengths.size()
std::vector<std::size_t> cutByTokens(
    std::span<const std::int64_t> lengths, std::int64_t tokens, std::size_t most_rows);

/// Calls use(part, index of its first row) for the parts of `rows` as cutByTokens makes them.
template <class Row, class Use>
void forParts(
    std::span<const Row* const> rows, std::int64_t tokens, std::size_t most_rows, const Use& use)
{
    std::vector<std::int64_t> lengths;
    for (const Row* row : rows)
        lengths.push_back(tokensOf(*row));
    std::size_t begin = 0;
    for (const std::size_t end : cutByTokens(lengths, tokens, most_rows)) {
        use(rows.subspan(begin, end - begin), begin);
        begin = end;
    }
}

/// Tokens of the longest row; 0: no rows.
template <class Row> std::int64_t longestRow(std::span<const Row* const> rows)
{
    std::int64_t longest = 0;
    for (const Row* row : rows)
        longest = std::max(longest, tokensOf(*row));
    return longest;
}

/// Rows x the longest of them.
template <class Row> std::int64_t paddedTokens(std::span<const Row* const> rows)
{
    return longestRow(rows) * static_cast<std::int64_t>(rows.size());
}

/// Tokens of the largest part that forParts makes, padding included; 0: no rows.
template <class Row>
std::int64_t largestPart(
    std::span<const Row* const> rows, std::int64_t tokens, std::size_t most_rows)
{
    std::int64_t largest = 0;
    forParts(rows, tokens, most_rows,
        [&](const auto& part, std::size_t) { largest = std::max(largest, paddedTokens(part)); });
    return largest;
}

/// Per-token values of all rows, back in a [B, T] rectangle: zeros where a row is shorter. Keeps
/// the gradient.
at::Tensor toRectangle(const at::Tensor& values_N, std::span<const RolloutRow* const> rows);

/// The same for numbers that rows carry (old or reference log-probabilities).
at::Tensor rectangleOf(
    std::span<const RolloutRow* const> rows, std::vector<float> RolloutRow::*values);

/// 1 on completion tokens of rows that are not masked, [B, T] float32.
at::Tensor completionMask(std::span<const RolloutRow* const> rows);

at::Tensor advantagesOf(std::span<const RolloutRow* const> rows); ///< [B] float32

} // namespace zen
