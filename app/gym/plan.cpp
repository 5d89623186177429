#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/config/tiers.h"
#include "core/plan/fit.h"
#include "core/weights/checkpoint_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>

namespace zen::gym {

namespace {

struct PlannedModel {
    Qwen3Shape shape;
    std::string source; ///< where the sizes come from
    std::optional<Tier> tier;
};

/// The tier whose configuration or checkpoint this is.
std::optional<Tier> tierOf(const std::string& model, const std::string& config_file)
{
    Result<std::vector<Tier>> tiers = loadTiers(resourceFolder() / "tiers.yaml");
    if (tiers)
        tiers = withUserTiers(std::move(*tiers), userConfigFolder() / "tiers.yaml");
    if (!tiers) {
        printError(tiers.error().message);
        return std::nullopt;
    }
    const std::string file_name = std::filesystem::path(config_file).filename().string();
    for (const Tier& tier : *tiers)
        if (tier.model_id == model || (!tier.substitute_id.empty() && tier.substitute_id == model)
            || tier.config_file == file_name)
            return tier;
    return std::nullopt;
}

Result<PlannedModel> modelOf(const LoadedConfig& loaded)
{
    const std::string& name = loaded.config.model.model_name_or_path;
    PlannedModel model;
    model.tier = tierOf(name, loaded.file);
    const Result<std::filesystem::path> folder = findModelFolder(name);
    if (!folder) {
        if (!model.tier)
            return fail(folder.error().message);
        model.shape = shapeOf(*model.tier);
        model.source = fmt::format("the sizes of {} (its weights are not on this machine{})",
            model.tier->title,
            model.tier->shape_assumed ? "; no public sizes exist, so these are assumed" : "");
        return model;
    }
    const Result<Qwen3Shape> shape = readShape(*folder);
    if (!shape)
        return tl::unexpected(shape.error());
    model.shape = *shape;
    model.source = (*folder / "config.json").string();
    return model;
}

/// Everything that the command says.
struct Answer {
    MemoryPlan plan;
    MemoryPlan at_most; ///< every row fills its context
    std::optional<TokenLengths> lengths;
    std::uint64_t memory = 0; ///< to fit
    LargestFit largest;
    std::vector<Proposal> proposals; ///< that fit `memory`
    std::uint64_t tier_bytes = 0; ///< the tier's figure; 0: no tier
    std::optional<Proposal> for_tier; ///< what meets that figure, where the plan does not
    bool fits() const { return plan.peak() <= memory; }
};

Answer answerFor(const TrainingConfig& config, const PlannedModel& model, std::uint64_t memory)
{
    Answer answer;
    PlanBasis basis;
    if (const auto lengths = measureLengths(config))
        basis.lengths = *lengths;
    answer.lengths = basis.lengths;
    answer.plan = planMemory(config, model.shape, basis);
    answer.at_most = planMemory(config, model.shape);
    answer.memory = memory;
    answer.largest = largestFit(config, model.shape, memory, basis);
    answer.proposals = proposalsFor(config, model.shape, memory, basis);
    if (model.tier) {
        answer.tier_bytes = static_cast<std::uint64_t>(model.tier->memory_gb * 1e9);
        const auto proposals = proposalsFor(config, model.shape, answer.tier_bytes, basis);
        if (!proposals.empty())
            answer.for_tier = proposals.front();
    }
    return answer;
}

void printTable(const MemoryPlan& plan)
{
    std::vector<std::string> header{ "" };
    for (std::size_t phase = 0; phase < kPlanPhases; ++phase)
        header.emplace_back(nameOf(static_cast<PlanPhase>(phase)));
    Table table(header);
    const auto add = [&](std::string_view name, const auto& bytes_of) {
        std::vector<std::string> row{ std::string(name) };
        for (const PhaseMemory& phase : plan.phases) {
            const std::uint64_t bytes = bytes_of(phase);
            row.push_back(bytes > 0 ? formatBytes(bytes) : "–");
        }
        table.add(row);
    };
    for (const PlanRow& each : planRows())
        add(each.name, [&](const PhaseMemory& phase) { return phase.*each.bytes; });
    add("together", [](const PhaseMemory& phase) { return phase.total(); });
    fmt::print("{}", table.text());
}

std::string shown(const std::optional<std::int64_t>& number)
{
    return number ? std::to_string(*number) : "none";
}

std::string editsText(const std::vector<Edit>& edits)
{
    std::string text;
    for (const Edit& edit : edits)
        text += fmt::format(" --{} {}", edit.key, edit.value.value_or(""));
    return text;
}

void printVerdict(const Answer& answer, const TrainingConfig& config, bool given)
{
    const Machine machine = thisMachine();
    const std::string where = given
        ? formatBytes(answer.memory)
        : fmt::format("this machine's {} ({} free now)", formatBytes(answer.memory),
            formatBytes(machine.memory_available_bytes));
    fmt::print("\nPeak {}, in the {}: {} {}.\n", formatBytes(answer.plan.peak()),
        nameOf(answer.plan.largestPhase()), answer.fits() ? "fits" : "does not fit", where);
    if (answer.lengths && answer.at_most.peak() > answer.plan.peak())
        fmt::print("With rows as long as the data's; at most {} if all filled the context.\n",
            formatBytes(answer.at_most.peak()));
    fmt::print("Largest that fit, each alone: batch {}, context {}", shown(answer.largest.batch),
        shown(answer.largest.context));
    if (config.adapter.finetuning_type == FinetuningType::lora)
        fmt::print(", rank {}", shown(answer.largest.rank));
    fmt::print(".\n");
    if (!answer.fits() && answer.proposals.empty())
        fmt::print("Nothing that leaves the training as it is makes it fit: lower cutoff_len or "
                   "lora_rank, or choose a smaller tier.\n");
    for (const Proposal& proposal : answer.proposals)
        fmt::print("{} ({}): {}\n   {}\n", proposal.fix.label, proposal.cost,
            formatBytes(proposal.peak), editsText(proposal.fix.edits));
}

void printTier(const Answer& answer, const Tier& tier)
{
    if (answer.tier_bytes == 0)
        return;
    fmt::print("{}'s figure is {}: ", tier.title, formatBytes(answer.tier_bytes));
    if (answer.plan.peak() <= answer.tier_bytes)
        fmt::print("met.\n");
    else if (answer.for_tier)
        fmt::print("met only with {} ({}): {}.\n   {}\n", answer.for_tier->fix.label,
            answer.for_tier->cost, formatBytes(answer.for_tier->peak),
            editsText(answer.for_tier->fix.edits));
    else
        fmt::print("not met by any setting that leaves the training as it is.\n");
}

nlohmann::json asJson(const Proposal& proposal)
{
    nlohmann::json edits = nlohmann::json::object();
    for (const Edit& edit : proposal.fix.edits)
        edits[edit.key] = edit.value.value_or("");
    return { { "label", proposal.fix.label }, { "cost", proposal.cost },
        { "peak_bytes", proposal.peak }, { "changes", edits } };
}

nlohmann::json asJson(const Answer& answer)
{
    nlohmann::json phases;
    for (std::size_t index = 0; index < kPlanPhases; ++index) {
        const PhaseMemory& phase = answer.plan.phases[index];
        nlohmann::json& object = phases[std::string(nameOf(static_cast<PlanPhase>(index)))];
        for (const PlanRow& row : planRows())
            object[std::string(row.key)] = phase.*row.bytes;
        object["total"] = phase.total();
    }
    const auto number = [](const std::optional<std::int64_t>& value) {
        return value ? nlohmann::json(*value) : nlohmann::json();
    };
    nlohmann::json proposals = nlohmann::json::array();
    for (const Proposal& proposal : answer.proposals)
        proposals.push_back(asJson(proposal));
    nlohmann::json object = { { "phases", phases }, { "peak", answer.plan.peak() },
        { "peak_phase", nameOf(answer.plan.largestPhase()) }, { "at_most", answer.at_most.peak() },
        { "memory", answer.memory }, { "fits", answer.fits() },
        { "largest",
            { { "batch", number(answer.largest.batch) },
                { "context", number(answer.largest.context) },
                { "rank", number(answer.largest.rank) } } },
        { "proposals", proposals } };
    if (answer.tier_bytes > 0) {
        object["seed_bytes"] = answer.tier_bytes;
        object["meets_seed"] = answer.plan.peak() <= answer.tier_bytes;
        if (answer.for_tier)
            object["meets_seed_with"] = asJson(*answer.for_tier);
    }
    return object;
}

} // namespace

int plan(const PlanArguments& arguments)
{
    const std::optional<LoadedConfig> loaded = loadUsableConfig(arguments.source);
    if (!loaded)
        return kBadInput;
    const Machine machine = thisMachine();
    std::uint64_t memory = machine.memory_total_bytes;
    if (!arguments.memory.empty()) {
        const auto given = parseBytes(arguments.memory);
        if (!given) {
            printError(fmt::format("--memory {}: give an amount such as 8GB, 1.5GiB or 800MB",
                printable(arguments.memory)));
            return kBadInput;
        }
        memory = *given;
    }
    const Result<PlannedModel> model = modelOf(*loaded);
    if (!model) {
        printError(model.error().message);
        return kBadInput;
    }
    const Answer answer = answerFor(loaded->config, *model, memory);
    if (arguments.json) {
        nlohmann::json object = asJson(answer);
        object["parameters"] = model->shape.parameters();
        object["machine"] = machine.memory_total_bytes;
        object["available"] = machine.memory_available_bytes;
        fmt::print("{}\n", object.dump());
        return kDone;
    }
    fmt::print("{}: {} parameters, from {}\n\n", printable(loaded->config.model.model_name_or_path),
        formatCount(static_cast<std::uint64_t>(model->shape.parameters())),
        printable(model->source));
    printTable(answer.plan);
    printVerdict(answer, loaded->config, !arguments.memory.empty());
    if (model->tier)
        printTier(answer, *model->tier);
    return kDone;
}

} // namespace zen::gym
