#include "core/base/durable_file.h"
#include "core/model/gguf_metadata.h"
#include "core/model/gguf_names.h"
#include "core/train/export_parts.h"
#include "core/train/model_card.h"
#include "core/weights/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestTokenizer = std::size_t{ 1 } << 27;

/// config.json's bos_token_id, which Qwen3Shape does not hold; nothing trains on it.
std::optional<std::int64_t> bosOf(const fs::path& model)
{
    const auto text = readFile(model / "config.json", std::size_t{ 1 } << 20);
    const auto config
        = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json(nullptr);
    if (!config.is_object() || !config.contains("bos_token_id")
        || !config["bos_token_id"].is_number_integer())
        return std::nullopt;
    return config["bos_token_id"].get<std::int64_t>();
}

/// tokenizer_config.json names the token, as text or as an object with `content`.
std::optional<std::int64_t> padOf(
    const nlohmann::ordered_json& tokenizer_config, const TokenizerFile& tokenizer)
{
    if (!tokenizer_config.is_object() || !tokenizer_config.contains("pad_token"))
        return std::nullopt;
    const auto& token = tokenizer_config["pad_token"];
    const auto& content = token.is_object() && token.contains("content") ? token["content"] : token;
    for (const auto& added : tokenizer.added_tokens)
        if (content.is_string() && content == added.content)
            return added.id;
    return std::nullopt;
}

Result<GgufText> ggufTextOf(const ExportSource& source, const ExportedText& text)
{
    const auto json = readFile(source.model_folder / "tokenizer.json", kLargestTokenizer);
    if (!json)
        return fail("a GGUF file holds its tokenizer: " + json.error().message);
    auto tokenizer = readTokenizerFile(*json);
    if (!tokenizer)
        return fail(
            (source.model_folder / "tokenizer.json").string() + ": " + tokenizer.error().message);
    GgufText gguf;
    gguf.tokenizer = std::move(*tokenizer);
    gguf.chat_template = text.chat_template;
    gguf.bos_id = bosOf(source.model_folder);
    gguf.pad_id = padOf(text.tokenizer_config, gguf.tokenizer);
    const auto add_bos = text.tokenizer_config.is_object()
        ? text.tokenizer_config.find("add_bos_token")
        : text.tokenizer_config.end();
    gguf.add_bos = add_bos != text.tokenizer_config.end() && *add_bos == true;
    return gguf;
}

/// Ollama's form of the conversation and of sampling.
std::string modelfile(const ExportParts& parts, const std::string& gguf)
{
    std::string text = "# ollama create " + parts.source.name + " -f Modelfile\n";
    text += "FROM ./" + gguf + "\n\n";
    const bool thinks = !parts.source.run || parts.source.run->config.model.enable_thinking;
    text += "TEMPLATE \"\"\"{{- if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
            "{{- range .Messages }}{{- if ne .Role \"system\" }}<|im_start|>{{ .Role }}\n"
            "{{ .Content }}<|im_end|>\n{{ end }}{{- end }}<|im_start|>assistant\n";
    text += std::string(thinks ? "" : "<think>\n\n</think>\n\n") + "\"\"\"\n\n";
    text += "PARAMETER stop \"<|im_end|>\"\nPARAMETER stop \"<|endoftext|>\"\n";
    text += fmt::format("PARAMETER num_ctx {}\n",
        std::min<std::int64_t>(parts.shape.max_position_embeddings, 8192));
    const auto generation
        = readFile(parts.source.model_folder / "generation_config.json", std::size_t{ 1 } << 20);
    const auto json
        = generation ? nlohmann::json::parse(*generation, nullptr, false) : nlohmann::json();
    for (const char* key : { "temperature", "top_p", "top_k" })
        if (json.is_object() && json.contains(key) && json[key].is_number())
            text += fmt::format("PARAMETER {} {}\n", key, json[key].dump());
    if (parts.source.run) {
        std::string system = parts.source.run->config.data.system_prompt;
        if (!system.empty() && system.find("\"\"\"") == std::string::npos)
            text += "\nSYSTEM \"\"\"" + system + "\"\"\"\n";
    }
    return text;
}

GgufOrigin originOf(const ExportSource& source)
{
    GgufOrigin origin;
    origin.name = source.name;
    origin.license = licenseOf(source);
    if (!source.run)
        return origin;
    origin.finetune = nameOf(source.run->config.algorithm.stage);
    if (portableModelName(source.base_model) == source.base_model)
        origin.base_model = source.base_model;
    return origin;
}

/// The checkpoint must hold what config.json promises, before gigabytes are written.
Result<void> checkSources(
    const std::vector<GgufSource>& sources, const MergedWeights& weights, const fs::path& model)
{
    for (const GgufSource& source : sources)
        for (const std::string& name : source.names) {
            const MergedWeights::Weight* weight = weights.find(name);
            if (weight == nullptr)
                return fail(model.string() + ": " + name + " is missing");
            std::uint64_t count = 1;
            for (const std::int64_t dimension : weight->shape)
                count *= static_cast<std::uint64_t>(dimension);
            if (count * source.names.size() != source.tensor.count()
                || static_cast<std::uint64_t>(weight->shape.back())
                    != source.tensor.dimensions.front())
                return fail(model.string() + ": " + name
                    + " does not have the size that config.json gives");
        }
    return {};
}

} // namespace

std::string ggufFileName(const ExportSource& source, NumberFormat format)
{
    return source.name + "-" + std::string(nameOf(format)) + ".gguf";
}

Result<void> writeGgufModel(const ExportParts& parts, NumberFormat format, const fs::path& folder)
{
    const auto sources = ggufSources(parts.shape, format);
    if (!sources)
        return tl::unexpected(sources.error());
    if (auto checked = checkSources(*sources, parts.weights, parts.source.model_folder); !checked)
        return checked;
    const auto text = readExportedText(parts.source);
    if (!text)
        return tl::unexpected(text.error());
    const auto gguf_text = ggufTextOf(parts.source, *text);
    if (!gguf_text)
        return tl::unexpected(gguf_text.error());
    const auto metadata = ggufMetadata(
        parts.shape, *gguf_text, originOf(parts.source), format, parts.weights.parameters());
    if (!metadata)
        return fail(parts.source.model_folder.string() + ": " + metadata.error().message);
    std::vector<GgufTensor> tensors;
    std::size_t total = 0, done = 0;
    for (const GgufSource& source : *sources) {
        tensors.push_back(source.tensor);
        total += source.names.size();
    }
    const std::string name = ggufFileName(parts.source, format);
    auto writer = GgufWriter::create(folder / name, *metadata, std::move(tensors));
    if (!writer)
        return tl::unexpected(writer.error());
    for (const GgufSource& source : *sources)
        for (const std::string& weight : source.names) {
            const auto numbers = parts.weights.read(weight);
            if (!numbers)
                return tl::unexpected(numbers.error());
            if (auto written = writer->append(*numbers); !written)
                return written;
            if (auto go_on = parts.progress(++done, total); !go_on)
                return go_on;
        }
    if (auto finished = writer->finish(); !finished)
        return finished;
    return writeDurably(folder / "Modelfile", modelfile(parts, name));
}

} // namespace zen
