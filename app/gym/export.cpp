#include "app/gym/commands.h"
#include "app/gym/export_config.h"
#include "app/gym/export_weights.h"
#include "app/gym/terminal.h"
#include "core/config/reporters.h"
#include "core/export/target.h"
#include "core/train/export_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zen::gym {

namespace {

/// Weights and metrics take no configuration: what else was typed is a slip.
bool hasOnlyItsOptions(const ExportArguments& arguments)
{
    if (!arguments.source.overrides.empty())
        printError(fmt::format("--to {} takes no keys of a configuration: {}", arguments.to,
            fmt::join(arguments.source.overrides, " ")));
    else if (arguments.bundle || arguments.command || !arguments.onto.empty())
        printError(fmt::format(
            "--bundle, --command and --onto are of configurations, not of --to {}", arguments.to));
    else
        return true;
    return false;
}

} // namespace

int exportTo(const ExportArguments& arguments)
{
    if (arguments.source.config.empty()) {
        printError("What is exported? Name a configuration, a run's folder or a model");
        return kBadInput;
    }
    const bool is_weights = weightTargetNamed(arguments.to).has_value();
    const bool is_metrics
        = std::find(kReporters.begin(), kReporters.end(), arguments.to) != kReporters.end();
    if (is_weights || is_metrics) {
        if (!hasOnlyItsOptions(arguments))
            return kBadInput;
        return is_weights ? exportWeightFiles(arguments) : exportMetricFiles(arguments);
    }
    const bool is_tool = arguments.to == "zen" || (arguments.to.empty() && arguments.command)
        || std::find(kTargetNames.begin(), kTargetNames.end(), arguments.to) != kTargetNames.end();
    if (is_tool)
        return exportConfig(arguments);
    printError(fmt::format("--to {} choose {} or zen (a configuration), merged, gguf or peft "
                           "(weights), {} (metrics)",
        arguments.to.empty() ? "is missing;" : arguments.to + " is unknown;",
        fmt::join(kTargetNames, ", "), fmt::join(kReporters, ", ")));
    return kBadInput;
}

} // namespace zen::gym
