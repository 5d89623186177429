#include "core/plan/memory_plan.h"

#include "core/base/machine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace zen {

namespace {

// h hidden size, L layers, H query heads, K key-value heads, D head size, I MLP size, E experts, V
// vocabulary

constexpr double kProgramBytes = 200e6; ///< libtorch, the tokenizer's tables and an empty process
constexpr double kOverheadShare = 0.08; ///< the allocator's, of all that varies
constexpr std::int64_t kRowsAtOnce = 256; ///< completions that are decoded at the same time
constexpr double kNf4Bytes = 4.5 / 8; ///< 4 bits, and a float32 scale for every 64 weights
constexpr double kNf4DoubleQuantBytes = 4.127 / 8; ///< the scales in 8 bits
constexpr double kAdamBytes = 16; ///< float32: parameter, gradient, two moments
constexpr double kFloat = 4;
constexpr double kGradientLanes = 16; ///< float32 partial sums of a layer's gradients
constexpr double kGradientLanesOfWeights = 4; ///< the same when all weights train
constexpr std::int64_t kPanelParameters
    = 16'000'000; ///< float32 models up to here decode from a second layout
constexpr double kPrefillTokens = 8192; ///< prompts' tokens in one pass
constexpr std::int64_t kSmallestBf16Matrix = 1
    << 20; ///< h x I; smaller ones are as fast in float32

std::uint64_t rounded(double bytes)
{
    return static_cast<std::uint64_t>(std::llround(std::max(0.0, bytes)));
}

double toDouble(std::int64_t count)
{
    return static_cast<double>(count);
}

bool trainsAllWeights(const TrainingConfig& config)
{
    return config.adapter.finetuning_type == FinetuningType::full;
}

/// linear parameters x bytes a weight + the rest (embedding, head, norms) x 2 or 4
double weightBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double linear = toDouble(shape.linearParameters());
    const double rest = toDouble(shape.parameters()) - linear;
    if (config.memory.quantization == Quantization::nf4)
        return linear * (config.memory.bnb_4bit_use_double_quant ? kNf4DoubleQuantBytes : kNf4Bytes)
            + rest * 2;
    return (linear + rest) * (plannedWeightType(config, shape) == WeightType::bfloat16 ? 2 : 4);
}

/// in + out of each projection, for each time it occurs in a layer
double widthsOf(std::string_view projection, const Qwen3Shape& shape, bool all)
{
    const double h = toDouble(shape.hidden_size);
    const double queries = toDouble(shape.num_heads * shape.head_dim);
    const double keys = toDouble(shape.num_kv_heads * shape.head_dim);
    if (projection == "q_proj" || projection == "o_proj")
        return h + queries;
    if (projection == "k_proj" || projection == "v_proj")
        return h + keys;
    if (!shape.isMoe())
        return h + toDouble(shape.intermediate_size);
    // "all" leaves the experts of a mixture alone; named, each expert has its pair
    return all ? 0 : toDouble(shape.num_experts) * (h + toDouble(shape.moe_intermediate_size));
}

/// 16 x parameters that train; full fine-tuning counts the 4 of the parameter itself among the
/// weights
double adapterBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    if (trainsAllWeights(config))
        return (kAdamBytes - 4) * toDouble(shape.parameters());
    return kAdamBytes * toDouble(adapterParameters(config.adapter, shape));
}

/// Rows of one generation chunk: the rollout's or the held-out evaluation's, at most 256 at a time
std::int64_t generatedRows(const TrainingConfig& config)
{
    std::int64_t rows = config.data.val_size > 0 || !config.data.eval_dataset.empty()
        ? config.batch.per_device_eval_batch_size
        : 0;
    if (config.algorithm.stage != Stage::sft)
        rows = std::max(rows, generationBatchSize(config));
    return std::min(rows, kRowsAtOnce);
}

/// Tokens that are in the cache at the same time: each row's completion, and the prompts, which the
/// rows of a group share.
struct CachedLoad {
    double completion_tokens = 0;
    double prompt_tokens = 0;
};

CachedLoad cachedLoad(const TrainingConfig& config)
{
    const std::int64_t rows = generatedRows(config);
    const bool rollout = config.algorithm.stage != Stage::sft;
    const std::int64_t group
        = rollout ? std::max<std::int64_t>(1, config.batch.num_generations) : 1;
    const std::int64_t longest = config.data.cutoff_len;
    const std::int64_t completion
        = std::min(config.batch.max_completion_length.value_or(longest), longest);
    return { toDouble(rows) * toDouble(completion),
        toDouble((rows + group - 1) / group) * toDouble(longest - completion) };
}

/// 2 (keys and values) x L x K x D x 4 bytes for each cached token
double cacheBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const CachedLoad load = cachedLoad(config);
    return toDouble(cacheBytesPerToken(shape, 4)) * (load.completion_tokens + load.prompt_tokens);
}

/// Kept for backward, a token and layer, in float32: input and the sum after attention (2 h), q, k,
/// v and attention's output (2 (H + K) D), its logarithmic sums (H), gate and up (2 I); an expert
/// layer keeps its routed share of those.
double keptPerTokenAndLayer(const Qwen3Shape& shape)
{
    const double mlp = shape.isMoe()
        ? toDouble(shape.experts_per_token * shape.moe_intermediate_size)
        : toDouble(shape.intermediate_size);
    return kFloat
        * (2 * toDouble(shape.hidden_size)
            + 2 * toDouble((shape.num_heads + shape.num_kv_heads) * shape.head_dim)
            + toDouble(shape.num_heads) + 2 * mlp);
}

/// Gradients of one layer while it goes backward: of q, k, v and attention's output, of its input,
/// middle and output
double backwardPerToken(const Qwen3Shape& shape)
{
    return kFloat
        * (3 * toDouble(shape.hidden_size)
            + 2 * toDouble((shape.num_heads + shape.num_kv_heads) * shape.head_dim));
}

/// One micro-batch of full length. Without checkpointing: what every layer keeps. With: each
/// layer's input (h) and one layer computed again. Besides: the layer going backward, the hidden
/// states and their gradient (3 h). Attention keeps no scores.
double activationBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double tokens = std::min(
        toDouble(config.data.cutoff_len) * toDouble(config.batch.per_device_train_batch_size),
        toDouble(std::max(config.memory.micro_batch_tokens.value_or(1), config.data.cutoff_len)));
    const double layers = toDouble(shape.num_layers);
    const double hidden = kFloat * toDouble(shape.hidden_size);
    const double layer = keptPerTokenAndLayer(shape);
    const double kept
        = config.memory.gradient_checkpointing ? hidden * layers + layer : layer * layers;
    return tokens * (kept + backwardPerToken(shape) + 3 * hidden);
}

/// Update: float32 logits, their exponentials and their gradient for one chunk of tokens, 3 x 4 x
/// chunk x V. Rollout: the logits of one position of each row, 4 x rows x V.
double logitBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double chunk = std::min(toDouble(config.memory.logprob_chunk_tokens),
        toDouble(config.data.cutoff_len) * toDouble(config.batch.per_device_train_batch_size));
    return kFloat * toDouble(shape.vocab_size)
        * std::max(3 * chunk, toDouble(generatedRows(config)));
}

/// Update: a float32 layer laid out for its products, and partial sums of its gradients. Rollout:
/// prompts in one layer, and a small float32 model laid out a second time.
double workspaceBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double layers = toDouble(std::max<std::int64_t>(1, shape.num_layers));
    const double layer = toDouble(shape.linearParameters()) / layers;
    const bool float32 = config.memory.quantization == Quantization::none
        && plannedWeightType(config, shape) == WeightType::float32;
    const double lanes = trainsAllWeights(config)
        ? kGradientLanesOfWeights * layer
        : kGradientLanes * toDouble(adapterParameters(config.adapter, shape)) / layers;
    const double update = kFloat * (lanes + (float32 ? layer : 0));
    const bool in_panels = float32 && shape.parameters() <= kPanelParameters;
    const double head = toDouble(shape.vocab_size) * toDouble(shape.hidden_size);
    const double prefill
        = std::min(kPrefillTokens, cachedLoad(config).prompt_tokens) * keptPerTokenAndLayer(shape);
    return std::max(update, prefill + (in_panels ? kFloat * (layer * layers + head) : 0));
}

} // namespace

WeightType plannedWeightType(const TrainingConfig& config, const Qwen3Shape& shape)
{
    if (trainsAllWeights(config))
        return WeightType::float32;
    if (config.memory.dtype != WeightType::automatic)
        return config.memory.dtype;
    const bool large = shape.hidden_size * shape.intermediate_size >= kSmallestBf16Matrix;
    return large && thisMachine().has_bf16_instructions ? WeightType::bfloat16
                                                        : WeightType::float32;
}

std::int64_t adapterParameters(const AdapterSection& adapter, const Qwen3Shape& shape)
{
    static constexpr std::array<std::string_view, 7> kAll
        = { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" };
    const auto& targets = adapter.lora_target;
    const bool all = std::find(targets.begin(), targets.end(), "all") != targets.end();
    double widths = 0;
    for (const std::string_view projection : kAll)
        if (all || std::find(targets.begin(), targets.end(), projection) != targets.end())
            widths += widthsOf(projection, shape, all);
    return static_cast<std::int64_t>(widths) * adapter.lora_rank * shape.num_layers;
}

std::int64_t cacheBytesPerToken(const Qwen3Shape& shape, std::int64_t bytes_per_value)
{
    return 2 * shape.num_layers * shape.num_kv_heads * shape.head_dim * bytes_per_value;
}

MemoryPlan planMemory(const TrainingConfig& unresolved, const Qwen3Shape& shape)
{
    const TrainingConfig config = resolve(unresolved);
    MemoryPlan plan;
    plan.program = rounded(kProgramBytes);
    plan.weights = rounded(weightBytes(config, shape));
    plan.adapter = rounded(adapterBytes(config, shape));
    plan.kv_cache = rounded(cacheBytes(config, shape));
    plan.activations = rounded(activationBytes(config, shape));
    plan.logits = rounded(logitBytes(config, shape));
    const auto varying = static_cast<double>(plan.peak() - plan.program - plan.weights);
    plan.overhead = rounded(kOverheadShare * varying + workspaceBytes(config, shape));
    return plan;
}

Qwen3Shape shapeOf(const Tier& tier)
{
    Qwen3Shape shape;
    shape.vocab_size = tier.vocab_size;
    shape.hidden_size = tier.hidden_size;
    shape.intermediate_size = tier.intermediate_size;
    shape.num_layers = tier.num_layers;
    shape.num_heads = tier.num_heads;
    shape.num_kv_heads = tier.num_kv_heads;
    shape.head_dim = tier.head_dim;
    shape.max_position_embeddings = 40960;
    shape.tied_embeddings = tier.tied_embeddings;
    shape.dtype = "bfloat16";
    shape.num_experts = tier.num_experts;
    shape.experts_per_token = tier.experts_per_token;
    shape.moe_intermediate_size = tier.moe_intermediate_size;
    shape.norm_topk_prob = tier.num_experts > 0;
    return shape;
}

Fit fitOf(const MemoryPlan& plan, const MemoryPlan& plan_in_4bit, const Qwen3Shape& shape,
    std::uint64_t memory_bytes)
{
    if (plan.peak() <= memory_bytes)
        return shape.parameters() > kQuickParameters ? Fit::runs_slowly : Fit::runs;
    return plan_in_4bit.peak() <= memory_bytes ? Fit::four_bit_only : Fit::too_large;
}

std::string formatBytes(std::uint64_t bytes)
{
    static constexpr std::array<const char*, 5> kUnits = { "kB", "MB", "GB", "TB", "PB" };
    if (bytes < 1000)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    char text[48];
    std::snprintf(text, sizeof text, value < 9.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
    return text;
}

} // namespace zen
