#include "core/model/gguf_metadata.h"

#include <cmath>
#include <cstdio>

namespace zen {

namespace {

// ggml's token types
constexpr std::int32_t kNormalToken = 1, kControlToken = 3, kUserToken = 4, kUnusedToken = 5;

std::uint32_t u32(std::int64_t value)
{
    return static_cast<std::uint32_t>(value);
}

void addGeneral(GgufMetadata& to, const std::string& architecture, const GgufOrigin& origin,
    NumberFormat format, std::uint64_t parameters)
{
    to.emplace_back("general.architecture", architecture);
    to.emplace_back("general.type", std::string("model"));
    const auto addText = [&to](const char* key, const std::string& text) {
        if (!text.empty())
            to.emplace_back(key, text);
    };
    addText("general.name", origin.name);
    addText("general.finetune", origin.finetune);
    to.emplace_back("general.size_label", sizeLabel(parameters));
    addText("general.license", origin.license);
    if (!origin.base_model.empty()) {
        const std::size_t slash = origin.base_model.find('/');
        to.emplace_back("general.base_model.count", std::uint32_t{ 1 });
        addText("general.base_model.0.name",
            slash == std::string::npos ? origin.base_model : origin.base_model.substr(slash + 1));
        if (slash != std::string::npos)
            addText("general.base_model.0.organization", origin.base_model.substr(0, slash));
    }
    to.emplace_back("general.file_type", ggmlNumbersOf(format).file_type);
    to.emplace_back("general.quantization_version", std::uint32_t{ 2 });
    to.emplace_back("general.alignment", kGgufAlignment);
}

void addShape(GgufMetadata& to, const std::string& architecture, const Qwen3Shape& shape)
{
    const auto add
        = [&](const char* key, auto value) { to.emplace_back(architecture + "." + key, value); };
    add("block_count", u32(shape.num_layers));
    add("context_length", u32(shape.max_position_embeddings));
    add("embedding_length", u32(shape.hidden_size));
    add("feed_forward_length", u32(shape.intermediate_size));
    add("attention.head_count", u32(shape.num_heads));
    add("attention.head_count_kv", u32(shape.num_kv_heads));
    add("attention.key_length", u32(shape.head_dim));
    add("attention.value_length", u32(shape.head_dim));
    add("attention.layer_norm_rms_epsilon", static_cast<float>(shape.rms_norm_eps));
    add("rope.freq_base", static_cast<float>(shape.rope_theta));
    add("vocab_size", u32(shape.vocab_size));
    if (!shape.isMoe())
        return;
    add("expert_count", u32(shape.num_experts));
    add("expert_used_count", u32(shape.experts_per_token));
    add("expert_feed_forward_length", u32(shape.moe_intermediate_size));
}

/// Every id of the embedding has a token; those that the tokenizer does not know are unused ones.
Result<void> addTokens(
    GgufMetadata& to, const TokenizerFile& tokenizer, std::int64_t vocabulary_size)
{
    const auto size = static_cast<std::size_t>(vocabulary_size);
    std::vector<std::string> tokens(size);
    std::vector<std::int32_t> types(size, kUnusedToken);
    const auto place = [&](const std::string& token, std::uint32_t id, std::int32_t type) {
        if (id >= size)
            return false;
        tokens[id] = token;
        types[id] = type;
        return true;
    };
    for (const auto& [token, id] : tokenizer.vocabulary)
        if (!place(token, id, kNormalToken))
            return fail("tokenizer.json has the id " + std::to_string(id)
                + ", but config.json's vocab_size is " + std::to_string(size));
    for (const auto& added : tokenizer.added_tokens)
        if (!place(added.content, added.id, added.special ? kControlToken : kUserToken))
            return fail("tokenizer.json has the id " + std::to_string(added.id)
                + ", but config.json's vocab_size is " + std::to_string(size));
    for (std::size_t id = 0; id < size; ++id)
        if (types[id] == kUnusedToken)
            tokens[id] = "[PAD" + std::to_string(id) + "]";
    std::vector<std::string> merges;
    merges.reserve(tokenizer.merges.size());
    for (const auto& [left, right] : tokenizer.merges)
        merges.push_back(left + " " + right);
    to.emplace_back("tokenizer.ggml.tokens", GgufArray(std::move(tokens)));
    to.emplace_back("tokenizer.ggml.token_type", GgufArray(std::move(types)));
    to.emplace_back("tokenizer.ggml.merges", GgufArray(std::move(merges)));
    return {};
}

} // namespace

std::string sizeLabel(std::uint64_t parameters)
{
    const auto count = static_cast<double>(parameters);
    const auto [factor, unit] = count >= 1e8 ? std::pair(1e9, 'B')
        : count >= 1e6                       ? std::pair(1e6, 'M')
                                             : std::pair(1e3, 'K');
    char text[32];
    const double scaled = count / factor;
    std::snprintf(text, sizeof text, scaled < 9.95 ? "%.1f%c" : "%.0f%c", scaled, unit);
    return text;
}

Result<GgufMetadata> ggufMetadata(const Qwen3Shape& shape, const GgufText& text,
    const GgufOrigin& origin, NumberFormat format, std::uint64_t parameters)
{
    const std::string architecture = shape.isMoe() ? "qwen3moe" : "qwen3";
    GgufMetadata metadata;
    addGeneral(metadata, architecture, origin, format, parameters);
    addShape(metadata, architecture, shape);
    metadata.emplace_back("tokenizer.ggml.model", std::string("gpt2"));
    metadata.emplace_back("tokenizer.ggml.pre", std::string("qwen2"));
    if (auto added = addTokens(metadata, text.tokenizer, shape.vocab_size); !added)
        return tl::unexpected(added.error());
    const auto addId = [&](const char* key, std::optional<std::int64_t> id) {
        if (id && *id >= 0 && *id < shape.vocab_size)
            metadata.emplace_back(key, u32(*id));
    };
    const std::optional<std::int64_t> pad
        = shape.pad_id >= 0 ? std::optional(shape.pad_id) : text.pad_id;
    addId("tokenizer.ggml.bos_token_id", text.bos_id ? text.bos_id : pad);
    addId("tokenizer.ggml.eos_token_id",
        shape.eos_ids.empty() ? std::nullopt : std::optional(shape.eos_ids.front()));
    addId("tokenizer.ggml.padding_token_id", pad);
    metadata.emplace_back("tokenizer.ggml.add_bos_token", text.add_bos);
    if (!text.chat_template.empty())
        metadata.emplace_back("tokenizer.chat_template", text.chat_template);
    return metadata;
}

} // namespace zen
