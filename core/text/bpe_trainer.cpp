#include "core/text/bpe_trainer.h"

#include "core/base/utf8.h"
#include "core/text/added_tokens.h"
#include "core/text/byte_alphabet.h"
#include "core/text/normal_form.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/write_tokenizer_file.h"

#include <queue>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

namespace zen {

namespace {

struct Word {
    std::vector<std::uint32_t> symbols;
    std::int64_t count = 0;
};

struct PairUse {
    std::int64_t count = 0;
    std::vector<std::uint32_t>
        words; ///< where it was seen; may name a word twice, or one that lost it since
};

struct QueuedPair {
    std::int64_t count = 0;
    std::uint64_t pair = 0;
    /// Most frequent first, then the pair of lower ids: a total order, so that training is
    /// deterministic.
    bool operator<(const QueuedPair& other) const
    {
        return count != other.count ? count < other.count : pair > other.pair;
    }
};

constexpr std::uint64_t pairOf(std::uint32_t left, std::uint32_t right)
{
    return (std::uint64_t{ left } << 32) | right;
}

class PairCounter {
public:
    PairCounter(
        std::vector<Word> words, std::vector<std::string> tokens, std::set<std::string> forbidden)
        : m_words(std::move(words))
        , m_tokens(std::move(tokens))
        , m_forbidden(std::move(forbidden))
        , m_last_visit(m_words.size(), 0)
    {
        for (std::uint32_t w = 0; w < m_words.size(); ++w) {
            const auto& symbols = m_words[w].symbols;
            for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
                change(pairOf(symbols[i], symbols[i + 1]), m_words[w].count, w);
        }
        for (const auto& [pair, use] : m_uses)
            m_queue.push({ use.count, pair });
    }

    /// Merges the most frequent pair that occurs at least `min_frequency` times; false if there is
    /// none.
    bool mergeNext(std::int64_t min_frequency)
    {
        while (!m_queue.empty()) {
            const QueuedPair top = m_queue.top();
            m_queue.pop();
            const std::int64_t count = m_uses[top.pair].count;
            if (count < top.count) {
                if (count >= min_frequency)
                    m_queue.push({ count, top.pair });
                continue;
            }
            if (count < min_frequency)
                return false;
            const auto left = static_cast<std::uint32_t>(top.pair >> 32);
            const auto right = static_cast<std::uint32_t>(top.pair);
            std::string joined = m_tokens[left] + m_tokens[right];
            // Two pairs can join to the same bytes ("ab"+"c", "a"+"bc"); a token is made once.
            if (!m_forbidden.insert(joined).second)
                continue;
            m_tokens.push_back(std::move(joined));
            m_merges.emplace_back(left, right);
            apply(top.pair, static_cast<std::uint32_t>(m_tokens.size() - 1));
            return true;
        }
        return false;
    }

    const std::vector<std::string>& tokens() const { return m_tokens; }
    const std::vector<std::pair<std::uint32_t, std::uint32_t>>& merges() const { return m_merges; }

private:
    void change(std::uint64_t pair, std::int64_t by, std::uint32_t word)
    {
        PairUse& use = m_uses[pair];
        use.count += by;
        if (by > 0 && (use.words.empty() || use.words.back() != word))
            use.words.push_back(word);
    }

    void apply(std::uint64_t pair, std::uint32_t result)
    {
        const std::vector<std::uint32_t> words = std::move(m_uses[pair].words);
        m_uses.erase(pair);
        ++m_visit;
        std::set<std::uint64_t> grown;
        for (const std::uint32_t w : words) {
            if (m_last_visit[w] == m_visit)
                continue;
            m_last_visit[w] = m_visit;
            mergeInWord(w, pair, result, grown);
        }
        m_uses.erase(pair);
        for (const std::uint64_t other : grown)
            if (const auto use = m_uses.find(other); use != m_uses.end())
                m_queue.push({ use->second.count, other });
    }

    void mergeInWord(
        std::uint32_t w, std::uint64_t pair, std::uint32_t result, std::set<std::uint64_t>& grown)
    {
        Word& word = m_words[w];
        const std::vector<std::uint32_t> before = word.symbols;
        std::vector<std::uint32_t> after;
        after.reserve(before.size());
        for (std::size_t i = 0; i < before.size(); ++i) {
            if (i + 1 < before.size() && pairOf(before[i], before[i + 1]) == pair) {
                after.push_back(result);
                ++i;
            } else
                after.push_back(before[i]);
        }
        if (after.size() == before.size())
            return;
        for (std::size_t i = 0; i + 1 < before.size(); ++i)
            change(pairOf(before[i], before[i + 1]), -word.count, w);
        for (std::size_t i = 0; i + 1 < after.size(); ++i) {
            change(pairOf(after[i], after[i + 1]), word.count, w);
            if (after[i] == result || after[i + 1] == result)
                grown.insert(pairOf(after[i], after[i + 1]));
        }
        word.symbols = std::move(after);
    }

    std::vector<Word> m_words;
    std::vector<std::string> m_tokens; ///< raw bytes by id
    std::set<std::string> m_forbidden; ///< bytes that no further merge may make
    std::vector<std::uint64_t> m_last_visit;
    std::uint64_t m_visit = 0;
    std::unordered_map<std::uint64_t, PairUse> m_uses;
    std::priority_queue<QueuedPair> m_queue;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> m_merges;
};

std::vector<Word> countWords(std::span<const std::string> texts,
    const std::vector<AddedToken>& added, const std::array<std::uint32_t, 256>& id_of_byte)
{
    AddedTokenMatcher matcher;
    for (const AddedToken& token : added)
        matcher.add(token.content, 0);
    const PreTokenizer pre_tokenizer;
    std::map<std::string, std::int64_t, std::less<>> counts;
    for (const std::string& text : texts)
        matcher.cut(
            repairUtf8(text),
            [&](std::string_view part) {
                pre_tokenizer.split(toNfc(part), [&](std::string_view word) {
                    const auto known = counts.find(word);
                    if (known != counts.end())
                        ++known->second;
                    else
                        counts.emplace(word, 1);
                });
            },
            [](TokenId) {});
    std::vector<Word> words;
    words.reserve(counts.size());
    for (const auto& [text, count] : counts) {
        Word word{ {}, count };
        for (const char byte : text)
            word.symbols.push_back(id_of_byte[static_cast<std::uint8_t>(byte)]);
        words.push_back(std::move(word));
    }
    return words;
}

std::string tokenizerJson(const PairCounter& pairs, const std::vector<AddedToken>& added)
{
    TokenizerFile file;
    file.normalise = true;
    std::uint32_t next_id = 0;
    for (const std::string& token : pairs.tokens())
        file.vocabulary.emplace_back(toAlphabet(token), next_id++);
    for (const auto& [left, right] : pairs.merges())
        file.merges.emplace_back(
            toAlphabet(pairs.tokens()[left]), toAlphabet(pairs.tokens()[right]));
    for (const AddedToken& token : added)
        file.added_tokens.push_back({ token.content, next_id++, token.special, false });
    return writeTokenizerFile(file);
}

Result<void> checkAdded(const std::vector<AddedToken>& added)
{
    std::set<std::string_view> seen;
    for (const AddedToken& token : added) {
        if (token.content.empty() || !isUtf8(token.content))
            return fail("an added token is empty or not UTF-8");
        if (!seen.insert(token.content).second)
            return fail("the added token \"" + token.content + "\" is given twice");
    }
    return {};
}

} // namespace

std::vector<AddedToken> qwenAddedTokens()
{
    std::vector<AddedToken> tokens;
    for (const char* content : { "<|endoftext|>", "<|im_start|>", "<|im_end|>",
             "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
             "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
             "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>" })
        tokens.push_back({ content, true });
    for (const char* content : { "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
             "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>",
             "</tool_response>", "<think>", "</think>" })
        tokens.push_back({ content, false });
    return tokens;
}

Result<std::string> trainTokenizerJson(
    std::span<const std::string> texts, const BpeTrainingOptions& options)
{
    if (const Result<void> checked = checkAdded(options.added); !checked)
        return tl::unexpected(checked.error());
    const auto least = static_cast<std::int64_t>(256 + options.added.size());
    if (options.vocab_size < least)
        return fail("vocab_size " + std::to_string(options.vocab_size)
            + " is too small: 256 bytes and " + std::to_string(options.added.size())
            + " added tokens need " + std::to_string(least));

    std::vector<std::string> tokens;
    std::set<std::string> forbidden;
    std::array<std::uint32_t, 256> id_of_byte{};
    for (const std::uint8_t byte : bytesInAlphabetOrder()) {
        id_of_byte[byte] = static_cast<std::uint32_t>(tokens.size());
        tokens.emplace_back(1, static_cast<char>(byte));
    }
    for (const AddedToken& token : options.added)
        forbidden.insert(token.content);
    PairCounter pairs(
        countWords(texts, options.added, id_of_byte), std::move(tokens), std::move(forbidden));
    const std::int64_t min_frequency = std::max<std::int64_t>(options.min_frequency, 1);
    for (std::int64_t left = options.vocab_size - least; left > 0; --left)
        if (!pairs.mergeNext(min_frequency))
            break;
    return tokenizerJson(pairs, options.added);
}

} // namespace zen
