#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/base/machine.h"
#include "core/config/tiers.h"
#include "core/plan/memory_plan.h"
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
};

/// The tier whose configuration or checkpoint this is.
std::optional<PlannedModel> shapeOfTier(const std::string& model, const std::string& config_file)
{
    const Result<std::vector<Tier>> tiers = loadTiers(resourceFolder() / "tiers.yaml");
    if (!tiers)
        return std::nullopt;
    const std::string file_name = std::filesystem::path(config_file).filename().string();
    for (const Tier& tier : *tiers)
        if (tier.model_id == model || (!tier.substitute_id.empty() && tier.substitute_id == model)
            || tier.config_file == file_name)
            return PlannedModel{ shapeOf(tier),
                fmt::format("the sizes of {} (its weights are not on this machine{})", tier.title,
                    tier.shape_assumed ? "; no public sizes exist, so these are assumed" : "") };
    return std::nullopt;
}

Result<PlannedModel> modelOf(const LoadedConfig& loaded)
{
    const std::string& name = loaded.config.model.model_name_or_path;
    const Result<std::filesystem::path> folder = findModelFolder(name);
    if (!folder) {
        if (auto planned = shapeOfTier(name, loaded.file))
            return *planned;
        return fail(folder.error().message);
    }
    const Result<Qwen3Shape> shape = readShape(*folder);
    if (!shape)
        return tl::unexpected(shape.error());
    return PlannedModel{ *shape, (*folder / "config.json").string() };
}

std::string wordsFor(Fit fit)
{
    switch (fit) {
    case Fit::runs:
        return "runs on this machine";
    case Fit::runs_slowly:
        return "runs on this machine, slowly";
    case Fit::four_bit_only:
        return "fits this machine with 4-bit weights only";
    case Fit::too_large:
        return "too large for this machine";
    }
    return {};
}

Fit fitHere(const TrainingConfig& config, const MemoryPlan& memory, const Qwen3Shape& shape,
    std::uint64_t bytes)
{
    TrainingConfig in_4bit = config;
    in_4bit.memory.quantization = Quantization::nf4;
    return fitOf(memory, planMemory(in_4bit, shape), shape, bytes);
}

void printTable(const MemoryPlan& memory)
{
    Table table({ "", "rollout", "update" });
    const auto add = [&table](const char* name, std::uint64_t rollout, std::uint64_t update) {
        table.add({ name, rollout > 0 ? formatBytes(rollout) : "–",
            update > 0 ? formatBytes(update) : "–" });
    };
    add("program", memory.program, memory.program);
    add("weights", memory.weights, memory.weights);
    add("what trains, with gradients and Adam's moments", memory.adapter, memory.adapter);
    add("key-value cache", memory.kv_cache, 0);
    add("activations", 0, memory.activations);
    add("logits", memory.logits, memory.logits);
    add("allocator and workspaces", memory.overhead, memory.overhead);
    add("together", memory.rollout(), memory.update());
    fmt::print("{}", table.text());
}

nlohmann::json asJson(const MemoryPlan& memory)
{
    return { { "program", memory.program }, { "weights", memory.weights },
        { "adapter", memory.adapter }, { "kv_cache", memory.kv_cache },
        { "activations", memory.activations }, { "logits", memory.logits },
        { "overhead", memory.overhead }, { "rollout", memory.rollout() },
        { "update", memory.update() }, { "peak", memory.peak() } };
}

} // namespace

int plan(const PlanArguments& arguments)
{
    const std::optional<LoadedConfig> loaded = loadUsableConfig(arguments.source);
    if (!loaded)
        return kBadInput;
    const Result<PlannedModel> model = modelOf(*loaded);
    if (!model) {
        printError(model.error().message);
        return kBadInput;
    }
    const MemoryPlan memory = planMemory(loaded->config, model->shape);
    const Machine machine = thisMachine();
    const std::string verdict
        = wordsFor(fitHere(loaded->config, memory, model->shape, machine.memory_total_bytes));
    if (arguments.json) {
        nlohmann::json object = asJson(memory);
        object["parameters"] = model->shape.parameters();
        object["machine"] = machine.memory_total_bytes;
        object["available"] = machine.memory_available_bytes;
        object["verdict"] = verdict;
        fmt::print("{}\n", object.dump());
        return kDone;
    }
    fmt::print("{}: {} parameters, from {}\n\n", printable(loaded->config.model.model_name_or_path),
        formatCount(static_cast<std::uint64_t>(model->shape.parameters())),
        printable(model->source));
    printTable(memory);
    fmt::print("\nPeak {}; this machine has {}, {} of it free: {}.\n", formatBytes(memory.peak()),
        formatBytes(machine.memory_total_bytes), formatBytes(machine.memory_available_bytes),
        verdict);
    return kDone;
}

} // namespace zen::gym
