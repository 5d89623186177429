#pragma once

#include "core/rollout/sampling.h"

#include <cstdint>

namespace zen {

struct SampledToken {
    std::int64_t id = 0;
    float logprob = 0; ///< nats, under softmax(logits / temperature), unfiltered
};

/// One draw from V logits (see sampleTokens); serial. `limit` from 1 to V.
SampledToken sampleRow(const float* logits, std::int64_t v, std::int64_t limit,
    const SamplingOptions& options, const NoiseKey& key);

} // namespace zen
