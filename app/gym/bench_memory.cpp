#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "app/gym/tier_named.h"
#include "core/base/byte_text.h"
#include "core/config/tiers.h"
#include "core/plan/memory_plan.h"
#include "core/train/engine.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace zen::gym {

namespace {

/// Checkpointing, then smaller parts of the micro-batch, as far as they bring the peak down to the
/// tier's figure or below what the rollout needs anyway.
TrainingConfig fitted(TrainingConfig config, const Qwen3Shape& shape, std::uint64_t figure)
{
    const auto is_low = [&] {
        const MemoryPlan plan = planMemory(config, shape);
        return plan.peak() <= std::max(figure, plan.rollout());
    };
    if (is_low())
        return config;
    config.memory.gradient_checkpointing = true;
    std::int64_t tokens = *resolve(config).memory.micro_batch_tokens;
    while (!is_low() && tokens > config.data.cutoff_len) {
        tokens = std::max(tokens / 2, config.data.cutoff_len);
        config.memory.micro_batch_tokens = tokens;
    }
    return config;
}

nlohmann::json asJson(const MemoryBench& bench, const Tier& tier, const TrainingConfig& config)
{
    nlohmann::json phases = nlohmann::json::array();
    for (const MemoryBench::Phase& phase : bench.phases)
        phases.push_back({ { "name", phase.name }, { "peak_bytes", phase.peak_bytes },
            { "kept_bytes", phase.kept_bytes }, { "seconds", phase.seconds } });
    return { { "tier", tier.id }, { "planned_bytes", bench.planned_bytes },
        { "peak_bytes", bench.peak_bytes },
        { "seed_bytes", static_cast<std::uint64_t>(tier.memory_gb * 1e9) },
        { "empty_bytes", bench.empty_bytes }, { "weight_bytes", bench.weight_bytes },
        { "update_tokens", bench.update_tokens },
        { "gradient_checkpointing", config.memory.gradient_checkpointing },
        { "micro_batch_tokens", *resolve(config).memory.micro_batch_tokens },
        { "phases", phases } };
}

void printTables(const MemoryBench& bench, const Tier& tier, const TrainingConfig& config)
{
    fmt::print("{}, {} weights in {}; {} tokens through the update, {}at most {} at a time\n\n",
        tier.title, tier.size, formatBytes(bench.weight_bytes), bench.update_tokens,
        config.memory.gradient_checkpointing ? "gradient checkpointing, " : "",
        *resolve(config).memory.micro_batch_tokens);
    Table phases({ "", "peak", "at the end", "seconds" });
    for (const MemoryBench::Phase& phase : bench.phases)
        phases.add({ phase.name, formatBytes(phase.peak_bytes), formatBytes(phase.kept_bytes),
            fmt::format("{:.1f}", phase.seconds) });
    fmt::print("{}\n", phases.text());
    Table table({ "without the empty process", "" });
    table.add({ "planned", formatBytes(bench.planned_bytes) });
    table.add({ "measured", formatBytes(bench.peak_bytes) });
    table.add(
        { "the tier's figure", formatBytes(static_cast<std::uint64_t>(tier.memory_gb * 1e9)) });
    const double difference = static_cast<double>(bench.peak_bytes)
            / static_cast<double>(std::max<std::uint64_t>(bench.planned_bytes, 1))
        - 1;
    fmt::print("{}\nMeasured against planned: {:+.1f} %. The empty process has {}.\n", table.text(),
        difference * 100, formatBytes(bench.empty_bytes));
}

} // namespace

int benchMemory(const BenchMemoryArguments& arguments)
{
    const std::optional<Tier> tier = tierNamed(arguments.tier);
    if (!tier)
        return kBadInput;
    const auto loaded = loadTierConfig(tier, arguments.source, arguments.quantization);
    if (!loaded)
        return kBadInput;
    MemoryBenchOptions options;
    options.shape = shapeOf(*tier);
    options.config
        = fitted(loaded->config, options.shape, static_cast<std::uint64_t>(tier->memory_gb * 1e9));
    options.new_tokens = arguments.new_tokens;
    options.on_phase = [](const std::string& phase) { fmt::print(stderr, "{} …\n", phase); };
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    const Result<MemoryBench> bench = engine->benchMemory(options);
    if (!bench) {
        printError(bench.error().message);
        return kFailed;
    }
    if (!bench->warnings.empty())
        fmt::print(stderr, "{}", printable(bench->warnings));
    if (arguments.json)
        fmt::print("{}\n", asJson(*bench, *tier, options.config).dump());
    else
        printTables(*bench, *tier, options.config);
    return kDone;
}

} // namespace zen::gym
