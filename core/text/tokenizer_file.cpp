#include "core/text/tokenizer_file.h"

#include "core/text/json_builder.h"
#include "core/text/pre_tokenizer.h"

namespace zen {

namespace {

using Json = nlohmann::ordered_json;

/// Takes the vocabulary and the merges straight from the parser's events (they are 99 % of the
/// file) and leaves the rest to a JsonBuilder.
class TokenizerEvents {
public:
    explicit TokenizerEvents(TokenizerFile* file)
        : m_file(file)
    {
    }

    bool null() { return streaming() ? wrongType() : m_rest.null(); }
    bool boolean(bool value) { return streaming() ? wrongType() : m_rest.boolean(value); }
    bool number_integer(std::int64_t value)
    {
        return streaming() ? badId() : m_rest.number_integer(value);
    }
    bool number_float(double value, const std::string& spelling)
    {
        return streaming() ? badId() : m_rest.number_float(value, spelling);
    }
    bool binary(Json::binary_t& value) { return m_rest.binary(value); }
    bool number_unsigned(std::uint64_t value)
    {
        if (m_part != Part::vocabulary)
            return streaming() ? wrongType() : m_rest.number_unsigned(value);
        if (value > kMaxTokenId)
            return badId();
        m_file->vocabulary.emplace_back(std::move(m_token), static_cast<std::uint32_t>(value));
        m_token.clear();
        return true;
    }
    bool string(std::string& value)
    {
        if (m_part == Part::merges)
            return mergeOfOneString(value);
        if (m_part == Part::one_merge)
            return mergeElement(value);
        return streaming() ? wrongType() : m_rest.string(value);
    }
    bool key(std::string& name)
    {
        if (m_part == Part::vocabulary) {
            m_token = std::move(name);
            return true;
        }
        if (m_rest.depth() == 1)
            m_in_model = name == "model";
        m_at_vocabulary = m_in_model && m_rest.depth() == 2 && name == "vocab";
        m_at_merges = m_in_model && m_rest.depth() == 2 && name == "merges";
        return m_rest.key(name);
    }
    bool start_object(std::size_t size)
    {
        if (streaming())
            return wrongType();
        // The builder sees an empty object, so that a key given twice is still noticed.
        if (m_at_vocabulary && m_rest.depth() == 2) {
            m_part = Part::vocabulary;
            m_at_vocabulary = false;
        }
        return m_rest.start_object(size);
    }
    bool end_object()
    {
        m_part = Part::rest;
        return m_rest.end_object();
    }
    bool start_array(std::size_t size)
    {
        if (m_part == Part::merges) {
            m_part = Part::one_merge;
            m_elements = 0;
            m_file->merges.emplace_back();
            return true;
        }
        if (streaming())
            return wrongType();
        if (m_at_merges && m_rest.depth() == 2) {
            m_part = Part::merges;
            m_at_merges = false;
        }
        return m_rest.start_array(size);
    }
    bool end_array()
    {
        if (m_part == Part::one_merge) {
            m_part = Part::merges;
            return m_elements == 2 || m_rest.refuse("a merge needs two parts");
        }
        m_part = Part::rest;
        return m_rest.end_array();
    }
    bool parse_error(
        std::size_t position, const std::string& token, const nlohmann::detail::exception& error)
    {
        return m_rest.parse_error(position, token, error);
    }

    JsonBuilder& rest() { return m_rest; }

private:
    enum class Part { rest, vocabulary, merges, one_merge };

    bool streaming() const { return m_part != Part::rest; }
    bool wrongType()
    {
        return m_rest.refuse(m_part == Part::vocabulary
                ? "model.vocab must map each token to a whole number"
                : "model.merges must hold strings \"a b\" or pairs of strings");
    }
    bool badId()
    {
        return m_rest.refuse("the id of token \"" + m_token + "\" must be a whole number from 0 to "
            + std::to_string(kMaxTokenId));
    }
    bool mergeOfOneString(const std::string& text)
    {
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
            return m_rest.refuse(
                "the merge \"" + text + "\" must be two tokens with one space between");
        m_file->merges.emplace_back(text.substr(0, space), text.substr(space + 1));
        return true;
    }
    bool mergeElement(std::string& text)
    {
        auto& merge = m_file->merges.back();
        (m_elements == 0 ? merge.first : merge.second) = std::move(text);
        return ++m_elements <= 2 || m_rest.refuse("a merge needs two parts");
    }

    TokenizerFile* m_file;
    JsonBuilder m_rest{ JsonLimits{} };
    Part m_part = Part::rest;
    bool m_in_model = false;
    bool m_at_vocabulary = false;
    bool m_at_merges = false;
    int m_elements = 0;
    std::string m_token;
};

const Json& memberOf(const Json& object, const char* key)
{
    static const Json kNull;
    if (!object.is_object())
        return kNull;
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

bool isType(const Json& object, std::string_view type)
{
    const Json& name = memberOf(object, "type");
    return name.is_string() && name.get_ref<const std::string&>() == type;
}

/// The member as a bool; `absent` when it is missing; nothing when it is something else.
std::optional<bool> flag(const Json& object, const char* key, bool absent)
{
    const Json& value = memberOf(object, key);
    if (value.is_null())
        return absent;
    return value.is_boolean() ? std::optional<bool>(value.get<bool>()) : std::nullopt;
}

bool isEmptyText(const Json& value)
{
    return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

Result<void> checkModel(const Json& root)
{
    const Json& model = memberOf(root, "model");
    if (!model.is_object())
        return fail("model is missing");
    if (!isType(model, "BPE") && !memberOf(model, "type").is_null())
        return fail("model.type is " + memberOf(model, "type").dump().substr(0, 40)
            + "; only byte-level \"BPE\" is supported");
    if (!memberOf(model, "vocab").is_object())
        return fail("model.vocab is missing or not an object");
    if (!memberOf(model, "merges").is_array())
        return fail("model.merges is missing or not an array");
    const Json& dropout = memberOf(model, "dropout");
    if (!dropout.is_null() && !(dropout.is_number() && dropout.get<double>() == 0.0))
        return fail("model.dropout is not supported");
    if (flag(model, "byte_fallback", false) != false)
        return fail("model.byte_fallback is not supported");
    if (flag(model, "ignore_merges", false) != false)
        return fail("model.ignore_merges is not supported");
    if (!isEmptyText(memberOf(model, "continuing_subword_prefix"))
        || !isEmptyText(memberOf(model, "end_of_word_suffix")))
        return fail("subword prefixes and suffixes are not supported; a byte-level model has none");
    return {};
}

Result<bool> readNormalizer(const Json& root)
{
    const Json& normalizer = memberOf(root, "normalizer");
    if (normalizer.is_null())
        return false;
    if (isType(normalizer, "NFC"))
        return true;
    const Json& parts = memberOf(normalizer, "normalizers");
    if (isType(normalizer, "Sequence") && parts.is_array() && parts.size() == 1
        && isType(parts[0], "NFC"))
        return true;
    return fail("the normalizer must be NFC or absent");
}

Result<void> checkByteLevel(const Json& step, const std::string& where)
{
    if (!isType(step, "ByteLevel"))
        return fail(where + " must be ByteLevel");
    if (flag(step, "add_prefix_space", true) != false || flag(step, "use_regex", true) != false)
        return fail(where + " must have add_prefix_space and use_regex false, as Qwen's has");
    return {};
}

/// A file's pattern is compared, never run: a pattern from outside could take exponential time.
Result<void> checkPreTokenizer(const Json& root)
{
    const Json& pre_tokenizer = memberOf(root, "pre_tokenizer");
    const Json& steps = memberOf(pre_tokenizer, "pretokenizers");
    if (!isType(pre_tokenizer, "Sequence") || !steps.is_array() || steps.size() != 2
        || !isType(steps[0], "Split"))
        return fail("pre_tokenizer must be a Sequence of Split and ByteLevel, as Qwen's is");
    const Json& pattern = memberOf(memberOf(steps[0], "pattern"), "Regex");
    if (!pattern.is_string() || pattern.get_ref<const std::string&>() != kQwenSplitPattern)
        return fail(
            "pre_tokenizer splits by a pattern that is not known here; only Qwen2's is supported");
    const Json& behavior = memberOf(steps[0], "behavior");
    if (!behavior.is_string() || behavior.get_ref<const std::string&>() != "Isolated"
        || flag(steps[0], "invert", false) != false)
        return fail("pre_tokenizer's Split must have behavior Isolated and invert false");
    return checkByteLevel(steps[1], "pre_tokenizer's second step");
}

Result<void> checkOutput(const Json& root)
{
    const Json& decoder = memberOf(root, "decoder");
    if (!isType(decoder, "ByteLevel"))
        return fail("decoder must be ByteLevel");
    const Json& post_processor = memberOf(root, "post_processor");
    if (!post_processor.is_null() && !isType(post_processor, "ByteLevel"))
        return fail("post_processor adds tokens of its own; only ByteLevel is supported");
    return {};
}

Result<TokenizerFile::AddedToken> readAddedToken(const Json& entry, std::size_t index)
{
    const std::string where = "added_tokens[" + std::to_string(index) + "]";
    const Json& content = memberOf(entry, "content");
    if (!content.is_string() || content.get_ref<const std::string&>().empty())
        return fail(where + ".content must be text that is not empty");
    const Json& id = memberOf(entry, "id");
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > kMaxTokenId)
        return fail(where + ".id must be a whole number from 0 to " + std::to_string(kMaxTokenId));
    for (const char* key : { "lstrip", "rstrip", "single_word" })
        if (flag(entry, key, false) != false)
            return fail(where + "." + key + " is not supported; it must be false");
    const std::optional<bool> special = flag(entry, "special", false);
    const std::optional<bool> normalized = flag(entry, "normalized", false);
    if (!special || !normalized)
        return fail(where + ": special and normalized must be true or false");
    return TokenizerFile::AddedToken{ content.get<std::string>(),
        static_cast<std::uint32_t>(id.get<std::uint64_t>()), *special, *normalized };
}

Result<void> readAddedTokens(const Json& root, TokenizerFile& file)
{
    const Json& entries = memberOf(root, "added_tokens");
    if (entries.is_null())
        return {};
    if (!entries.is_array())
        return fail("added_tokens must be an array");
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto added = readAddedToken(entries[i], i);
        if (!added)
            return tl::unexpected(added.error());
        file.added_tokens.push_back(std::move(*added));
    }
    return {};
}

} // namespace

Result<TokenizerFile> readTokenizerFile(std::string_view json)
{
    TokenizerFile file;
    TokenizerEvents events(&file);
    JsonTextIterator::Reached reached = 0;
    if (!nlohmann::ordered_json::sax_parse(JsonTextIterator(json, 0, &reached),
            JsonTextIterator(json, json.size(), nullptr), &events)) {
        const JsonFault fault = events.rest().fault(json.size(), reached);
        const TextPosition position = positionOf(json, fault.offset);
        return fail("line " + std::to_string(position.line) + ", column "
            + std::to_string(position.column) + ": " + fault.message);
    }
    const Json root = events.rest().take();
    if (!root.is_object())
        return fail("must be a JSON object");
    const Result<bool> normalise = readNormalizer(root);
    if (!normalise)
        return tl::unexpected(normalise.error());
    file.normalise = *normalise;
    for (const Result<void>& check : { checkModel(root), checkPreTokenizer(root), checkOutput(root),
             readAddedTokens(root, file) })
        if (!check)
            return tl::unexpected(check.error());
    return file;
}

} // namespace zen
