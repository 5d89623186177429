#include "core/text/tokenizer.h"

#include "core/base/durable_file.h"
#include "core/base/utf8.h"
#include "core/text/added_tokens.h"
#include "core/text/byte_alphabet.h"
#include "core/text/byte_pairs.h"
#include "core/text/normal_form.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/tokenizer_file.h"
#include "core/text/word_cache.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace zen {

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{ 128 } << 20;
/// Longer words (not of any language) are cut, which bounds the memory of one merge.
constexpr std::size_t kMaxWordBytes = std::size_t{ 1 } << 24;

} // namespace

struct Tokenizer::Tables {
    struct Token {
        std::string bytes; ///< what it decodes to
        bool known = false;
        bool special = false;
    };
    std::vector<Token> tokens; ///< by id
    std::unordered_map<std::string, std::uint32_t> ids; ///< by spelling in the file
    BytePairs pairs;
    AddedTokenMatcher raw_added; ///< looked for in the raw text
    AddedTokenMatcher normal_added; ///< looked for in normalised text
    PreTokenizer pre_tokenizer;
    bool normalise = false;
    mutable WordCache cache;

    Result<void> addVocabulary(TokenizerFile& file);
    Result<void> addMerges(const TokenizerFile& file);
    Result<void> addAddedTokens(const TokenizerFile& file);
    void encodeWord(std::string_view word, std::vector<TokenId>& out) const;
    void encodePlain(std::string_view text, std::vector<TokenId>& out) const;
};

Result<void> Tokenizer::Tables::addVocabulary(TokenizerFile& file)
{
    std::uint32_t highest = 0;
    for (const auto& [spelling, id] : file.vocabulary)
        highest = std::max(highest, id);
    for (const auto& added : file.added_tokens)
        highest = std::max(highest, added.id);
    if (file.vocabulary.empty())
        return fail("model.vocab is empty");
    tokens.resize(std::size_t{ highest } + 1);
    ids.reserve(file.vocabulary.size() + file.added_tokens.size());
    for (auto& [spelling, id] : file.vocabulary) {
        Token& token = tokens[id];
        if (token.known)
            return fail("model.vocab: id " + std::to_string(id) + " is used twice");
        token.bytes = fromAlphabet(spelling).value_or(spelling);
        token.known = true;
        if (!ids.emplace(std::move(spelling), id).second)
            return fail("model.vocab: the token of id " + std::to_string(id) + " is there twice");
    }
    return {};
}

Result<void> Tokenizer::Tables::addMerges(const TokenizerFile& file)
{
    std::array<std::uint32_t, 256> byte_ids{};
    for (std::size_t byte = 0; byte < byte_ids.size(); ++byte) {
        const char raw = static_cast<char>(byte);
        const auto found = ids.find(toAlphabet({ &raw, 1 }));
        if (found == ids.end())
            return fail("model.vocab has no token for the byte " + std::to_string(byte)
                + "; a byte-level vocabulary has all 256");
        byte_ids[byte] = found->second;
    }
    pairs = BytePairs(byte_ids, file.merges.size());
    std::string joined;
    for (std::size_t rank = 0; rank < file.merges.size(); ++rank) {
        const auto& [left, right] = file.merges[rank];
        const auto left_id = ids.find(left);
        const auto right_id = ids.find(right);
        const auto result_id = ids.find(joined.assign(left).append(right));
        const std::string where = "model.merges[" + std::to_string(rank) + "]";
        if (left_id == ids.end() || right_id == ids.end() || result_id == ids.end())
            return fail(where + ": \"" + left + "\" + \"" + right
                + "\" needs both parts and the result in model.vocab");
        if (!fromAlphabet(joined))
            return fail(where + ": \"" + joined + "\" is not spelled in the byte alphabet");
        if (!pairs.add(left_id->second, right_id->second,
                { static_cast<std::uint32_t>(rank), result_id->second }))
            return fail(where + ": \"" + left + "\" + \"" + right + "\" is there twice");
    }
    return {};
}

Result<void> Tokenizer::Tables::addAddedTokens(const TokenizerFile& file)
{
    std::unordered_map<std::string_view, std::uint32_t> seen;
    for (const auto& added : file.added_tokens) {
        const std::string name = "added token \"" + added.content + "\"";
        const auto in_vocabulary = ids.find(added.content);
        if (in_vocabulary != ids.end() && in_vocabulary->second != added.id)
            return fail(name + " has id " + std::to_string(added.id) + ", but "
                + std::to_string(in_vocabulary->second) + " elsewhere in the file");
        if (!seen.emplace(added.content, added.id).second)
            return fail(name + " is there twice");
        Token& token = tokens[added.id];
        if (token.known && in_vocabulary == ids.end())
            return fail(name + ": id " + std::to_string(added.id) + " is used by another token");
        if (!token.known)
            token.bytes = added.content;
        token.known = true;
        token.special = added.special;
        ids.emplace(added.content, added.id);
        if (added.normalized && normalise)
            normal_added.add(toNfc(added.content), added.id);
        else
            raw_added.add(added.content, added.id);
    }
    return {};
}

void Tokenizer::Tables::encodeWord(std::string_view word, std::vector<TokenId>& out) const
{
    if (cache.find(word, out))
        return;
    const std::size_t before = out.size();
    for (std::size_t at = 0; at < word.size(); at += kMaxWordBytes)
        pairs.encode(word.substr(at, kMaxWordBytes), out);
    cache.remember(word, out.data() + before, out.size() - before);
}

void Tokenizer::Tables::encodePlain(std::string_view text, std::vector<TokenId>& out) const
{
    pre_tokenizer.split(text, [&](std::string_view word) { encodeWord(word, out); });
}

Tokenizer::Tokenizer(std::shared_ptr<const Tables> tables)
    : m_tables(std::move(tables))
{
}

Result<Tokenizer> Tokenizer::load(const std::filesystem::path& tokenizer_json)
{
    const Result<std::string> bytes = readFile(tokenizer_json, kMaxFileBytes);
    if (!bytes)
        return tl::unexpected(bytes.error());
    Result<Tokenizer> tokenizer = fromJson(*bytes);
    if (!tokenizer)
        return fail(tokenizer_json.string() + ": " + tokenizer.error().message);
    return tokenizer;
}

Result<Tokenizer> Tokenizer::fromJson(std::string_view json)
{
    Result<TokenizerFile> file = readTokenizerFile(json);
    if (!file)
        return tl::unexpected(file.error());
    const auto tables = std::make_shared<Tables>();
    tables->normalise = file->normalise;
    if (const Result<void> done = tables->addVocabulary(*file); !done)
        return tl::unexpected(done.error());
    if (const Result<void> done = tables->addMerges(*file); !done)
        return tl::unexpected(done.error());
    if (const Result<void> done = tables->addAddedTokens(*file); !done)
        return tl::unexpected(done.error());
    return Tokenizer(tables);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, SpecialTokens special) const
{
    std::vector<TokenId> out;
    std::string repaired;
    if (!isUtf8(text)) {
        repaired = repairUtf8(text);
        text = repaired;
    }
    const auto normal = [&](std::string_view part) {
        return m_tables->normalise ? toNfc(part) : std::string(part);
    };
    const auto plain = [&](std::string_view part) { m_tables->encodePlain(part, out); };
    const auto token = [&](TokenId id) { out.push_back(id); };
    if (special == SpecialTokens::as_text)
        plain(normal(text));
    else
        m_tables->raw_added.cut(
            text,
            [&](std::string_view part) { m_tables->normal_added.cut(normal(part), plain, token); },
            token);
    return out;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const
{
    std::string bytes;
    for (const TokenId id : ids)
        if (!skip_special || !isSpecial(id))
            bytes += bytesOf(id);
    return isUtf8(bytes) ? bytes : repairUtf8(bytes);
}

std::string_view Tokenizer::bytesOf(TokenId id) const
{
    return id >= 0 && id < size()
        ? std::string_view(m_tables->tokens[static_cast<std::size_t>(id)].bytes)
        : std::string_view();
}

std::optional<TokenId> Tokenizer::idOf(std::string_view token) const
{
    const auto found = m_tables->ids.find(std::string(token));
    return found == m_tables->ids.end() ? std::nullopt : std::optional<TokenId>(found->second);
}

bool Tokenizer::isSpecial(TokenId id) const
{
    return id >= 0 && id < size() && m_tables->tokens[static_cast<std::size_t>(id)].special;
}

std::int64_t Tokenizer::size() const
{
    return static_cast<std::int64_t>(m_tables->tokens.size());
}

} // namespace zen
