#include "core/text/added_tokens.h"

namespace zen {

void AddedTokenMatcher::add(std::string_view content, TokenId id)
{
    std::uint32_t node = 0;
    for (const char byte : content) {
        const auto [place, is_new]
            = m_nodes[node].next.try_emplace(byte, static_cast<std::uint32_t>(m_nodes.size()));
        node = place->second;
        if (is_new)
            m_nodes.emplace_back();
    }
    if (m_nodes[node].id < 0)
        m_nodes[node].id = id;
}

AddedTokenMatcher::Match AddedTokenMatcher::longestAt(std::string_view text) const
{
    Match longest;
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto next = m_nodes[node].next.find(text[i]);
        if (next == m_nodes[node].next.end())
            break;
        node = next->second;
        if (m_nodes[node].id >= 0)
            longest = { i + 1, m_nodes[node].id };
    }
    return longest;
}

void AddedTokenMatcher::cut(std::string_view text,
    const std::function<void(std::string_view)>& plain,
    const std::function<void(TokenId)>& token) const
{
    std::size_t plain_from = 0;
    for (std::size_t at = 0; !empty() && at < text.size();) {
        const Match match = longestAt(text.substr(at));
        if (match.length == 0) {
            ++at;
            continue;
        }
        if (at > plain_from)
            plain(text.substr(plain_from, at - plain_from));
        token(match.id);
        at += match.length;
        plain_from = at;
    }
    if (plain_from < text.size())
        plain(text.substr(plain_from));
}

} // namespace zen
