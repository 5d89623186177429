#pragma once

#include "core/text/tokenizer.h"

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zen {

/// The ids of words met before, shared by threads. Bounded: a full part is emptied.
class WordCache {
public:
    /// Appends the ids of `word` to `ids` and says true, if they are known.
    bool find(std::string_view word, std::vector<TokenId>& ids) const
    {
        const Part& part = partOf(word);
        const std::lock_guard lock(part.mutex);
        const auto found = part.words.find(word);
        if (found == part.words.end())
            return false;
        ids.insert(ids.end(), found->second.begin(), found->second.end());
        return true;
    }

    void remember(std::string_view word, const TokenId* ids, std::size_t count)
    {
        if (word.size() > kMaxWordBytes)
            return;
        Part& part = partOf(word);
        const std::lock_guard lock(part.mutex);
        if (part.words.size() >= kMaxWordsPerPart)
            part.words.clear();
        part.words.emplace(word, std::vector<TokenId>(ids, ids + count));
    }

private:
    static constexpr std::size_t kParts = 16;
    static constexpr std::size_t kMaxWordsPerPart = 4096;
    static constexpr std::size_t kMaxWordBytes = 128;

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const
        {
            return std::hash<std::string_view>()(text);
        }
    };
    struct Part {
        mutable std::mutex mutex;
        std::unordered_map<std::string, std::vector<TokenId>, Hash, std::equal_to<>> words;
    };
    const Part& partOf(std::string_view word) const
    {
        return m_parts[Hash()(word) >> 7 & (kParts - 1)];
    }
    Part& partOf(std::string_view word) { return m_parts[Hash()(word) >> 7 & (kParts - 1)]; }

    std::array<Part, kParts> m_parts;
};

} // namespace zen
