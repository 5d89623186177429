#include "core/plan/fit.h"

#include "core/config/schema.h"

#include <algorithm>
#include <array>
#include <functional>

namespace zen {

namespace {

/// The largest of first, first + 1, … last that fits, for a plan that never shrinks; empty: none.
std::optional<std::int64_t> largestThat(
    std::int64_t first, std::int64_t last, const std::function<bool(std::int64_t)>& fits)
{
    if (first > last || !fits(first))
        return std::nullopt;
    std::int64_t good = first, bad = last + 1;
    while (bad - good > 1) {
        const std::int64_t middle = good + (bad - good) / 2;
        (fits(middle) ? good : bad) = middle;
    }
    return good;
}

/// Batch sizes whose generation is made of whole groups are multiples of this.
std::int64_t batchStep(const TrainingConfig& resolved)
{
    if (resolved.algorithm.stage == Stage::sft)
        return 1;
    const std::int64_t group = std::max<std::int64_t>(1, resolved.batch.num_generations);
    const std::int64_t steps = *resolved.batch.steps_per_generation;
    std::int64_t step = 1;
    while (step < group && step * steps % group != 0)
        ++step;
    return step;
}

/// One thing that can be turned down, in steps; level 0 is as configured.
struct Lever {
    int levels = 0;
    double cost_a_level = 0; ///< to compare with the others': what slows or blurs more costs more
    std::function<void(TrainingConfig&, int level)> apply;
    std::function<std::string(const TrainingConfig&)> label;
    std::string cost;
};

Lever checkpointing(const TrainingConfig& config)
{
    return { config.memory.gradient_checkpointing ? 0 : 1, 3,
        [](TrainingConfig& to, int) { to.memory.gradient_checkpointing = true; },
        [](const TrainingConfig&) { return "gradient checkpointing"; }, "about a fifth slower" };
}

/// Halves from the whole batch down to one row of full length.
Lever tokensAtOnce(const TrainingConfig& config)
{
    const std::int64_t now = *config.memory.micro_batch_tokens;
    const std::int64_t least = config.data.cutoff_len;
    int levels = 0;
    for (std::int64_t tokens = now; tokens > least; tokens = std::max(least, tokens / 2))
        ++levels;
    return { levels, 1,
        [now, least](TrainingConfig& to, int level) {
            to.memory.micro_batch_tokens = std::max(least, now >> level);
        },
        [](const TrainingConfig& to) {
            return std::to_string(*to.memory.micro_batch_tokens) + " tokens at a time";
        },
        config.algorithm.router_aux_loss_coef > 0
            ? "the update in more parts, the router's loss taken of each"
            : "the update in more parts, same result" };
}

Lever rowsWritten(const TrainingConfig& config)
{
    if (config.algorithm.stage == Stage::sft)
        return {};
    const std::int64_t now = std::min(generationBatchSize(config), rowsAtOnce(config));
    int levels = 0;
    for (std::int64_t rows = now; rows > 1; rows /= 2)
        ++levels;
    return { levels, 2,
        [now](TrainingConfig& to, int level) {
            to.batch.rollout_rows = std::max<std::int64_t>(1, now >> level);
        },
        [](const TrainingConfig& to) {
            return std::to_string(to.batch.rollout_rows)
                + (to.batch.rollout_rows == 1 ? " completion at a time" : " completions at a time");
        },
        "rollouts take longer, same result" };
}

Lever logitsAtOnce(const TrainingConfig& config)
{
    constexpr std::int64_t kFew = 64;
    return { config.memory.logprob_chunk_tokens > kFew ? 1 : 0, 1.5,
        [](TrainingConfig& to, int) { to.memory.logprob_chunk_tokens = kFew; },
        [](const TrainingConfig&) { return "logits of 64 tokens at a time"; },
        "a little slower, same result" };
}

Lever fourBits(const TrainingConfig& config)
{
    const bool possible = config.adapter.finetuning_type == FinetuningType::lora;
    const bool already = config.memory.quantization == Quantization::nf4;
    const int levels = !possible                  ? 0
        : !already                                ? 2
        : config.memory.bnb_4bit_use_double_quant ? 0
                                                  : 1;
    return { levels, 20,
        [already](TrainingConfig& to, int level) {
            to.memory.quantization = Quantization::nf4;
            to.memory.load_in_4bit = true;
            if (!already && to.memory.bnb_4bit_compute_dtype == WeightType::automatic)
                to.memory.bnb_4bit_compute_dtype = WeightType::bfloat16;
            if (already || level == 2)
                to.memory.bnb_4bit_use_double_quant = true;
        },
        [already](const TrainingConfig& to) -> std::string {
            if (already)
                return "scales in 8 bits, too";
            return to.memory.bnb_4bit_use_double_quant ? "weights in 4 bits, scales in 8"
                                                       : "weights in 4 bits";
        },
        "weights are a little less exact" };
}

/// A second step of one lever costs little beside the first, where the first is the real change.
double costOf(const Lever& lever, int level)
{
    if (level == 0)
        return 0;
    return lever.cost_a_level >= 20 ? lever.cost_a_level + (level - 1) : lever.cost_a_level * level;
}

/// What differs, as edits of a configuration's text.
std::vector<Edit> editsBetween(const TrainingConfig& before, const TrainingConfig& after)
{
    std::vector<Edit> edits;
    for (const Field& field : schema())
        if (field.get(before) != field.get(after))
            edits.push_back({ std::string(field.key), toYaml(field.get(after)) });
    return edits;
}

using Levels = std::array<int, 5>;

class FitSearch {
public:
    FitSearch(const TrainingConfig& config, const Qwen3Shape& shape, std::uint64_t memory_bytes,
        const PlanBasis& basis)
        : m_config(config)
        , m_shape(shape)
        , m_memory(memory_bytes)
        , m_basis(basis)
        , m_levers(leversOf(resolve(config)))
    {
    }

    /// The cheapest levels that fit.
    std::optional<Levels> cheapest()
    {
        m_best.reset();
        if (!canFit())
            return std::nullopt;
        Levels levels{};
        tryFrom(0, levels, 0);
        return m_best;
    }

    /// The gentlest level of one lever that fits alone.
    std::optional<Levels> alone(std::size_t lever) const
    {
        for (int level = 1; level <= m_levers[lever].levels; ++level) {
            Levels levels{};
            levels[lever] = level;
            if (peakOf(levels) <= m_memory)
                return levels;
        }
        return std::nullopt;
    }
    std::size_t levers() const { return m_levers.size(); }

    Proposal proposalOf(const Levels& levels) const
    {
        Proposal proposal;
        const TrainingConfig changed = configOf(levels);
        for (std::size_t lever = 0; lever < m_levers.size(); ++lever) {
            if (levels[lever] == 0)
                continue;
            proposal.fix.label
                += (proposal.fix.label.empty() ? "" : ", ") + m_levers[lever].label(changed);
            proposal.cost += (proposal.cost.empty() ? "" : "; ") + m_levers[lever].cost;
        }
        if (!proposal.fix.label.empty() && proposal.fix.label[0] >= 'a')
            proposal.fix.label[0] = static_cast<char>(proposal.fix.label[0] - 'a' + 'A');
        proposal.fix.edits = editsBetween(m_config, changed);
        proposal.peak = peakOf(levels);
        return proposal;
    }

private:
    /// Whether any levels fit: those with every lever pulled as far as it goes need the least, but
    /// for the last two, which a small model may need more memory with.
    bool canFit() const
    {
        Levels levels{};
        for (std::size_t lever = 0; lever < m_levers.size(); ++lever)
            levels[lever] = m_levers[lever].levels;
        int& again = levels[kCheckpointing];
        int& packed = levels[kFourBits];
        for (again = 0; again <= m_levers[kCheckpointing].levels; ++again)
            for (packed = 0; packed <= m_levers[kFourBits].levels; ++packed)
                if (peakOf(levels) <= m_memory)
                    return true;
        return false;
    }

    static constexpr std::size_t kCheckpointing = 3, kFourBits = 4; ///< places among the levers

    static std::array<Lever, 5> leversOf(const TrainingConfig& resolved)
    {
        return { tokensAtOnce(resolved), logitsAtOnce(resolved), rowsWritten(resolved),
            checkpointing(resolved), fourBits(resolved) };
    }

    TrainingConfig configOf(const Levels& levels) const
    {
        TrainingConfig config = m_config;
        for (std::size_t lever = 0; lever < m_levers.size(); ++lever)
            if (levels[lever] > 0)
                m_levers[lever].apply(config, levels[lever]);
        return config;
    }
    std::uint64_t peakOf(const Levels& levels) const
    {
        return planMemory(configOf(levels), m_shape, m_basis).peak();
    }

    void tryFrom(std::size_t lever, Levels& levels, double cost)
    {
        if (m_best && cost >= m_best_cost)
            return;
        if (lever == m_levers.size()) {
            if (peakOf(levels) <= m_memory) {
                m_best = levels;
                m_best_cost = cost;
            }
            return;
        }
        for (int level = 0; level <= m_levers[lever].levels; ++level) {
            levels[lever] = level;
            tryFrom(lever + 1, levels, cost + costOf(m_levers[lever], level));
        }
        levels[lever] = 0;
    }

    const TrainingConfig& m_config;
    const Qwen3Shape& m_shape;
    std::uint64_t m_memory;
    const PlanBasis& m_basis;
    std::array<Lever, 5> m_levers;
    std::optional<Levels> m_best;
    double m_best_cost = 0;
};

} // namespace

Fit fitOf(const MemoryPlan& plan, const std::vector<Proposal>& proposals, const Qwen3Shape& shape,
    std::uint64_t memory_bytes)
{
    if (plan.peak() <= memory_bytes)
        return shape.parameters() > kQuickParameters ? Fit::runs_slowly : Fit::runs;
    if (proposals.empty())
        return Fit::too_large;
    const auto& edits = proposals.front().fix.edits;
    const bool packed = std::any_of(
        edits.begin(), edits.end(), [](const Edit& edit) { return edit.key == "quantization"; });
    return packed ? Fit::four_bit_only : Fit::with_changes;
}

LargestFit largestFit(const TrainingConfig& config, const Qwen3Shape& shape,
    std::uint64_t memory_bytes, const PlanBasis& basis)
{
    const auto fits = [&](const TrainingConfig& changed, const PlanBasis& known) {
        return planMemory(changed, shape, known).peak() <= memory_bytes;
    };
    const auto maximum
        = [](const char* key) { return static_cast<std::int64_t>(findField(key)->maximum); };
    LargestFit largest;
    const std::int64_t step = batchStep(resolve(config));
    const auto steps
        = largestThat(1, maximum("per_device_train_batch_size") / step, [&](std::int64_t count) {
              TrainingConfig changed = config;
              changed.batch.per_device_train_batch_size = count * step;
              return fits(changed, basis);
          });
    if (steps)
        largest.batch = *steps * step;

    PlanBasis full = basis;
    full.lengths.reset();
    const std::int64_t shortest = config.batch.max_completion_length
        ? *config.batch.max_completion_length + 1
        : static_cast<std::int64_t>(findField("cutoff_len")->minimum);
    const std::int64_t longest
        = shape.max_position_embeddings > 0 ? shape.max_position_embeddings : maximum("cutoff_len");
    largest.context = largestThat(shortest, longest, [&](std::int64_t context) {
        TrainingConfig changed = config;
        changed.data.cutoff_len = context;
        return fits(changed, full);
    });

    if (config.adapter.finetuning_type == FinetuningType::lora)
        largest.rank = largestThat(1, maximum("lora_rank"), [&](std::int64_t rank) {
            TrainingConfig changed = config;
            changed.adapter.lora_rank = rank;
            return fits(changed, basis);
        });
    return largest;
}

std::vector<Proposal> proposalsFor(const TrainingConfig& config, const Qwen3Shape& shape,
    std::uint64_t memory_bytes, const PlanBasis& basis)
{
    if (memory_bytes == 0 || planMemory(config, shape, basis).peak() <= memory_bytes)
        return {};
    FitSearch search(config, shape, memory_bytes, basis);
    const auto best = search.cheapest();
    if (!best)
        return {};
    std::vector<Proposal> proposals{ search.proposalOf(*best) };
    for (std::size_t lever = 0; lever < search.levers(); ++lever)
        if (const auto levels = search.alone(lever); levels && *levels != *best)
            proposals.push_back(search.proposalOf(*levels));
    return proposals;
}

TrainingConfig withEdits(TrainingConfig config, const std::vector<Edit>& edits)
{
    for (const Edit& edit : edits)
        if (const Field* field = findField(edit.key); field && edit.value)
            if (const auto value = parseValue(*field, *edit.value))
                field->set(config, *value);
    return config;
}

} // namespace zen
