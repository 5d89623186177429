#include "core/base/durable_file.h"
#include "core/text/chat_jinja.h"
#include "core/train/export_parts.h"
#include "core/weights/sharded_writer.h"

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestTextFile = std::size_t{ 1 } << 27;

/// Files beside the weights that belong to a model, copied as they are if they exist.
constexpr const char* kCopiedFiles[]
    = { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
          "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
          "generation_config.json", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE" };

TensorType storedType(NumberFormat format)
{
    return format == NumberFormat::f32 ? TensorType::f32
        : format == NumberFormat::f16  ? TensorType::f16
                                       : TensorType::bf16;
}

const char* torchName(NumberFormat format)
{
    return format == NumberFormat::f32 ? "float32"
        : format == NumberFormat::f16  ? "float16"
                                       : "bfloat16";
}

Result<nlohmann::ordered_json> readObject(const fs::path& path)
{
    const auto text = readFile(path, kLargestTextFile);
    if (!text)
        return tl::unexpected(text.error());
    auto json = nlohmann::ordered_json::parse(*text, nullptr, false);
    if (!json.is_object())
        return fail(path.string() + " is not a JSON object");
    return json;
}

Result<void> writeObject(const fs::path& path, const nlohmann::ordered_json& object)
{
    return writeDurably(
        path, object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

/// The base's config.json with the new type of the numbers; everything else stays.
Result<void> writeConfigJson(const fs::path& model, NumberFormat format, const fs::path& folder)
{
    auto config = readObject(model / "config.json");
    if (!config)
        return tl::unexpected(config.error());
    bool named = false;
    for (const char* key : { "torch_dtype", "dtype" })
        if (config->contains(key)) {
            (*config)[key] = torchName(format);
            named = true;
        }
    if (!named)
        (*config)["torch_dtype"] = torchName(format);
    return writeObject(folder / "config.json", *config);
}

/// What transformers needs to render a conversation, for a model that came without it.
nlohmann::ordered_json plainTokenizerConfig(const Qwen3Shape& shape, const std::string& chat)
{
    return { { "add_bos_token", false }, { "clean_up_tokenization_spaces", false },
        { "eos_token", "<|im_end|>" }, { "pad_token", "<|endoftext|>" },
        { "model_max_length", shape.max_position_embeddings },
        { "tokenizer_class", "Qwen2Tokenizer" }, { "chat_template", chat } };
}

Result<void> copyTextFiles(const fs::path& model, const fs::path& folder)
{
    for (const char* name : kCopiedFiles) {
        std::error_code error;
        if (!fs::is_regular_file(model / name, error))
            continue;
        fs::copy_file(model / name, folder / name, error); // a hub cache's links are followed
        if (error)
            return fail("cannot copy " + (model / name).string() + ": " + error.message());
    }
    return {};
}

/// transformers looks for a conversation's form in tokenizer_config.json and chat_template.jinja;
/// where neither has it, it is put in.
Result<void> addChatTemplate(const ExportParts& parts, const fs::path& folder)
{
    const auto text = readExportedText(parts.source);
    if (!text)
        return tl::unexpected(text.error());
    const bool has_config = text->tokenizer_config.is_object();
    nlohmann::ordered_json config = has_config
        ? text->tokenizer_config
        : plainTokenizerConfig(parts.shape, text->chat_template);
    std::error_code ignored;
    const auto found = config.find("chat_template");
    const bool has_template = fs::exists(folder / "chat_template.jinja", ignored)
        || (found != config.end() && !found->is_null() && *found != "");
    if (has_config && has_template)
        return {};
    config["chat_template"] = text->chat_template;
    return writeObject(folder / "tokenizer_config.json", config);
}

/// A template is a text, or a list of named ones of which "default" counts.
std::string templateIn(const nlohmann::ordered_json& config)
{
    const auto found = config.find("chat_template");
    if (found == config.end())
        return {};
    if (found->is_string())
        return found->get<std::string>();
    if (found->is_array())
        for (const auto& entry : *found)
            if (entry.is_object() && entry.value("name", "") == "default"
                && entry.contains("template") && entry["template"].is_string())
                return entry["template"].get<std::string>();
    return {};
}

} // namespace

Result<ExportedText> readExportedText(const ExportSource& source)
{
    ExportedText text;
    std::error_code ignored;
    const fs::path& model = source.model_folder;
    if (fs::exists(model / "tokenizer_config.json", ignored)) {
        auto config = readObject(model / "tokenizer_config.json");
        if (!config)
            return tl::unexpected(config.error());
        text.tokenizer_config = std::move(*config);
        text.chat_template = templateIn(text.tokenizer_config);
    }
    if (text.chat_template.empty())
        if (auto jinja = readFile(model / "chat_template.jinja", kLargestTextFile))
            text.chat_template = std::move(*jinja);
    if (text.chat_template.empty())
        if (const auto json = readObject(model / "chat_template.json"))
            text.chat_template = templateIn(*json);
    if (text.chat_template.empty())
        text.chat_template
            = plainChatTemplate(!source.run || source.run->config.model.enable_thinking);
    return text;
}

std::uint64_t mergedBytes(const MergedWeights& weights, NumberFormat format)
{
    return weights.parameters() * sizeOf(storedType(format));
}

Result<void> writeMergedModel(const ExportParts& parts, NumberFormat format,
    std::uint64_t max_shard_bytes, const fs::path& folder)
{
    if (auto written = writeConfigJson(parts.source.model_folder, format, folder); !written)
        return written;
    if (auto copied = copyTextFiles(parts.source.model_folder, folder); !copied)
        return copied;
    if (auto added = addChatTemplate(parts, folder); !added)
        return added;
    std::vector<TensorPlan> plans;
    for (const MergedWeights::Weight& weight : parts.weights.weights())
        plans.push_back({ weight.name, storedType(format), weight.shape });
    auto writer = ShardedWriter::create(folder, std::move(plans), max_shard_bytes);
    if (!writer)
        return tl::unexpected(writer.error());
    std::vector<std::byte> bytes;
    std::size_t done = 0;
    for (const MergedWeights::Weight& weight : parts.weights.weights()) {
        const auto numbers = parts.weights.read(weight.name);
        if (!numbers)
            return tl::unexpected(numbers.error());
        if (const float* unfit = firstUnfit(format, *numbers))
            return fail(weight.name + " holds " + std::to_string(*unfit)
                + ", which f16 cannot hold. Choose --dtype bf16 or f32.");
        bytes.resize(bytesFor(format, numbers->size()));
        encodeNumbers(format, *numbers, bytes.data());
        if (auto written = writer->append(bytes); !written)
            return written;
        if (auto go_on = parts.progress(++done, parts.weights.weights().size()); !go_on)
            return go_on;
    }
    return writer->finish();
}

Result<void> writePeftAdapter(const ExportSource& source, const fs::path& folder)
{
    if (source.adapter.empty())
        return fail("there is no adapter to export: " + source.name
            + " was trained in full, or is a model. Use --to merged or --to gguf.");
    const auto adapter = openPeftAdapter(source.adapter);
    if (!adapter)
        return tl::unexpected(adapter.error());
    auto config = readObject(source.adapter / "adapter_config.json");
    if (!config)
        return tl::unexpected(config.error());
    (*config)["base_model_name_or_path"] = portableModelName(source.base_model);
    if (auto written = writeObject(folder / "adapter_config.json", *config); !written)
        return written;
    std::error_code error;
    fs::copy_file(adapter->file.path(), folder / "adapter_model.safetensors", error);
    if (error)
        return fail("cannot copy " + adapter->file.path().string() + ": " + error.message());
    return {};
}

} // namespace zen
