#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// What a model wrote for one prompt.
struct Completion {
    std::vector<std::int64_t> ids; ///< end-of-text id included when reached
    std::vector<float>
        logprobs; ///< nats, of each id under the temperature-scaled full distribution
    bool truncated = false; ///< stopped by the length limit, not by an end-of-text id
    std::string text; ///< decoded without special tokens

    std::optional<double> reward; ///< weighted total; empty: unscored
    std::vector<std::optional<double>> reward_terms; ///< in the rubric's order
    double advantage = 0;
};

/// The siblings of one prompt; their rewards form one advantage group.
struct RolloutGroup {
    std::size_t example = 0; ///< row in the training set
    std::vector<std::int64_t> prompt_ids;
    std::string prompt_text; ///< as rendered
    std::vector<Completion> completions;
};

} // namespace zen
