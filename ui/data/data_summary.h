#pragma once

#include "core/data/dataset.h"
#include "core/text/tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace zen::ui {

/// Token counts of a column of texts.
struct LengthSummary {
    std::size_t counted = 0;
    std::int64_t smallest = 0, median = 0, p95 = 0, largest = 0;
};
LengthSummary summarize(std::vector<std::int64_t> lengths);

/// What the Data page tells of the files that a configuration names.
struct DataSummary {
    struct File {
        std::string path;
        std::size_t rows = 0;
        std::string problem; ///< file, line and column of the first bad place; empty: sound
        bool for_evaluation = false;
    };
    std::vector<File> files;
    std::string problem; ///< why no file could be looked at
    std::vector<Example> rows; ///< the first kRowsShown of all
    std::vector<std::int64_t> prompt_tokens; ///< of each row shown; empty without a tokenizer
    std::size_t training_rows = 0, held_out_rows = 0;
    std::optional<LengthSummary> prompt_lengths,
        response_lengths; ///< over the first kRowsCounted rows
    std::int64_t too_long = 0; ///< rows counted whose prompt leaves no room in cutoff_len
    std::optional<Tokenizer> tokenizer;
};
inline constexpr std::size_t kRowsShown = 200;
inline constexpr std::size_t kRowsCounted = 5000;

/// Reads everything; for a thread of its own.
DataSummary summarizeData(const TrainingConfig& config, const std::stop_token& stop);

} // namespace zen::ui
