#include "core/base/nearest_word.h"

#include <algorithm>
#include <vector>

namespace zen {

namespace {

constexpr std::size_t kLongestWord = 128;

std::size_t editDistance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min(
                { above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1) });
            diagonal = above;
        }
    }
    return row[b.size()];
}

} // namespace

std::string nearestWord(std::string_view word, std::span<const std::string_view> known)
{
    if (word.empty() || word.size() > kLongestWord)
        return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : known)
        if (const std::size_t distance = editDistance(word, candidate); distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    return std::string(best);
}

} // namespace zen
