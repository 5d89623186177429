#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "app/gym/unpacked_model.h"
#include "core/data/dataset.h"
#include "core/train/engine.h"
#include "core/weights/checkpoint_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>

namespace zen::gym {

namespace {

void printMetrics(const Metrics& metrics)
{
    Table table({ "metric", "value" });
    for (const auto& [name, value] : metrics) {
        const bool is_share = name.ends_with("accuracy");
        table.add({ name, is_share ? formatPercent(value) : fmt::format("{:.6g}", value) });
    }
    fmt::print("{}", table.text());
}

void printJson(const Metrics& metrics)
{
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [name, value] : metrics)
        object[name] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
    fmt::print("{}\n", object.dump());
}

/// What is missing before anything is loaded, or nothing.
std::optional<std::string> missingFile(
    const TrainingConfig& config, const std::filesystem::path& adapter)
{
    if (const auto folder = findModelFolder(config.model.model_name_or_path); !folder)
        return folder.error().message;
    if (const auto files = findDatasetFiles(config.data); !files)
        return files.error().message;
    std::error_code ignored;
    if (!adapter.empty()
        && !std::filesystem::is_regular_file(adapter / "adapter_config.json", ignored))
        return fmt::format(
            "{} is not an adapter: it has no adapter_config.json. A run's is in <run>/adapter.",
            adapter.string());
    return std::nullopt;
}

} // namespace

int evaluate(const EvalArguments& arguments)
{
    std::optional<LoadedConfig> loaded = loadUsableConfig(arguments.source);
    if (!loaded)
        return kBadInput;
    std::string& name = loaded->config.model.model_name_or_path;
    const Result<UnpackedModel> model = UnpackedModel::open(name);
    if (!model) {
        printError(model.error().message);
        return kBadInput;
    }
    name = model->name();
    explainDevices(loaded->config);
    if (const auto missing = missingFile(loaded->config, arguments.adapter)) {
        printError(*missing);
        return kBadInput;
    }
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    const bool is_live = isTerminal(stderr);
    EvaluationOptions options{ loaded->config, arguments.adapter, {} };
    if (is_live)
        options.on_progress = [](double fraction) {
            fmt::print(stderr, "\revaluating {:.0f} %\x1b[K", fraction * 100);
        };
    const Result<Metrics> metrics = engine->evaluate(options);
    if (is_live)
        fmt::print(stderr, "\r\x1b[K");
    if (!metrics) {
        printError(metrics.error().message);
        return kFailed;
    }
    if (arguments.json)
        printJson(*metrics);
    else
        printMetrics(*metrics);
    return kDone;
}

} // namespace zen::gym
