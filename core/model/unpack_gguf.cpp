#include "core/model/unpack_gguf.h"

#include "core/base/durable_file.h"
#include "core/model/gguf_names.h"
#include "core/text/write_tokenizer_file.h"
#include "core/weights/sharded_writer.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>

namespace zen {

namespace {

constexpr std::uint64_t kNumbersAtOnce = std::uint64_t{ 1 } << 22; ///< a multiple of every block

/// A float32 as people wrote it: 1e-06, not 9.99999997e-07.
double asWritten(double value)
{
    const auto narrow = static_cast<float>(value);
    char text[32];
    std::snprintf(text, sizeof text, "%.7g", static_cast<double>(narrow));
    const double decimal = std::strtod(text, nullptr);
    return static_cast<float>(decimal) == narrow ? decimal : value;
}

/// Reads sizes below one architecture's prefix; keeps the first problem.
class GgufSizes {
public:
    GgufSizes(const GgufFile& file, std::string architecture)
        : m_file(file)
        , m_architecture(std::move(architecture))
    {
    }
    std::int64_t whole(const char* key, std::int64_t otherwise = -1)
    {
        const std::string name = m_architecture + "." + key;
        const auto value = m_file.integer(name);
        if (!value && otherwise >= 0)
            return otherwise;
        if (!value || *value < 1 || *value > std::int64_t{ 1 } << 30) {
            refuse(name + (value ? " is " + std::to_string(*value) : " is missing"));
            return 1;
        }
        return *value;
    }
    double real(const char* key, double otherwise)
    {
        const double value = m_file.number(m_architecture + "." + key).value_or(otherwise);
        if (value > 0 && value <= static_cast<double>(std::numeric_limits<float>::max()))
            return asWritten(value);
        refuse(m_architecture + "." + key + " must be a float32 number above 0");
        return otherwise;
    }
    void refuse(const std::string& what)
    {
        if (m_problem.empty())
            m_problem = what;
    }
    const std::string& problem() const { return m_problem; }

private:
    const GgufFile& m_file;
    std::string m_architecture;
    std::string m_problem;
};

TensorType unpackedType(NumberFormat format)
{
    return format == NumberFormat::f16 ? TensorType::f16
        : format == NumberFormat::bf16 ? TensorType::bf16
                                       : TensorType::f32;
}

/// The matrices' type, for config.json.
std::string unpackedTypeName(const GgufFile& file)
{
    const GgufTensor* embedding = file.tensor("token_embd.weight");
    switch (embedding == nullptr ? TensorType::f32 : unpackedType(embedding->format)) {
    case TensorType::f16:
        return "float16";
    case TensorType::bf16:
        return "bfloat16";
    default:
        return "float32";
    }
}

Result<TokenizerFile> tokenizerOf(const GgufFile& file)
{
    if (file.text("tokenizer.ggml.model") != "gpt2" || file.text("tokenizer.ggml.pre") != "qwen2")
        return fail("its tokenizer is \"" + file.text("tokenizer.ggml.model").value_or("")
            + "\" / \"" + file.text("tokenizer.ggml.pre").value_or("")
            + "\"; Qwen's (gpt2 / qwen2) is read");
    const auto* tokens = file.list<std::string>("tokenizer.ggml.tokens");
    const auto* types = file.list<std::int32_t>("tokenizer.ggml.token_type");
    const auto* merges = file.list<std::string>("tokenizer.ggml.merges");
    if (tokens == nullptr || types == nullptr || merges == nullptr
        || types->size() != tokens->size() || tokens->size() > kMaxTokenId)
        return fail("tokenizer.ggml.tokens, token_type or merges is missing or does not fit");
    TokenizerFile tokenizer;
    tokenizer.normalise = true;
    for (std::size_t id = 0; id < tokens->size(); ++id) {
        const auto number = static_cast<std::uint32_t>(id);
        const std::int32_t type = (*types)[id];
        if (type == 3 || type == 4) // control, user-defined
            tokenizer.added_tokens.push_back({ (*tokens)[id], number, type == 3, false });
        else if (type != 5) // unused
            tokenizer.vocabulary.emplace_back((*tokens)[id], number);
    }
    for (const std::string& merge : *merges) {
        const std::size_t space = merge.find(' ', 1);
        if (space == std::string::npos)
            return fail("tokenizer.ggml.merges holds \"" + merge.substr(0, 80) + "\"");
        tokenizer.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    }
    return tokenizer;
}

nlohmann::ordered_json configOf(const Qwen3Shape& shape, std::optional<std::int64_t> bos)
{
    auto config = nlohmann::ordered_json::parse(writeShape(shape));
    if (bos)
        config["bos_token_id"] = *bos;
    return config;
}

Result<void> writeSmallFiles(
    const GgufFile& file, const Qwen3Shape& shape, const std::filesystem::path& folder)
{
    const auto tokenizer = tokenizerOf(file);
    if (!tokenizer)
        return fail(file.path().string() + ": " + tokenizer.error().message);
    const auto* tokens = file.list<std::string>("tokenizer.ggml.tokens");
    const auto bos = file.integer("tokenizer.ggml.bos_token_id");
    nlohmann::ordered_json text = { { "add_bos_token", false },
        { "tokenizer_class", "Qwen2Tokenizer" }, { "clean_up_tokenization_spaces", false },
        { "model_max_length", shape.max_position_embeddings } };
    const auto nameToken = [&](const char* key, std::int64_t id) {
        if (id >= 0 && id < static_cast<std::int64_t>(tokens->size()))
            text[key] = (*tokens)[static_cast<std::size_t>(id)];
    };
    nameToken("pad_token", shape.pad_id);
    nameToken("eos_token", shape.eos_ids.empty() ? -1 : shape.eos_ids.front());
    if (const auto chat = file.text("tokenizer.chat_template"))
        text["chat_template"] = *chat;
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    for (const auto& [name, content] :
        { std::pair("config.json", configOf(shape, bos).dump(2) + "\n"),
            std::pair("tokenizer_config.json", text.dump(2, ' ', false, kReplace) + "\n"),
            std::pair("tokenizer.json", writeTokenizerFile(*tokenizer)) })
        if (auto written = writeDurably(folder / name, content); !written)
            return written;
    return {};
}

/// The file must hold exactly the tensors that the metadata asks for.
Result<void> checkTensorsOf(const GgufFile& file, const std::vector<GgufSource>& sources)
{
    std::set<std::string_view> expected;
    for (const GgufSource& source : sources) {
        const GgufTensor* tensor = file.tensor(source.tensor.name);
        if (tensor == nullptr)
            return fail(file.path().string() + ": tensor " + source.tensor.name + " is missing");
        if (tensor->dimensions != source.tensor.dimensions)
            return fail(file.path().string() + ": tensor " + source.tensor.name
                + " does not have the size that the metadata gives");
        expected.insert(source.tensor.name);
    }
    for (const GgufTensor& tensor : file.tensors())
        if (!expected.contains(tensor.name))
            return fail(file.path().string() + ": tensor " + tensor.name.substr(0, 120)
                + " is not part of a Qwen3 model of this shape");
    return {};
}

std::vector<TensorPlan> plansFor(const GgufFile& file, const std::vector<GgufSource>& sources)
{
    std::vector<TensorPlan> plans;
    for (const GgufSource& source : sources) {
        const GgufTensor& tensor = *file.tensor(source.tensor.name);
        std::vector<std::int64_t> shape;
        for (const std::uint64_t dimension : tensor.dimensions)
            shape.insert(shape.begin(), static_cast<std::int64_t>(dimension));
        if (source.names.size() > 1 || shape.size() == 3)
            shape.erase(shape.begin()); // one for each expert
        for (const std::string& name : source.names)
            plans.push_back({ name, unpackedType(tensor.format), shape });
    }
    return plans;
}

/// Counts what was written against what will be.
struct UnpackCount {
    const WorkProgress& progress;
    std::uint64_t total = 0;
    std::uint64_t done = 0;

    Result<void> add(std::uint64_t bytes)
    {
        done += bytes;
        return progress ? progress(done, total) : Result<void>{};
    }
};

Result<void> copyNumbers(const GgufFile& file, const GgufTensor& tensor, std::uint64_t first,
    std::uint64_t count, ShardedWriter& writer, UnpackCount& counted)
{
    const NumberFormat stored
        = tensor.format == NumberFormat::q8_0 ? NumberFormat::f32 : tensor.format;
    std::vector<float> numbers;
    std::vector<std::byte> bytes;
    for (std::uint64_t done = 0; done < count; done += numbers.size()) {
        numbers.resize(std::min(kNumbersAtOnce, count - done));
        if (auto got = file.read(tensor, first + done, numbers); !got)
            return got;
        bytes.resize(bytesFor(stored, numbers.size()));
        encodeNumbers(stored, numbers, bytes.data());
        if (auto written = writer.append(bytes); !written)
            return written;
        if (auto go_on = counted.add(bytes.size()); !go_on)
            return go_on;
    }
    return {};
}

} // namespace

Result<Qwen3Shape> shapeOfGguf(const GgufFile& file)
{
    const std::string architecture = file.text("general.architecture").value_or("");
    if (architecture != "qwen3" && architecture != "qwen3moe")
        return fail(file.path().string() + ": general.architecture is \""
            + architecture.substr(0, 80) + "\"; qwen3 and qwen3moe are read");
    GgufSizes sizes(file, architecture);
    Qwen3Shape shape;
    shape.num_layers = sizes.whole("block_count");
    shape.max_position_embeddings = sizes.whole("context_length");
    shape.hidden_size = sizes.whole("embedding_length");
    shape.intermediate_size = sizes.whole("feed_forward_length", architecture == "qwen3" ? -1 : 1);
    shape.num_heads = sizes.whole("attention.head_count");
    shape.num_kv_heads = sizes.whole("attention.head_count_kv", shape.num_heads);
    shape.head_dim = sizes.whole(
        "attention.key_length", std::max<std::int64_t>(shape.hidden_size / shape.num_heads, 1));
    shape.rms_norm_eps = sizes.real("attention.layer_norm_rms_epsilon", 1e-6);
    shape.rope_theta = sizes.real("rope.freq_base", 1e4);
    if (architecture == "qwen3moe") {
        shape.num_experts = sizes.whole("expert_count");
        shape.experts_per_token = sizes.whole("expert_used_count");
        shape.moe_intermediate_size = sizes.whole("expert_feed_forward_length");
        shape.norm_topk_prob = true;
    }
    if (const auto scaling = file.text(architecture + ".rope.scaling.type");
        scaling && *scaling != "none")
        sizes.refuse(architecture + ".rope.scaling.type is \"" + scaling->substr(0, 40)
            + "\"; only unscaled positions are computed here");
    const GgufTensor* embedding = file.tensor("token_embd.weight");
    if (embedding == nullptr || embedding->dimensions.size() != 2)
        sizes.refuse("tensor token_embd.weight is missing");
    if (shape.num_layers > 512 || shape.num_experts > 4096)
        sizes.refuse("it has " + std::to_string(shape.num_layers) + " layers and "
            + std::to_string(shape.num_experts) + " experts; at most 512 and 4096 are read");
    if (!sizes.problem().empty())
        return fail(file.path().string() + ": " + sizes.problem());
    shape.vocab_size = static_cast<std::int64_t>(embedding->dimensions[1]);
    shape.tied_embeddings = file.tensor("output.weight") == nullptr;
    if (const auto eos = file.integer("tokenizer.ggml.eos_token_id"))
        shape.eos_ids.push_back(*eos);
    shape.pad_id = file.integer("tokenizer.ggml.padding_token_id").value_or(-1);
    shape.dtype = unpackedTypeName(file);
    if (const auto parsed = parseShape(writeShape(shape)); !parsed)
        return fail(file.path().string()
            + ": what it says of its sizes is not possible: " + parsed.error().message);
    return shape;
}

Result<void> unpackGguf(
    const GgufFile& file, const std::filesystem::path& folder, const WorkProgress& progress)
{
    const auto shape = shapeOfGguf(file);
    if (!shape)
        return tl::unexpected(shape.error());
    const auto sources = ggufSources(*shape, NumberFormat::f32);
    if (!sources)
        return tl::unexpected(sources.error());
    if (auto checked = checkTensorsOf(file, *sources); !checked)
        return checked;
    if (auto written = writeSmallFiles(file, *shape, folder); !written)
        return written;
    auto writer = ShardedWriter::create(folder, plansFor(file, *sources), 5'000'000'000);
    if (!writer)
        return tl::unexpected(writer.error());
    UnpackCount counted{ progress, unpackedBytes(file) };
    for (const GgufSource& source : *sources) {
        const GgufTensor& tensor = *file.tensor(source.tensor.name);
        const std::uint64_t each = tensor.count() / source.names.size();
        for (std::size_t expert = 0; expert < source.names.size(); ++expert)
            if (auto copied = copyNumbers(file, tensor, expert * each, each, *writer, counted);
                !copied)
                return copied;
    }
    return writer->finish();
}

std::uint64_t unpackedBytes(const GgufFile& file)
{
    std::uint64_t total = 0;
    for (const GgufTensor& tensor : file.tensors())
        total += tensor.count() * sizeOf(unpackedType(tensor.format));
    return total;
}

} // namespace zen
