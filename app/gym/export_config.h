#pragma once

#include "app/gym/commands.h"

namespace zen::gym {

/// gym export --to gym|llamafactory|axolotl|trl|zen, or --command: `to` is known to be one of these
/// or, with --command, empty.
int exportConfig(const ExportArguments& arguments);

} // namespace zen::gym
