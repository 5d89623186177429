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
constexpr double kOverheadShare = 0.08; ///< allocator and workspaces, of all that varies
constexpr std::int64_t kRowsAtOnce = 256; ///< completions that are decoded at the same time
constexpr double kNf4Bytes = 4.5 / 8; ///< 4 bits, and a float32 scale for every 64 weights
constexpr double kNf4DoubleQuantBytes = 4.127 / 8; ///< the scales in 8 bits
constexpr double kAdamBytes = 16; ///< float32: parameter, gradient, two moments

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

/// Bytes of one number in activations and caches: those of the weights' type; bf16 with 4-bit
/// weights.
double valueBytes(const TrainingConfig& config)
{
    if (config.memory.quantization == Quantization::nf4)
        return 2;
    return plannedWeightType(config) == WeightType::bfloat16 ? 2 : 4;
}

/// linear parameters x bytes a weight + the rest (embedding, head, norms) x 2 or 4
double weightBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double linear = toDouble(shape.linearParameters());
    const double rest = toDouble(shape.parameters()) - linear;
    if (config.memory.quantization == Quantization::nf4)
        return linear * (config.memory.bnb_4bit_use_double_quant ? kNf4DoubleQuantBytes : kNf4Bytes)
            + rest * 2;
    return (linear + rest) * valueBytes(config);
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

/// 2 (keys and values) x L x K x D x tokens x rows x bytes a value
double cacheBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    return toDouble(cacheBytesPerToken(shape, 1)) * valueBytes(config)
        * toDouble(config.data.cutoff_len) * toDouble(generatedRows(config));
}

/// Saved for backward, a token and layer, in bytes for bf16: 12 h + 8 (H + K) D + 8 I; twice that
/// in float32. An expert layer keeps its routed share: 8 x experts a token x their I.
double savedBytesPerTokenAndLayer(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double mlp = shape.isMoe()
        ? toDouble(shape.experts_per_token * shape.moe_intermediate_size)
        : toDouble(shape.intermediate_size);
    const double bf16 = 12 * toDouble(shape.hidden_size)
        + 8 * toDouble((shape.num_heads + shape.num_kv_heads) * shape.head_dim) + 8 * mlp;
    return bf16 * valueBytes(config) / 2;
}

/// One micro-batch. Without checkpointing: every layer's saved values. With: the input of each
/// layer (h values a token) and one layer live. Besides, the float32 scores of one row and layer: H
/// x T x T.
double activationBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double length = toDouble(config.data.cutoff_len);
    const double tokens = length * toDouble(config.batch.per_device_train_batch_size);
    const double layer = savedBytesPerTokenAndLayer(config, shape);
    const double layers = toDouble(shape.num_layers);
    const double saved = config.memory.gradient_checkpointing
        ? toDouble(shape.hidden_size) * valueBytes(config) * layers + layer
        : layer * layers;
    return tokens * saved + toDouble(shape.num_heads) * length * length * 4;
}

/// Update: float32 logits, their exponentials and their gradient for one chunk of tokens, 3 x 4 x
/// chunk x V. Rollout: the logits of one position of each row and the sampler's copy, 2 x 4 x rows
/// x V.
double logitBytes(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const double chunk = toDouble(std::min(config.memory.logprob_chunk_tokens,
        config.data.cutoff_len * config.batch.per_device_train_batch_size));
    return 4 * toDouble(shape.vocab_size)
        * std::max(3 * chunk, 2 * toDouble(generatedRows(config)));
}

} // namespace

WeightType plannedWeightType(const TrainingConfig& config)
{
    if (trainsAllWeights(config))
        return WeightType::float32;
    if (config.memory.dtype != WeightType::automatic)
        return config.memory.dtype;
    return thisMachine().has_bf16_instructions ? WeightType::bfloat16 : WeightType::float32;
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
    plan.overhead = rounded(kOverheadShare * varying);
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
