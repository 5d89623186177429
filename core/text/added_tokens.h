#pragma once

#include "core/text/tokenizer.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zen {

/// Finds added tokens in text: leftmost first, and the longest where several begin at one place.
class AddedTokenMatcher {
public:
    /// `content` must not be empty; the first id given for a content stays.
    void add(std::string_view content, TokenId id);
    bool empty() const { return m_nodes.size() <= 1; }

    /// Calls `plain` with each part between added tokens (never empty) and `token` with each added
    /// token's id.
    void cut(std::string_view text, const std::function<void(std::string_view)>& plain,
        const std::function<void(TokenId)>& token) const;

private:
    struct Node {
        TokenId id = -1;
        std::unordered_map<char, std::uint32_t> next;
    };
    struct Match {
        std::size_t length = 0;
        TokenId id = -1;
    };
    Match longestAt(std::string_view text) const;

    std::vector<Node> m_nodes = std::vector<Node>(1);
};

} // namespace zen
