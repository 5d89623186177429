#include "core/rollout/sampling.h"

#include "core/model/counter_random.h"
#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/rollout/sample_row.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace zen {

namespace {

constexpr std::int64_t kBlock = 512; // numbers summed in float32 before the sum goes on in float64

struct Candidate {
    std::int64_t id;
    float score; ///< logit / temperature
};

bool hasFilters(const SamplingOptions& options, std::int64_t limit)
{
    return (options.top_k > 0 && options.top_k < limit) || options.top_p < 1.0
        || options.min_p > 0.0;
}

/// The k best and their ties, in no order.
void keepTopK(std::vector<Candidate>& candidates, std::int64_t k)
{
    if (k <= 0 || k >= static_cast<std::int64_t>(candidates.size()))
        return;
    std::vector<float> scores(candidates.size());
    std::transform(candidates.begin(), candidates.end(), scores.begin(),
        [](const Candidate& c) { return c.score; });
    std::nth_element(scores.begin(), scores.begin() + (k - 1), scores.end(), std::greater<>());
    const float smallest = scores[static_cast<std::size_t>(k - 1)];
    std::erase_if(candidates, [&](const Candidate& c) { return c.score < smallest; });
}

/// Drops the least likely whose probabilities add up to at most 1 - p; keeps at least one. Sorts
/// only as many of the best as it takes to pass the boundary.
void keepTopP(std::vector<Candidate>& candidates, double p)
{
    if (p >= 1.0 || candidates.size() < 2)
        return;
    const auto better = [](const Candidate& a, const Candidate& b) {
        return a.score != b.score ? a.score > b.score : a.id < b.id;
    };
    const float best = std::min_element(candidates.begin(), candidates.end(), better)->score;
    const auto weight
        = [&](const Candidate& c) { return std::exp(static_cast<double>(c.score - best)); };
    double total = 0;
    for (const Candidate& c : candidates)
        total += weight(c);
    const double droppable = (1.0 - p) * total;
    for (std::size_t sorted = std::min<std::size_t>(256, candidates.size());;
         sorted = std::min(sorted * 8, candidates.size())) {
        const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(sorted);
        if (sorted < candidates.size())
            std::nth_element(candidates.begin(), middle, candidates.end(), better);
        double dropped = std::accumulate(middle, candidates.end(), 0.0,
            [&](double sum, const Candidate& c) { return sum + weight(c); });
        if (dropped > droppable && sorted < candidates.size())
            continue; // the boundary lies among the rest
        std::sort(candidates.begin(), middle, better);
        std::size_t kept = sorted;
        while (kept > 1 && dropped + weight(candidates[kept - 1]) <= droppable)
            dropped += weight(candidates[--kept]);
        candidates.resize(kept);
        return;
    }
}

void keepMinP(std::vector<Candidate>& candidates, double min_p)
{
    if (min_p <= 0.0)
        return;
    float best = candidates.front().score;
    for (const Candidate& c : candidates)
        best = std::max(best, c.score);
    std::erase_if(candidates, [&](const Candidate& c) {
        return c.score != best && std::exp(static_cast<double>(c.score - best)) < min_p;
    });
}

/// What the filters leave, sorted by id.
std::vector<Candidate> filtered(
    const float* logits, std::int64_t limit, const SamplingOptions& options)
{
    const auto factor = static_cast<float>(1.0 / options.temperature);
    std::vector<Candidate> candidates(static_cast<std::size_t>(limit));
    for (std::int64_t id = 0; id < limit; ++id)
        candidates[static_cast<std::size_t>(id)] = { id, logits[id] * factor };
    keepTopK(candidates, options.top_k);
    keepTopP(candidates, options.top_p);
    keepMinP(candidates, options.min_p);
    std::sort(candidates.begin(), candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    return candidates;
}

/// The first index at which the running sum of `weights` passes `target`.
std::int64_t firstAbove(
    const float* weights, std::int64_t begin, std::int64_t end, double target, double sum)
{
    std::int64_t last = begin;
    for (std::int64_t i = begin; i < end; ++i) {
        sum += static_cast<double>(weights[i]);
        if (weights[i] > 0)
            last = i;
        if (sum > target)
            return i;
    }
    return last; // rounding: the target lies at the very end
}

std::int64_t argmax(const float* logits, std::int64_t limit)
{
    const float best = kernels().largest(logits, limit);
    return std::find(logits, logits + limit, best) - logits;
}

std::int64_t drawFiltered(
    const float* logits, std::int64_t limit, const SamplingOptions& options, double uniform_number)
{
    const std::vector<Candidate> candidates = filtered(logits, limit, options);
    float best = candidates.front().score;
    for (const Candidate& c : candidates)
        best = std::max(best, c.score);
    std::vector<float> weights;
    double total = 0;
    for (const Candidate& c : candidates) {
        weights.push_back(std::exp(c.score - best));
        total += static_cast<double>(weights.back());
    }
    const std::int64_t drawn = firstAbove(
        weights.data(), 0, static_cast<std::int64_t>(weights.size()), uniform_number * total, 0.0);
    return candidates[static_cast<std::size_t>(drawn)].id;
}

} // namespace

SampledToken sampleRow(const float* logits, std::int64_t v, std::int64_t limit,
    const SamplingOptions& options, const NoiseKey& key)
{
    const Kernels& run = kernels();
    const bool greedy = options.temperature <= 0.0;
    const auto factor = greedy ? 1.0f : static_cast<float>(1.0 / options.temperature);
    const float best = run.largest(logits, v);
    const std::int64_t blocks = (v + kBlock - 1) / kBlock;
    Scratch scratch;
    float* weights = scratch.floats(v);
    float* block_sums = scratch.floats(blocks);
    double total = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t begin = block * kBlock;
        block_sums[block] = run.exponentials(
            logits + begin, best, factor, weights + begin, std::min(kBlock, v - begin));
        total += static_cast<double>(block_sums[block]);
    }
    SampledToken token;
    if (greedy) {
        token.id = argmax(logits, limit);
    } else if (hasFilters(options, limit)) {
        token.id = drawFiltered(logits, limit, options, uniform(key, 0));
    } else {
        double allowed = limit == v ? total : 0;
        for (std::int64_t i = 0; limit < v && i < limit; ++i)
            allowed += static_cast<double>(weights[i]);
        const double target = uniform(key, 0) * allowed;
        double sum = 0;
        std::int64_t block = 0;
        while (
            (block + 1) * kBlock < limit && sum + static_cast<double>(block_sums[block]) <= target)
            sum += static_cast<double>(block_sums[block++]);
        token.id = firstAbove(
            weights, block * kBlock, std::min(limit, (block + 1) * kBlock), target, sum);
    }
    token.logprob = static_cast<float>(
        static_cast<double>(logits[token.id] - best) * static_cast<double>(factor)
        - std::log(total));
    return token;
}

at::Tensor filteredProbabilities(const at::Tensor& logits_BV, const SamplingOptions& options)
{
    const at::Tensor logits = logits_BV.to(at::kFloat).contiguous();
    const std::int64_t rows = logits.size(0), v = logits.size(1);
    at::Tensor probabilities_BV = at::zeros({ rows, v }, at::kFloat);
    parallelFor(rows, [&](std::int64_t row) {
        const float* from = logits.data_ptr<float>() + row * v;
        float* to = probabilities_BV.data_ptr<float>() + row * v;
        if (options.temperature <= 0.0) {
            to[argmax(from, v)] = 1.0f;
            return;
        }
        const std::vector<Candidate> candidates = filtered(from, v, options);
        float best = candidates.front().score;
        for (const Candidate& c : candidates)
            best = std::max(best, c.score);
        double total = 0;
        for (const Candidate& c : candidates)
            total += std::exp(static_cast<double>(c.score - best));
        for (const Candidate& c : candidates)
            to[c.id] = static_cast<float>(std::exp(static_cast<double>(c.score - best)) / total);
    });
    return probabilities_BV;
}

double uniform(const NoiseKey& key, std::uint64_t lane)
{
    // Counter: row, position and lane, 32 + 32 + 64 bits; key: seed and step, mixed by a first
    // round of their own.
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    const auto mixed = philox({ low(key.step), high(key.step), high(key.row), high(key.position) },
        { low(key.seed), high(key.seed) });
    const auto words = philox(
        { low(key.row), low(key.position), low(lane), high(lane) }, { mixed[0], mixed[1] });
    return unitInterval(words[0], words[1]);
}

SampledTokens sampleTokens(const at::Tensor& logits_BV, const SamplingOptions& options,
    const std::vector<NoiseKey>& keys, std::int64_t vocabulary_limit)
{
    const at::Tensor logits = logits_BV.detach().to(at::kFloat).contiguous();
    const std::int64_t rows = logits.size(0), v = logits.size(1);
    TORCH_CHECK(static_cast<std::int64_t>(keys.size()) == rows, "sampleTokens: one key a row");
    const std::int64_t limit = vocabulary_limit > 0 ? std::min(vocabulary_limit, v) : v;
    SampledTokens tokens;
    tokens.ids.resize(keys.size());
    tokens.logprobs.resize(keys.size());
    parallelFor(rows, [&](std::int64_t row) {
        const auto i = static_cast<std::size_t>(row);
        const SampledToken token
            = sampleRow(logits.data_ptr<float>() + row * v, v, limit, options, keys[i]);
        tokens.ids[i] = token.id;
        tokens.logprobs[i] = token.logprob;
    });
    return tokens;
}

} // namespace zen
