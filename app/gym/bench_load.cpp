#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "app/gym/tier_named.h"
#include "core/base/byte_text.h"
#include "core/plan/memory_plan.h"
#include "core/train/engine.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

namespace zen::gym {

namespace {

void print(const LoadBench& bench, bool json)
{
    const std::uint64_t more = bench.peak_bytes - std::min(bench.peak_bytes, bench.weight_bytes);
    if (json) {
        fmt::print("{}\n",
            nlohmann::json{ { "file_bytes", bench.file_bytes },
                { "weight_bytes", bench.weight_bytes }, { "peak_bytes", bench.peak_bytes },
                { "seconds", bench.seconds } }
                .dump());
        return;
    }
    Table table({ "loading", "" });
    table.add({ "files", formatBytes(bench.file_bytes) });
    table.add({ "weights as held", formatBytes(bench.weight_bytes) });
    table.add({ "peak", formatBytes(bench.peak_bytes) });
    table.add({ "above the weights", formatBytes(more) });
    table.add({ "seconds", fmt::format("{:.2f}", bench.seconds) });
    fmt::print("{}", table.text());
}

} // namespace

int benchLoad(const BenchLoadArguments& arguments)
{
    LoadBenchOptions options;
    options.folder = arguments.folder;
    std::optional<Tier> tier;
    if (!arguments.tier.empty()) {
        tier = tierNamed(arguments.tier);
        if (!tier)
            return kBadInput;
        options.shape = shapeOf(*tier);
    }
    std::error_code ignored;
    if (!tier && !std::filesystem::is_directory(options.folder, ignored)) {
        printError(fmt::format(
            "there is no folder {}; with --tier one is written there", options.folder.string()));
        return kBadInput;
    }
    const auto loaded = loadTierConfig(tier, arguments.source, arguments.quantization);
    if (!loaded)
        return kBadInput;
    options.config = loaded->config;
    options.on_phase = [](const std::string& phase) { fmt::print(stderr, "{} …\n", phase); };
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    const Result<LoadBench> bench = engine->benchLoad(options);
    if (!bench) {
        printError(bench.error().message);
        return kFailed;
    }
    print(*bench, arguments.json);
    return kDone;
}

} // namespace zen::gym
