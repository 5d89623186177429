#pragma once

#include "core/config/training_config.h"
#include "core/export/target.h"

#include <optional>
#include <string>
#include <vector>

namespace zen {

/// One way to start a run with a tool.
struct LaunchLine {
    std::string title; ///< "On one GPU"
    std::string command; ///< for a POSIX shell; may be several lines
};

/// How the tool is started with this file: on one GPU, on several GPUs of one machine, on several
/// machines. `deepspeed` names the DeepSpeed file to give on the command line for more than one
/// device; empty: the tool's file names one itself.
std::vector<LaunchLine> launchLines(
    const Target& target, const std::string& file, const std::string& deepspeed);

/// The command with every setting in which `config` differs from `base`, in the tool's own form of
/// a changed value. nullopt: a difference cannot be given on its command line (nested ones for
/// axolotl's forks, rewards).
std::optional<std::string> overrideCommand(const TrainingConfig& config, const TrainingConfig& base,
    const Target& target, const std::string& file);

/// A Slurm batch script that starts the tool on several machines.
std::string slurmScript(
    const Target& target, const std::string& file, const std::string& deepspeed);

/// One argument for a POSIX shell: quoted only where it has to be.
std::string shellWord(const std::string& argument);

} // namespace zen
