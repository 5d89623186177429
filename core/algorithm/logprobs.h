#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace zen {

// N tokens that count, D hidden size, V vocabulary

struct TokenLogprobs {
    at::Tensor logprobs_N; ///< float32, nats, of each target under softmax(logits / temperature);
                           ///< carries the gradient
    at::Tensor entropies_N; ///< float32, nats, of the same distribution; no gradient; undefined for
                            ///< LogprobDetail::targets
    at::Tensor unscaled_logprobs_N; ///< of each target under softmax(logits), for perplexity; no
                                    ///< gradient; as above
};

enum class LogprobDetail {
    all, ///< entropies and unscaled log-probabilities as well
    targets ///< the targets' log-probabilities alone (SFT, old and reference passes)
};

/// Log-probabilities of the targets, `chunk_tokens` rows of logits at a time in both passes, so
/// that [N, V] never exists: besides the results, one [chunk, V] float32. The backward recomputes
/// each chunk's softmax from the hidden states; lm_head gets a gradient only if it requires one.
/// Products and softmax are float32: a bfloat16 head is widened a tile at a time.
/// @param hidden_ND  float32, after the last norm
/// @param lm_head_VD float32 or bfloat16
/// @param targets_N  int64
TokenLogprobs tokenLogprobs(const at::Tensor& hidden_ND, const at::Tensor& lm_head_VD,
    const at::Tensor& targets_N, double temperature, std::int64_t chunk_tokens,
    LogprobDetail detail = LogprobDetail::all);

} // namespace zen
