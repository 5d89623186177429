#include "core/model/expert_routing.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"

#include <algorithm>
#include <numeric>

namespace zen {

namespace {

constexpr std::int64_t kTokensAtOnce = 256;

/// Softmax of one token's row, and its likeliest experts.
void chooseExperts(const Qwen3Shape& shape, float* row_X, std::int64_t* chosen_K, float* weights_K)
{
    const std::int64_t x = shape.num_experts, k = shape.experts_per_token;
    kernels().softmax(row_X, x, x);
    std::vector<std::int64_t> order(static_cast<std::size_t>(x));
    std::iota(order.begin(), order.end(), std::int64_t{ 0 });
    std::partial_sort(
        order.begin(), order.begin() + k, order.end(), [&](std::int64_t a, std::int64_t b) {
            return row_X[a] > row_X[b] || (row_X[a] == row_X[b] && a < b);
        });
    float sum = 0;
    for (std::int64_t i = 0; i < k; ++i)
        sum += row_X[order[static_cast<std::size_t>(i)]];
    for (std::int64_t i = 0; i < k; ++i) {
        chosen_K[i] = order[static_cast<std::size_t>(i)];
        weights_K[i] = shape.norm_topk_prob ? row_X[chosen_K[i]] / sum : row_X[chosen_K[i]];
    }
}

/// Counting sort of the slots by expert; tokens stay in order.
void sortSlots(Routing& routing, const std::vector<std::int64_t>& chosen_NK,
    const std::vector<float>& weights_NK)
{
    const std::size_t slots = chosen_NK.size();
    routing.expert_begin.assign(static_cast<std::size_t>(routing.experts) + 1, 0);
    for (const std::int64_t expert : chosen_NK)
        ++routing.expert_begin[static_cast<std::size_t>(expert) + 1];
    std::partial_sum(
        routing.expert_begin.begin(), routing.expert_begin.end(), routing.expert_begin.begin());
    std::vector<std::int64_t> next = routing.expert_begin;
    routing.token_S.resize(slots);
    routing.expert_S.resize(slots);
    routing.weight_S.resize(slots);
    routing.slot_NK.resize(slots);
    for (std::size_t i = 0; i < slots; ++i) {
        const std::int64_t slot = next[static_cast<std::size_t>(chosen_NK[i])]++;
        const auto at = static_cast<std::size_t>(slot);
        routing.token_S[at] = static_cast<std::int64_t>(i) / routing.per_token;
        routing.expert_S[at] = chosen_NK[i];
        routing.weight_S[at] = weights_NK[i];
        routing.slot_NK[i] = slot;
    }
}

} // namespace

Routing routeTokens(const Qwen3Shape& shape, std::vector<float> logits_NX)
{
    Routing routing;
    routing.experts = shape.num_experts;
    routing.per_token = shape.experts_per_token;
    routing.tokens = static_cast<std::int64_t>(logits_NX.size()) / routing.experts;
    routing.probabilities_NX = std::move(logits_NX);
    const auto slots = static_cast<std::size_t>(routing.tokens * routing.per_token);
    std::vector<std::int64_t> chosen_NK(slots);
    std::vector<float> weights_NK(slots);
    parallelPieces(routing.tokens, kTokensAtOnce, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t token = begin; token < end; ++token)
            chooseExperts(shape, routing.probabilities_NX.data() + token * routing.experts,
                chosen_NK.data() + token * routing.per_token,
                weights_NK.data() + token * routing.per_token);
    });
    sortSlots(routing, chosen_NK, weights_NK);
    return routing;
}

std::vector<float> routingBackward(const Qwen3Shape& shape, const Routing& routing,
    const float* d_weight_S, const float* d_probability_X, std::int64_t real_tokens)
{
    const std::int64_t x = routing.experts, k = routing.per_token;
    std::vector<float> d_logits_NX(routing.probabilities_NX.size(), 0.0f);
    parallelPieces(routing.tokens, kTokensAtOnce, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t token = begin; token < end; ++token) {
            const float* p = routing.probabilities_NX.data() + token * x;
            const std::int64_t* slots = routing.slot_NK.data() + token * k;
            float* d = d_logits_NX.data() + token * x; // of the probabilities, then of the logits
            if (d_probability_X != nullptr && token < real_tokens)
                std::copy(d_probability_X, d_probability_X + x, d);
            float sum = 0, weighted = 0;
            for (std::int64_t i = 0; i < k; ++i) {
                const auto slot = static_cast<std::size_t>(slots[i]);
                sum += p[routing.expert_S[slot]];
                weighted += routing.weight_S[slot] * d_weight_S[slot];
            }
            for (std::int64_t i = 0; i < k; ++i) {
                const auto slot = static_cast<std::size_t>(slots[i]);
                d[routing.expert_S[slot]] += shape.norm_topk_prob
                    ? (d_weight_S[slot] - weighted) / sum
                    : d_weight_S[slot];
            }
            const float mean = kernels().dot(p, d, x);
            for (std::int64_t i = 0; i < x; ++i)
                d[i] = p[i] * (d[i] - mean);
        }
    });
    return d_logits_NX;
}

} // namespace zen
