#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace zen {

// B rows, V vocabulary

struct SamplingOptions {
    double temperature = 1.0; ///< 0: greedy
    double top_p = 1.0;
    std::int64_t top_k = 0;
    double min_p = 0.0;
};

/// The distribution after temperature, top-k, top-p, min-p, in that order (transformers' order):
/// [B, V] float32. top-k keeps ties of the k-th value; top-p and min-p keep at least one.
at::Tensor filteredProbabilities(const at::Tensor& logits_BV, const SamplingOptions& options);

/// Where a random number comes from: independent of batch shape, thread count and order.
struct NoiseKey {
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    std::uint64_t row = 0; ///< global row of the generation batch
    std::uint64_t position = 0; ///< index in the completion
};

/// A uniform number in (0, 1): Philox-4x32-10 of the key and `lane`.
double uniform(const NoiseKey& key, std::uint64_t lane);

/// Draws one id a row (one uniform number of the row's key, inverted through the filtered
/// distribution in the order of the ids; greedy when temperature is 0) and returns also its
/// log-probability under softmax(logits / temperature), unfiltered, over all V ids. Ids >=
/// vocabulary_limit are never drawn (0: no limit).
struct SampledTokens {
    std::vector<std::int64_t> ids;
    std::vector<float> logprobs;
};
SampledTokens sampleTokens(const at::Tensor& logits_BV, const SamplingOptions& options,
    const std::vector<NoiseKey>& keys, std::int64_t vocabulary_limit);

} // namespace zen
