#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "app/gym/tier_named.h"
#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/plan/memory_plan.h"
#include "core/train/engine.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

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
    ConfigArguments source = arguments.source;
    source.config = (configFolder() / "starter_gspo.yaml").string();
    if (!arguments.tier.empty()) {
        const std::optional<Tier> tier = tierNamed(arguments.tier);
        if (!tier)
            return kBadInput;
        options.shape = shapeOf(*tier);
        source.config = (configFolder() / tier->config_file).string();
    }
    if (!arguments.quantization.empty())
        source.overrides.push_back("quantization=" + arguments.quantization);
    const std::optional<LoadedConfig> loaded = loadUsableConfig(source);
    if (!loaded)
        return kBadInput;
    options.config = loaded->config;
    options.on_phase = [](const std::string& phase) { fmt::print(stderr, "{} …\n", phase); };
    const Result<Engine*> engine = loadEngine();
    if (!engine) {
        printError(engine.error().message);
        return kFailed;
    }
    const Result<LoadBench> bench = (*engine)->benchLoad(options);
    if (!bench) {
        printError(bench.error().message);
        return kBadInput;
    }
    print(*bench, arguments.json);
    return kDone;
}

} // namespace zen::gym
