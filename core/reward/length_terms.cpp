#include "core/reward/terms.h"

#include <algorithm>
#include <unordered_set>

namespace zen {

namespace {

constexpr std::int64_t kLongest = std::int64_t{ 1 } << 30;
constexpr std::int64_t kLongestNgram = 64;

/// Text without ids was not written by a model here: its tokens cannot be counted.
bool countable(const RewardInput& input)
{
    return !input.completion_ids.empty() || input.completion.empty();
}

/// DAPO (arXiv 2503.14476, equation 13).
class Overlong final : public RewardTerm {
public:
    Overlong(std::int64_t max, std::int64_t cache)
        : m_max(max)
        , m_cache(cache)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        if (!countable(input))
            return std::nullopt;
        const auto length = static_cast<std::int64_t>(input.completion_ids.size());
        if (length <= m_max - m_cache)
            return 0.0;
        if (length > m_max)
            return -1.0;
        return static_cast<double>(m_max - m_cache - length) / static_cast<double>(m_cache);
    }

private:
    std::int64_t m_max;
    std::int64_t m_cache;
};

class Repetition final : public RewardTerm {
public:
    Repetition(std::size_t n, double max_penalty)
        : m_n(n)
        , m_max_penalty(max_penalty)
    {
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        if (!countable(input))
            return std::nullopt;
        const auto ids = input.completion_ids;
        if (ids.size() < m_n)
            return 0.0;
        const std::size_t total = ids.size() - m_n + 1;
        const auto bytes = std::as_bytes(ids);
        std::unordered_set<std::string_view> ngrams;
        ngrams.reserve(total);
        for (std::size_t i = 0; i < total; ++i) {
            const auto ngram = bytes.subspan(i * sizeof ids[0], m_n * sizeof ids[0]);
            ngrams.insert({ reinterpret_cast<const char*>(ngram.data()), ngram.size() });
        }
        const double unique = static_cast<double>(ngrams.size()) / static_cast<double>(total);
        return (1.0 - unique) * m_max_penalty;
    }

private:
    std::size_t m_n;
    double m_max_penalty;
};

} // namespace

std::unique_ptr<RewardTerm> makeOverlong(RewardParameters& parameters)
{
    parameters.require("max");
    const std::int64_t max = parameters.integer("max", 1, 1, kLongest);
    const std::int64_t cache = parameters.integer("cache", max / 4, 0, kLongest);
    if (cache > max)
        parameters.complain("cache", "is larger than max (" + std::to_string(max) + ")");
    return std::make_unique<Overlong>(max, cache);
}

std::unique_ptr<RewardTerm> makeRepetition(RewardParameters& parameters)
{
    const std::int64_t n = parameters.integer("n", 3, 1, kLongestNgram);
    const double max_penalty = parameters.number("max_penalty", -1.0, -1e6, 0.0);
    return std::make_unique<Repetition>(static_cast<std::size_t>(n), max_penalty);
}

} // namespace zen
