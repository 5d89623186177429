#include "app/gym/load_config.h"

#include "app/gym/terminal.h"
#include "core/base/machine.h"
#include "core/config/read_config.h"
#include "core/config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace zen::gym {

namespace {

/// What to say after "cannot read": the shipped file of the same name, or where files are.
std::string hintFor(const std::string& file)
{
    std::error_code ignored;
    const std::filesystem::path shipped = configFolder() / std::filesystem::path(file).filename();
    if (!file.empty() && std::filesystem::is_regular_file(shipped, ignored))
        return fmt::format(" Did you mean {}?", shipped.string());
    return fmt::format(" Ready-made ones are in {}.", configFolder().string());
}

bool isShown(Severity severity, Advice advice)
{
    return severity != Severity::advice || advice == Advice::show;
}

} // namespace

std::optional<LoadedConfig> readConfigFile(const ConfigArguments& source)
{
    Result<YamlDocument> document = YamlDocument::load(source.config);
    if (!document) {
        std::error_code ignored;
        const bool is_missing = !std::filesystem::exists(source.config, ignored);
        printError(document.error().message + (is_missing ? hintFor(source.config) : ""));
        return std::nullopt;
    }
    LoadedConfig loaded;
    loaded.file = source.config;
    loaded.document = std::move(*document);
    loaded.in_file = readConfig(loaded.document).config;
    const Overrides overrides = parseOverrides(source.overrides);
    ReadConfig read = readConfig(loaded.document, overrides);
    loaded.config = std::move(read.config);
    loaded.diagnostics = std::move(read.diagnostics);
    for (const Diagnostic& finding : overrides.diagnostics)
        if (std::find(loaded.diagnostics.begin(), loaded.diagnostics.end(), finding)
            == loaded.diagnostics.end())
            loaded.diagnostics.push_back(finding);
    return loaded;
}

std::optional<LoadedConfig> loadUsableConfig(const ConfigArguments& source)
{
    std::optional<LoadedConfig> loaded = readConfigFile(source);
    if (!loaded)
        return std::nullopt;
    printFindings(loaded->diagnostics, loaded->file, Advice::hide);
    if (hasErrors(loaded->diagnostics))
        return std::nullopt;
    return loaded;
}

std::optional<LoadedConfig> loadReadableConfig(const ConfigArguments& source)
{
    std::optional<LoadedConfig> loaded = readConfigFile(source);
    if (!loaded)
        return std::nullopt;
    const Diagnostics rules = validate(loaded->config);
    for (Diagnostic& finding : loaded->diagnostics) {
        const bool is_rule = std::any_of(rules.begin(), rules.end(), [&](const Diagnostic& rule) {
            return rule.key == finding.key && rule.message == finding.message;
        });
        if (is_rule && finding.severity == Severity::error)
            finding.severity = Severity::warning;
    }
    printFindings(loaded->diagnostics, loaded->file, Advice::hide);
    if (hasErrors(loaded->diagnostics))
        return std::nullopt;
    return loaded;
}

void printFindings(const Diagnostics& findings, const std::string& file, Advice advice)
{
    for (const Severity severity : { Severity::error, Severity::warning, Severity::advice }) {
        if (!isShown(severity, advice))
            continue;
        for (const Diagnostic& finding : findings) {
            if (finding.severity != severity)
                continue;
            fmt::print(stderr, "{}\n", printable(toText(finding, finding.line > 0 ? file : "")));
        }
    }
}

void explainDevices(const TrainingConfig& config)
{
    std::string ignored;
    if (const char* devices = std::getenv("CUDA_VISIBLE_DEVICES");
        devices != nullptr && *devices != '\0')
        ignored = "CUDA_VISIBLE_DEVICES";
    if (!config.run.deepspeed.empty())
        ignored += ignored.empty() ? "deepspeed" : " and deepspeed";
    if (!ignored.empty())
        fmt::print(stderr,
            "note: one CPU device trains in this build; {} kept for exported commands.\n",
            ignored.find(" and ") == std::string::npos ? ignored + " is" : ignored + " are");
}

} // namespace zen::gym
