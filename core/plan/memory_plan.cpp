#include "core/plan/memory_plan.h"

#include "core/base/machine.h"
#include "core/model/work_sizes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

// Each term counts what the engine allocates, in the units of its sources: core/model/
// decoder_layer.cpp and sparse_mlp.cpp (what a layer keeps and works on), core/algorithm/
// logprobs.cpp (the logits), core/rollout (cache and decoding), core/train/optimizer.cpp.

namespace zen {

namespace {

// D hidden size, L layers, H query heads, K key-value heads, E head size, I MLP size, X experts,
// V vocabulary, R rank; N tokens

constexpr double kFloat = 4;
constexpr double kProgramBytes = 185e6; ///< a terminal run with libtorch and its libraries
constexpr double kTokenizerBytes = 250; ///< tables of one word of the vocabulary
constexpr double kTextBytes = 40; ///< one token as id (twice), text, and log-probabilities
constexpr double kRowBytes = 1500; ///< columns, messages and vectors of one row of data
/// Gaps between blocks that come and go, and freed blocks that the process keeps.
constexpr double kAllocatorShare = 0.02;
constexpr double kAllocatorShareOfBf16 = 0.12; ///< copies in other types leave more of them
constexpr double kNf4Bytes = 4.5 / 8; ///< 4 bits, and a float32 scale for every 64 weights
constexpr double kNf4DoubleQuantBytes = (4 + 8.0 / 64 + 32.0 / (64 * 256)) / 8;
constexpr double kHeadTileBytes = kFloat * double{ kHeadTile }; ///< of a bfloat16 head, widened
constexpr double kProductTileBytes = 2 * double{ kNf4Tile }; ///< of a packed matrix, unpacked

/// They stay as they are.
int coresOnce()
{
    static const int cores = thisMachine().cores;
    return cores;
}

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

/// Everything that the terms below need of configuration and shape.
struct Sizes {
    const TrainingConfig& config; ///< resolved
    const Qwen3Shape& shape;
    double d, layers, queries, keys, heads, inner, vocabulary; ///< queries H E, keys K E
    double expert_width = 0; ///< slots of a token x an expert's size; 0: dense
    double layer_parameters; ///< linear parameters of a layer
    double adapter_parameters;
    double threads;
    bool packed;
    bool is_float32; ///< products compute so
    bool holds_float32; ///< embedding, head and cache, and projections that are not packed
    bool in_panels;

    Sizes(const TrainingConfig& resolved, const Qwen3Shape& model)
        : config(resolved)
        , shape(model)
        , d(toDouble(model.hidden_size))
        , layers(toDouble(std::max<std::int64_t>(1, model.num_layers)))
        , queries(toDouble(model.num_heads * model.head_dim))
        , keys(toDouble(model.num_kv_heads * model.head_dim))
        , heads(toDouble(model.num_heads))
        , inner(toDouble(model.intermediate_size))
        , vocabulary(toDouble(model.vocab_size))
        , layer_parameters(toDouble(model.linearParameters()) / layers)
        , adapter_parameters(
              trainsAllWeights(resolved) ? 0 : toDouble(adapterParameters(resolved.adapter, model)))
        , threads(
              toDouble(resolved.memory.num_threads > 0 ? resolved.memory.num_threads : coresOnce()))
        , packed(keepsFourBits(resolved, model) && !trainsAllWeights(resolved))
        , is_float32(plannedWeightType(resolved, model) == WeightType::float32)
        , holds_float32(
              heldType(resolved, model, plannedWeightType(resolved, model)) == WeightType::float32)
        , in_panels(is_float32 && !packed && model.parameters() <= kSmallModel)
    {
        if (model.isMoe())
            expert_width = toDouble(model.experts_per_token * model.moe_intermediate_size);
    }

    double storedBytes() const { return holds_float32 ? 4 : 2; } ///< of an unpacked number
    double trained() const
    {
        return trainsAllWeights(config) ? toDouble(shape.parameters()) : adapter_parameters;
    }
};

/// linear parameters x bytes a weight + the rest (embedding, head, norms, routers) unpacked
double weightBytes(const Sizes& size)
{
    const double linear = toDouble(size.shape.linearParameters());
    const double rest = toDouble(size.shape.parameters()) - linear;
    const double bits
        = size.config.memory.bnb_4bit_use_double_quant ? kNf4DoubleQuantBytes : kNf4Bytes;
    const double one_model
        = linear * (size.packed ? bits : size.storedBytes()) + rest * size.storedBytes();
    const bool with_reference = trainsAllWeights(size.config) && size.config.algorithm.beta != 0
        && size.config.algorithm.stage != Stage::sft;
    return with_reference ? 2 * one_model : one_model;
}

/// A continued adapter with a KL to where it began keeps a copy of it.
double adapterBytes(const Sizes& size)
{
    const bool with_reference = !size.config.model.adapter_name_or_path.empty()
        && size.config.algorithm.beta != 0 && size.config.algorithm.stage != Stage::sft;
    return kFloat * size.adapter_parameters * (with_reference ? 2 : 1);
}

/// Kept for backward, a token and layer, in float32: input and the sum after attention (2 D), q, k,
/// v and attention's output (2 (H + K) E), its logarithmic sums (H), gate and up (2 I). A sparse
/// layer has gate and up for each of a token's experts, the router's softmax, and 32 bytes a slot.
double keptPerToken(const Sizes& size, bool sparse)
{
    const double attention = 2 * size.d + 2 * (size.queries + size.keys) + size.heads;
    if (!sparse)
        return kFloat * (attention + 2 * size.inner);
    return kFloat
        * (attention + 2 * size.expert_width + toDouble(size.shape.num_experts)
            + 8 * toDouble(size.shape.experts_per_token));
}

double keptByLargestLayer(const Sizes& size)
{
    const double sparse = toDouble(size.shape.sparseLayers());
    return std::max(sparse > 0 ? keptPerToken(size, true) : 0,
        sparse < size.layers ? keptPerToken(size, false) : 0);
}

double keptByAllLayers(const Sizes& size)
{
    const double sparse = toDouble(size.shape.sparseLayers());
    return sparse * keptPerToken(size, true) + (size.layers - sparse) * keptPerToken(size, false);
}

/// Gradients of one layer going backward: of its output and of the sum after attention (2 D), of
/// attention's output, q, k and v (2 (H + K) E).
double backwardPerToken(const Sizes& size)
{
    return kFloat * (2 * size.d + 2 * (size.queries + size.keys));
}

/// What a pass works on beside what it keeps: the piece of tokens in the MLP (backward: 4 I + 2 D,
/// forward: I + D), copies in the product's type, the attention of one head a thread.
double passWorkspace(const Sizes& size, double tokens, double longest_row, bool backward)
{
    const double piece_tokens = size.is_float32 && !size.packed
        ? std::min(tokens, toDouble(kFloatPiece) * size.threads)
        : std::min(tokens, toDouble(kLayerPiece));
    double mlp
        = kFloat * piece_tokens * (backward ? 4 * size.inner + 2 * size.d : size.inner + size.d);
    if (size.expert_width > 0) {
        const double slots
            = std::min(tokens * toDouble(size.shape.experts_per_token), toDouble(kExpertPiece));
        const double expert = toDouble(size.shape.moe_intermediate_size);
        mlp = kFloat
            * (slots * (backward ? 4 * expert + 2 * size.d : expert + size.d)
                + tokens * (backward ? 2 * size.d : size.d)
                + tokens * toDouble(size.shape.num_experts) * (backward ? 2 : 1));
    }
    const double widest = std::max({ size.inner, size.queries, size.d });
    const double copies = size.is_float32 ? 0 : 2 * piece_tokens * (widest + size.d);
    const double tiles = size.packed ? 2 * kProductTileBytes : 0;
    const double e = toDouble(size.shape.head_dim);
    const double attention = kFloat * size.threads * longest_row
        * (backward ? 6 * e + 2 * toDouble(kQueryBlock) : 3 * e + toDouble(kQueryBlock));
    return std::max(mlp + copies + tiles, attention);
}

/// Float32 layers are laid out for their products, with the adapter added in; partial sums of a
/// layer's gradients.
double layoutBytes(const Sizes& size, bool backward)
{
    const double largest_matrix = size.d * std::max(size.inner, size.queries);
    const double layout
        = size.is_float32 && !size.packed ? kFloat * (size.layer_parameters + largest_matrix) : 0;
    if (!backward)
        return layout;
    const bool all = trainsAllWeights(size.config);
    const double lanes = !size.is_float32 || size.packed ? 1
        : all                                            ? kGradientLanesOfWeights
                                                         : kGradientLanes;
    const double trained = all ? size.layer_parameters : size.adapter_parameters / size.layers;
    const double tables = all ? 2 * size.vocabulary * size.d : 0; // embedding's and head's gradient
    return layout + kFloat * ((lanes + 1) * trained + tables);
}

void addAllocator(PhaseMemory& phase, const Sizes& size)
{
    phase.overhead += rounded((size.is_float32 ? kAllocatorShare : kAllocatorShareOfBf16)
        * static_cast<double>(phase.cache + phase.activations + phase.logits + phase.rollouts));
}

/// Weights with one piece of the file on its way: in a buffer for the widest type, and, where it is
/// packed, in float32.
PhaseMemory loadPhase(const Sizes& size, const PhaseMemory& held)
{
    PhaseMemory phase = held;
    phase.optimizer = 0;
    phase.rollouts = 0;
    phase.overhead
        = rounded(toDouble(kWeightPiece) * (sizeof(double) + (size.packed ? kFloat : 0)));
    return phase;
}

/// The cache when all rows have been written, or the prompts' pass before that.
PhaseMemory writingPhase(const Sizes& size, const PhaseMemory& held, double rows, double tokens,
    double prefill, double late_prefill, double longest_row)
{
    PhaseMemory phase = held;
    const double a_token = toDouble(cacheBytesPerToken(size.shape, size.holds_float32 ? 4 : 2));
    phase.cache = rounded(a_token * tokens);
    const double widest = std::max({ size.inner, size.queries, size.vocabulary });
    const double second_layout = size.in_panels
        ? kFloat * (size.layer_parameters * size.layers + size.vocabulary * size.d)
        : 0;
    // a position of each row: hidden states, MLP, logits; the library's products in their own type
    const double decoding
        = rows * (kFloat * (2 * size.d + size.queries + 3 * size.inner) + 2 * widest);
    phase.logits = rounded(kFloat * rows * size.vocabulary);
    const double pass = keptByLargestLayer(size) + 2 * kFloat * size.d;
    // All prompts' pass comes before most of the cache exists; late prompts' when it is full.
    const double early = prefill * pass - a_token * std::max(0.0, tokens - prefill)
        - static_cast<double>(phase.logits) - decoding;
    phase.activations = rounded(std::max({ late_prefill * pass, early, 0.0 }));
    phase.overhead = rounded(second_layout + decoding
        + (phase.activations > 0
                ? passWorkspace(size, prefill, longest_row, false) + layoutBytes(size, false)
                : 0));
    addAllocator(phase, size);
    return phase;
}

/// What a phase holds at one moment beside what is held all the time.
struct Moment {
    double activations = 0, logits = 0, overhead = 0;
    double total() const { return activations + logits + overhead; }
};

PhaseMemory withFullest(PhaseMemory phase, const Sizes& size, std::initializer_list<Moment> moments)
{
    const Moment& fullest
        = std::max(moments, [](const Moment& a, const Moment& b) { return a.total() < b.total(); });
    phase.activations = rounded(fullest.activations);
    phase.logits = rounded(fullest.logits);
    phase.overhead = rounded(fullest.overhead);
    addAllocator(phase, size);
    return phase;
}

/// All layers are kept, and either the last hidden states are laid out as a rectangle, or a chunk's
/// logits exist, or the last layer goes backward.
PhaseMemory updatePhase(const Sizes& size, const PhaseMemory& held, const Workload& load)
{
    const double hidden = kFloat * size.d, tokens = load.part_tokens;
    const double layer = keptByLargestLayer(size);
    const bool again = size.config.memory.gradient_checkpointing;
    const double kept = tokens * (again ? size.layers * hidden : keptByAllLayers(size));
    const double chunk
        = std::min(toDouble(size.config.memory.logprob_chunk_tokens), load.part_targets);
    const Moment forward
        = { kept + hidden * (2 * tokens + load.part_columns + load.part_targets), 0, 0 };
    const Moment scoring = { kept + hidden * (tokens + 2 * load.part_targets),
        kFloat * chunk * size.vocabulary, size.holds_float32 ? 0 : kHeadTileBytes };
    const Moment backward
        = { kept + tokens * (backwardPerToken(size) + (again ? layer - hidden : 0)), 0,
              passWorkspace(size, tokens, load.longest_row, true) + layoutBytes(size, true) };
    return withFullest(held, size, { forward, scoring, backward });
}

/// Answers to held-out prompts, or one pass over reference texts, which keeps one layer.
PhaseMemory evaluationPhase(const Sizes& size, const PhaseMemory& held, const Workload& load)
{
    const PhaseMemory answers = writingPhase(size, held, load.evaluation_rows,
        load.evaluation_tokens, load.evaluation_prefill_tokens, 0, load.longest_row);
    const double hidden = kFloat * size.d, tokens = load.perplexity_tokens;
    const double chunk = std::min(toDouble(size.config.memory.logprob_chunk_tokens), tokens);
    const Moment layer = { tokens * (keptByLargestLayer(size) + hidden), 0,
        passWorkspace(size, tokens, load.longest_row, false) + layoutBytes(size, false) };
    const Moment scoring = { 2 * hidden * tokens, kFloat * chunk * size.vocabulary,
        size.holds_float32 ? 0 : kHeadTileBytes };
    const PhaseMemory texts = withFullest(held, size, { layer, scoring });
    return texts.total() > answers.total() ? texts : answers;
}

} // namespace

std::uint64_t PhaseMemory::total() const
{
    return program + weights + adapter + optimizer + cache + activations + logits + rollouts
        + overhead;
}

PlanPhase MemoryPlan::largestPhase() const
{
    const auto largest = std::max_element(phases.begin(), phases.end(),
        [](const PhaseMemory& a, const PhaseMemory& b) { return a.total() < b.total(); });
    return static_cast<PlanPhase>(largest - phases.begin());
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

MemoryPlan planMemory(
    const TrainingConfig& unresolved, const Qwen3Shape& shape, const PlanBasis& basis)
{
    const TrainingConfig config = resolve(unresolved);
    const Workload load = workloadOf(config, basis.lengths);
    const Sizes size(config, shape);
    PhaseMemory held;
    held.program = rounded(
        (basis.program_bytes > 0 ? static_cast<double>(basis.program_bytes) : kProgramBytes)
        + kTokenizerBytes * size.vocabulary);
    held.weights = rounded(weightBytes(size));
    held.adapter = rounded(adapterBytes(size));
    held.optimizer = rounded(3 * kFloat * size.trained());
    held.rollouts = rounded(
        kTextBytes * (load.generated_tokens + load.data_tokens) + kRowBytes * load.data_rows);
    MemoryPlan plan;
    plan.in(PlanPhase::load) = loadPhase(size, held);
    plan.in(PlanPhase::update) = updatePhase(size, held, load);
    if (load.rollout_rows > 0)
        plan.in(PlanPhase::rollout) = writingPhase(size, held, load.rollout_rows,
            load.rollout_tokens, load.prefill_tokens, load.late_prefill_tokens, load.longest_row);
    if (load.evaluation_rows > 0)
        plan.in(PlanPhase::evaluation) = evaluationPhase(size, held, load);
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

} // namespace zen
