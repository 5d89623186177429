#include "app/gym/commands.h"
#include "app/gym/export_weights.h"
#include "app/gym/terminal.h"
#include "core/config/reporters.h"
#include "core/train/export_weights.h"

#include <fmt/format.h>

#include <algorithm>

namespace zen::gym {

int exportTo(const ExportArguments& arguments)
{
    if (weightTargetNamed(arguments.to))
        return exportWeightFiles(arguments);
    if (std::find(kReporters.begin(), kReporters.end(), arguments.to) != kReporters.end())
        return exportMetricFiles(arguments);
    printError(fmt::format("--to {} is unknown; choose merged, gguf or peft (weights), or "
                           "tensorboard, csv, jsonl or trainer_log (metrics)",
        arguments.to));
    return kBadInput;
}

} // namespace zen::gym
