#include "core/train/policy.h"

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "core/config/validate.h"
#include "core/plan/weight_types.h"
#include "core/text/bpe_trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSmallFile = std::size_t{ 1 } << 26;

std::string safetensorsHeader(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::uint64_t length = 0;
    file.read(reinterpret_cast<char*>(&length), sizeof length);
    std::string header(std::min<std::uint64_t>(length, 100'000'000), '\0');
    file.read(header.data(), static_cast<std::streamsize>(header.size()));
    return header;
}

/// Names, sizes and headers of the weights, and the whole of the small files.
std::string fingerprintOf(const CheckpointFolder& checkpoint, const fs::path& adapter)
{
    std::string text;
    const auto add = [&text](const std::string& name, const std::string& hash) {
        text += name + " " + hash + "\n";
    };
    for (const fs::path& file : { checkpoint.config_json, checkpoint.tokenizer_json })
        if (!file.empty())
            add(file.filename().string(), sha256HexOfFile(file).value_or("unreadable"));
    std::vector<fs::path> weights;
    for (const SafetensorsFile& shard : checkpoint.shards)
        weights.push_back(shard.path());
    std::sort(weights.begin(), weights.end());
    for (const fs::path& file : weights) {
        std::error_code ignored;
        add(file.filename().string() + " " + std::to_string(fs::file_size(file, ignored)),
            sha256Hex(safetensorsHeader(file)));
    }
    if (!adapter.empty())
        add("adapter",
            sha256HexOfFile(adapter / "adapter_model.safetensors").value_or("unreadable"));
    return sha256Hex(text);
}

at::ScalarType scalarTypeOf(WeightType type)
{
    return type == WeightType::bfloat16 ? at::kBFloat16 : at::kFloat;
}

at::ScalarType weightTypeFor(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const WeightType asked = computeTypeAsked(config, shape);
    return asked == WeightType::automatic ? fasterWeightType(shape) : scalarTypeOf(asked);
}

/// How weights are held whose products compute with `weight_type`. Errors: what was asked cannot be
/// trained.
Result<LoadOptions> formatFor(
    const TrainingConfig& config, const Qwen3Shape& shape, at::ScalarType weight_type)
{
    LoadOptions load;
    const bool four_bits = keepsFourBits(config, shape);
    if (four_bits && config.adapter.finetuning_type == FinetuningType::full)
        return fail(std::string("finetuning_type: ") + kFullNeedsWholeWeights);
    if (four_bits)
        load.nf4 = Nf4Options{ weight_type, config.memory.bnb_4bit_use_double_quant };
    load.weight_type = scalarTypeOf(heldType(
        config, shape, weight_type == at::kBFloat16 ? WeightType::bfloat16 : WeightType::float32));
    return load;
}

void addEndOfText(Policy& policy)
{
    policy.eos_ids = policy.model.shape().eos_ids;
    for (const char* token : { "<|im_end|>", "<|endoftext|>" })
        if (const auto id = policy.tokenizer.idOf(token))
            policy.eos_ids.push_back(*id);
    std::sort(policy.eos_ids.begin(), policy.eos_ids.end());
    policy.eos_ids.erase(
        std::unique(policy.eos_ids.begin(), policy.eos_ids.end()), policy.eos_ids.end());
}

struct OpenedModel {
    CheckpointFolder checkpoint;
    Qwen3Shape shape;
    Tokenizer tokenizer;
};

Result<OpenedModel> openModel(const std::string& name)
{
    const auto folder = findModelFolder(name);
    if (!folder)
        return tl::unexpected(folder.error());
    auto checkpoint = openCheckpoint(*folder);
    if (!checkpoint)
        return tl::unexpected(checkpoint.error());
    auto shape = readShape(*folder);
    if (!shape)
        return tl::unexpected(shape.error());
    if (checkpoint->tokenizer_json.empty())
        return fail(folder->string()
            + " has no tokenizer.json. Copy it from the model's page; text cannot be encoded "
              "without it.");
    auto tokenizer = Tokenizer::load(checkpoint->tokenizer_json);
    if (!tokenizer)
        return tl::unexpected(tokenizer.error());
    return OpenedModel{ std::move(*checkpoint), std::move(*shape), std::move(*tokenizer) };
}

/// Copies that share nothing with the adapter being trained.
Adapter frozenCopy(const Adapter& adapter)
{
    Adapter copy = adapter;
    const auto detach = [](LoraPair& pair) {
        if (pair.a_RI.defined())
            pair = { pair.a_RI.detach().clone(), pair.b_OR.detach().clone() };
    };
    for (LayerPairs& layer : copy.layers) {
        std::for_each(layer.projections.begin(), layer.projections.end(), detach);
        for (auto& expert : layer.experts)
            std::for_each(expert.begin(), expert.end(), detach);
    }
    return copy;
}

Result<void> attachAdapter(Policy& policy, const TrainingConfig& config)
{
    const bool continued = !config.model.adapter_name_or_path.empty();
    Result<Adapter> adapter = fail("");
    if (continued) {
        adapter = readAdapter(config.model.adapter_name_or_path, policy.model.shape());
    } else {
        LoraOptions options;
        options.rank = config.adapter.lora_rank;
        options.alpha
            = static_cast<double>(config.adapter.lora_alpha.value_or(2 * config.adapter.lora_rank));
        options.dropout = config.adapter.lora_dropout;
        options.use_rslora = config.adapter.use_rslora;
        options.targets = config.adapter.lora_target;
        options.base_model = config.model.model_name_or_path;
        adapter = newAdapter(
            policy.model.shape(), options, static_cast<std::uint64_t>(config.run.seed));
    }
    if (!adapter)
        return tl::unexpected(adapter.error());
    if (continued && config.algorithm.beta != 0) {
        policy.frozen_reference = policy.model;
        policy.frozen_reference->attach(frozenCopy(*adapter));
    }
    policy.model.attach(std::move(*adapter));
    return {};
}

Result<void> loadWeights(Policy& policy, const TrainingConfig& config, const Qwen3Shape& shape,
    const PolicyOptions& options)
{
    const bool full = config.adapter.finetuning_type == FinetuningType::full;
    auto format = formatFor(config, shape, policy.weight_type);
    if (!format)
        return tl::unexpected(format.error());
    LoadOptions& load = *format;
    load.trainable = full && options.trainable;
    load.on_progress = options.on_progress;
    auto model = Qwen3::load(policy.checkpoint, load);
    if (!model)
        return tl::unexpected(model.error());
    policy.model = std::move(*model);
    if (!options.trainable)
        return {};
    if (!full)
        return attachAdapter(policy, config);
    if (config.algorithm.beta == 0 || config.algorithm.stage == Stage::sft)
        return {};
    load.trainable = false;
    auto reference = Qwen3::load(policy.checkpoint, load);
    if (!reference)
        return tl::unexpected(reference.error());
    policy.frozen_reference = std::move(*reference);
    return {};
}

} // namespace

Result<Policy> loadPolicy(const TrainingConfig& config, const PolicyOptions& options)
{
    auto opened = openModel(config.model.model_name_or_path);
    if (!opened)
        return tl::unexpected(opened.error());
    Policy policy{ std::move(opened->checkpoint), {}, {}, std::move(opened->tokenizer), {},
        at::kFloat, {} };
    policy.weight_type = options.weight_type.value_or(weightTypeFor(config, opened->shape));
    policy.fingerprint = fingerprintOf(policy.checkpoint, config.model.adapter_name_or_path);
    if (auto loaded = loadWeights(policy, config, opened->shape, options); !loaded)
        return tl::unexpected(loaded.error());
    addEndOfText(policy);
    return policy;
}

Result<LoadOptions> weightFormatOf(const TrainingConfig& config, const Qwen3Shape& shape)
{
    return formatFor(config, shape, weightTypeFor(config, shape));
}

Result<Policy> randomPolicy(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const std::vector<std::string> texts = { "random" };
    BpeTrainingOptions training;
    training.vocab_size = 256 + static_cast<std::int64_t>(training.added.size());
    const auto tokenizer_json = trainTokenizerJson(texts, training);
    if (!tokenizer_json)
        return tl::unexpected(tokenizer_json.error());
    auto tokenizer = Tokenizer::fromJson(*tokenizer_json);
    if (!tokenizer)
        return tl::unexpected(tokenizer.error());
    const at::ScalarType weight_type = weightTypeFor(config, shape);
    auto format = formatFor(config, shape, weight_type);
    if (!format)
        return tl::unexpected(format.error());
    LoadOptions& load = *format;
    load.trainable = config.adapter.finetuning_type == FinetuningType::full;
    Policy policy{ {}, Qwen3::random(shape, static_cast<std::uint64_t>(config.run.seed), load), {},
        std::move(*tokenizer), {}, weight_type, {} };
    if (!load.trainable)
        if (auto attached = attachAdapter(policy, config); !attached)
            return tl::unexpected(attached.error());
    return policy;
}

Result<Policy> loadPolicyForUse(
    const std::string& model_name_or_path, const fs::path& adapter, WeightType dtype)
{
    TrainingConfig config;
    config.model.model_name_or_path = model_name_or_path;
    config.memory.dtype = dtype;
    PolicyOptions options;
    options.trainable = false;
    auto policy = loadPolicy(config, options);
    if (!policy || adapter.empty())
        return policy;
    auto read = readAdapter(adapter, policy->model.shape());
    if (!read)
        return tl::unexpected(read.error());
    policy->model.attach(std::move(*read));
    return policy;
}

std::string nameOfWeightType(at::ScalarType type)
{
    return type == at::kBFloat16 ? "bfloat16" : "float32";
}

TokenLogprobs scoreTargets(const Qwen3& model, const TokenBatch& batch,
    const ForwardOptions& forward, double temperature, std::int64_t chunk_tokens,
    LogprobDetail detail)
{
    const at::Tensor hidden_BLD = model.forward(batch.ids_BL, batch.mask_BL, forward);
    const at::Tensor hidden_ND
        = hidden_BLD.reshape({ -1, hidden_BLD.size(2) }).index_select(0, batch.positions_N);
    return tokenLogprobs(
        hidden_ND, model.weights().lm_head_VD, batch.targets_N, temperature, chunk_tokens, detail);
}

at::Tensor referenceLogprobs(
    const Policy& policy, const TokenBatch& batch, double temperature, std::int64_t chunk_tokens)
{
    const c10::NoGradGuard no_grad;
    ForwardOptions forward;
    forward.use_adapter = policy.frozen_reference.has_value();
    const Qwen3& reference = policy.frozen_reference ? *policy.frozen_reference : policy.model;
    return scoreTargets(
        reference, batch, forward, temperature, chunk_tokens, LogprobDetail::targets)
        .logprobs_N;
}

} // namespace zen
