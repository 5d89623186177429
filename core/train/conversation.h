#pragma once

#include "core/config/training_config.h"
#include "core/data/dataset.h"
#include "core/text/tokenizer.h"
#include "core/train/batching.h"

#include <string>
#include <vector>

namespace zen {

/// A dataset row ready to be continued by the model.
struct PreparedPrompt {
    std::size_t example = 0; ///< row in the dataset
    std::string text; ///< as rendered, generation prompt included
    std::vector<std::int64_t> ids;
};

/// Renders and encodes every row's prompt. Rows longer than `longest` tokens are left out and
/// counted in *too_long.
std::vector<PreparedPrompt> preparePrompts(const Dataset& dataset, const Tokenizer& tokenizer,
    const ModelSection& model, std::int64_t longest, std::size_t* too_long);

/// The whole conversation of a row with what the assistant says marked, cut to `cutoff_len` tokens.
/// Empty ids if the row has no reference response or nothing of it is left after the cut.
LearnedText learnedText(const Example& example, const Tokenizer& tokenizer,
    const ModelSection& model, std::int64_t cutoff_len);

} // namespace zen
