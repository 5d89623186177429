#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "core/base/machine.h"
#include "core/train/engine.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zen::gym {

int bench(const BenchArguments& arguments)
{
    ConfigArguments source = arguments.source;
    if (source.config.empty())
        source.config = (configFolder() / "starter_gspo.yaml").string();
    const std::optional<LoadedConfig> loaded = loadUsableConfig(source);
    if (!loaded)
        return kBadInput;
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    const Result<std::vector<BenchLine>> lines = engine->bench(loaded->config);
    if (!lines) {
        printError(lines.error().message);
        return kFailed;
    }
    if (arguments.json) {
        nlohmann::json object = nlohmann::json::object();
        for (const BenchLine& line : *lines)
            object[line.name] = { { "value", line.value }, { "unit", line.unit } };
        fmt::print("{}\n", object.dump());
        return kDone;
    }
    const Machine machine = thisMachine();
    fmt::print("{}, {} cores\n\n", printable(machine.cpu_name), machine.cores);
    Table table({ "", "value", "unit" });
    for (const BenchLine& line : *lines)
        table.add({ line.name, fmt::format("{:.4g}", line.value), line.unit });
    fmt::print("{}", table.text());
    return kDone;
}

} // namespace zen::gym
