#include "core/model/gguf_names.h"

#include <array>

namespace zen {

namespace {

std::uint64_t size(std::int64_t dimension)
{
    return static_cast<std::uint64_t>(dimension);
}

class SourceList {
public:
    explicit SourceList(NumberFormat format)
        : m_format(format)
    {
    }

    void addVector(std::string name, std::string from, std::int64_t length)
    {
        add(std::move(name), { std::move(from) }, { size(length) }, NumberFormat::f32);
    }
    void addMatrix(std::string name, std::string from, std::int64_t out, std::int64_t in)
    {
        add(std::move(name), { std::move(from) }, { size(in), size(out) }, formatFor(in));
    }
    void addRouter(std::string name, std::string from, std::int64_t out, std::int64_t in)
    {
        add(std::move(name), { std::move(from) }, { size(in), size(out) }, NumberFormat::f32);
    }
    void addExperts(
        std::string name, std::vector<std::string> from, std::int64_t out, std::int64_t in)
    {
        const std::uint64_t experts = from.size();
        add(std::move(name), std::move(from), { size(in), size(out), experts }, formatFor(in));
    }
    std::vector<GgufSource> take() { return std::move(m_sources); }

private:
    void add(std::string name, std::vector<std::string> from, std::vector<std::uint64_t> dimensions,
        NumberFormat format)
    {
        m_sources.push_back(
            { { std::move(name), std::move(dimensions), format, 0 }, std::move(from) });
    }
    NumberFormat formatFor(std::int64_t in) const
    {
        return size(in) % blockSize(m_format) == 0 ? m_format : NumberFormat::f16;
    }

    NumberFormat m_format;
    std::vector<GgufSource> m_sources;
};

Result<void> checkForLlamaCpp(const Qwen3Shape& shape)
{
    if (!shape.isMoe())
        return {};
    if (shape.decoder_sparse_step != 1 || !shape.mlp_only_layers.empty())
        return fail("GGUF: llama.cpp's qwen3moe has experts in every layer; this model has dense "
                    "layers too (mlp_only_layers, decoder_sparse_step). Export it as --to merged.");
    if (!shape.norm_topk_prob)
        return fail("GGUF: llama.cpp's qwen3moe normalises the weights of the chosen experts; this "
                    "model does not (norm_topk_prob is false). Export it as --to merged.");
    return {};
}

void addAttention(
    SourceList& list, const Qwen3Shape& shape, const std::string& block, const std::string& layer)
{
    const std::int64_t d = shape.hidden_size, e = shape.head_dim;
    list.addVector(block + "attn_norm.weight", layer + "input_layernorm.weight", d);
    list.addMatrix(
        block + "attn_q.weight", layer + "self_attn.q_proj.weight", shape.num_heads * e, d);
    list.addMatrix(
        block + "attn_k.weight", layer + "self_attn.k_proj.weight", shape.num_kv_heads * e, d);
    list.addMatrix(
        block + "attn_v.weight", layer + "self_attn.v_proj.weight", shape.num_kv_heads * e, d);
    list.addMatrix(
        block + "attn_output.weight", layer + "self_attn.o_proj.weight", d, shape.num_heads * e);
    list.addVector(block + "attn_q_norm.weight", layer + "self_attn.q_norm.weight", e);
    list.addVector(block + "attn_k_norm.weight", layer + "self_attn.k_norm.weight", e);
    list.addVector(block + "ffn_norm.weight", layer + "post_attention_layernorm.weight", d);
}

void addMlp(
    SourceList& list, const Qwen3Shape& shape, const std::string& block, const std::string& layer)
{
    struct Part {
        const char* gguf;
        const char* checkpoint;
        bool is_down;
    };
    constexpr std::array kParts{ Part{ "ffn_gate", "gate_proj", false },
        Part{ "ffn_up", "up_proj", false }, Part{ "ffn_down", "down_proj", true } };
    const std::int64_t d = shape.hidden_size;
    const std::int64_t i = shape.isMoe() ? shape.moe_intermediate_size : shape.intermediate_size;
    if (shape.isMoe())
        list.addRouter(
            block + "ffn_gate_inp.weight", layer + "mlp.gate.weight", shape.num_experts, d);
    for (const Part& part : kParts) {
        const std::int64_t out = part.is_down ? d : i, in = part.is_down ? i : d;
        const std::string ending = std::string(part.checkpoint) + ".weight";
        if (!shape.isMoe()) {
            list.addMatrix(block + part.gguf + ".weight", layer + "mlp." + ending, out, in);
            continue;
        }
        std::vector<std::string> experts;
        for (std::int64_t expert = 0; expert < shape.num_experts; ++expert)
            experts.push_back(layer + "mlp.experts." + std::to_string(expert) + "." + ending);
        list.addExperts(block + part.gguf + "_exps.weight", std::move(experts), out, in);
    }
}

} // namespace

Result<std::vector<GgufSource>> ggufSources(const Qwen3Shape& shape, NumberFormat format)
{
    if (auto checked = checkForLlamaCpp(shape); !checked)
        return tl::unexpected(checked.error());
    SourceList list(format);
    const std::int64_t d = shape.hidden_size, v = shape.vocab_size;
    list.addMatrix("token_embd.weight", "model.embed_tokens.weight", v, d);
    for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
        const std::string block = "blk." + std::to_string(layer) + ".";
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        addAttention(list, shape, block, prefix);
        addMlp(list, shape, block, prefix);
    }
    list.addVector("output_norm.weight", "model.norm.weight", d);
    if (!shape.tied_embeddings)
        list.addMatrix("output.weight", "lm_head.weight", v, d);
    return list.take();
}

} // namespace zen
