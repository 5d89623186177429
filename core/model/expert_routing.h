#pragma once

#include "core/model/qwen3_shape.h"

#include <cstdint>
#include <vector>

namespace zen {

// N tokens, D hidden size, X experts, K experts a token, S = N K slots

/// Which experts each token goes to, and the tokens in the order of their experts.
struct Routing {
    std::int64_t tokens = 0, experts = 0, per_token = 0;
    std::vector<float> probabilities_NX; ///< the router's softmax
    std::vector<std::int64_t> expert_begin; ///< X + 1: the slots of expert x
    std::vector<std::int64_t> token_S; ///< ascending within an expert
    std::vector<std::int64_t> expert_S;
    std::vector<float> weight_S; ///< of the expert's output in the token's sum
    std::vector<std::int64_t> slot_NK; ///< slots of each token, likeliest expert first
};

/// Softmax in float32, the most likely experts (of equal ones the first), normed to a sum of 1
/// where the shape says so.
/// @param logits_NX the router's products; become probabilities_NX
Routing routeTokens(const Qwen3Shape& shape, std::vector<float> logits_NX);

/// Gradient for the router's products from those for the weights of the slots, [N, X].
/// @param d_probability_X added to the gradient of the probabilities of the first `real_tokens`
/// tokens; may be null
std::vector<float> routingBackward(const Qwen3Shape& shape, const Routing& routing,
    const float* d_weight_S, const float* d_probability_X, std::int64_t real_tokens);

} // namespace zen
