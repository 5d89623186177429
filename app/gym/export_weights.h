#pragma once

#include "app/gym/commands.h"

namespace zen::gym {

/// gym export --to merged|gguf|peft: what was given is known to be one of these.
int exportWeightFiles(const ExportArguments& arguments);

/// gym export --to tensorboard|csv|jsonl|trainer_log: a run's metrics for other programs.
int exportMetricFiles(const ExportArguments& arguments);

} // namespace zen::gym
