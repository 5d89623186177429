#pragma once

#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/data/dataset.h"
#include "core/text/tokenizer.h"

#include <cstdint>
#include <optional>
#include <stop_token>

namespace zen {

/// How long texts are, in tokens.
struct LengthSummary {
    double mean = 0;
    double deviation = 0;
    double longest = 0;
    bool operator==(const LengthSummary&) const = default;
};

/// Lengths of a run's data.
struct TokenLengths {
    std::int64_t rows = 0; ///< of the training part
    LengthSummary prompt; ///< as rendered for the model
    /// Of the reference answers. Empty where they say nothing about the model's own: there are
    /// none, or the model thinks first and they do not.
    std::optional<LengthSummary> answer;
    bool operator==(const TokenLengths&) const = default;
};

/// Measures up to 512 rows, evenly spread; a stop is looked at before each, and leaves the rest
/// out.
TokenLengths measureLengths(const Dataset& training_rows, const Tokenizer& tokenizer,
    const ModelSection& model, const std::stop_token& stop = {});

constexpr std::uint64_t kMostBytesToMeasure = 50'000'000; ///< of data; more would take long

/// Reads the data and the tokenizer of a configuration and measures them. Errors: the model has no
/// tokenizer here, the data cannot be read, or are more than `most_bytes`; it was stopped (looked
/// at between reading the one, reading the other, and each row).
Result<TokenLengths> measureLengths(const TrainingConfig& config,
    std::uint64_t most_bytes = kMostBytesToMeasure, const std::stop_token& stop = {});

/// What the fullest moments of a run hold, counted in rows and tokens.
struct Workload {
    double part_tokens = 0; ///< of the largest forward and backward pass
    double part_targets = 0; ///< completion tokens among them
    double part_columns = 0; ///< of its rectangle: rows x the longest
    double longest_row = 0;
    double rollout_rows = 0; ///< written at the same time; 0: nothing is generated
    double rollout_tokens = 0; ///< cached at the same time, a group's prompt once
    double prefill_tokens = 0; ///< of one pass over prompts
    bool in_turns = false; ///< more rows than are written at once: prompts come while others run
    double late_prefill_tokens = 0; ///< of such a prompt
    double evaluation_rows = 0; ///< answered at the same time; 0: no evaluation
    double evaluation_tokens = 0; ///< cached then
    double evaluation_prefill_tokens = 0;
    double perplexity_tokens = 0; ///< of one pass over reference texts
    double generated_tokens = 0; ///< a generation batch, prompts with each row
    double data_rows = 0; ///< 0: unknown
    double data_tokens = 0;
};

/// @param config resolved
/// @param lengths empty: every row fills the context
Workload workloadOf(const TrainingConfig& config, const std::optional<TokenLengths>& lengths);

} // namespace zen
