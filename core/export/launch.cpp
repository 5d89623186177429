#include "core/export/launch.h"

#include "core/export/translate.h"

#include <algorithm>
#include <map>

namespace zen {

namespace {

/// LLaMA-Factory and its fork.
bool takesAssignments(const Target& target)
{
    return target.overrides == OverrideForm::assignments;
}

/// The changed value in the form that the tool's command line reads.
std::optional<std::string> changedValue(
    const Target& target, const std::string& key, const std::string& yaml)
{
    if (yaml.find('\n') != std::string::npos || yaml.starts_with("- "))
        return {};
    if (takesAssignments(target))
        return key + "=" + yaml; // read as YAML there
    const ParsedYaml parsed = parseYaml(yaml);
    const YamlNode& node = parsed.root;
    if (node.kind == YamlNode::Kind::mapping)
        return {};
    std::string words = node.text;
    if (node.kind == YamlNode::Kind::sequence) {
        if (target.overrides != OverrideForm::options)
            return {};
        for (const YamlNode& item : node.items)
            words += (words.empty() ? "" : " ") + shellWord(item.text);
        return "--" + key + " " + words;
    }
    if (target.overrides == OverrideForm::options)
        return key.find('.') == std::string::npos
            ? std::optional<std::string>("--" + key + " " + shellWord(words))
            : std::nullopt;
    std::string kebab = key;
    std::replace(kebab.begin(), kebab.end(), '_', '-');
    if (key.find('.') != std::string::npos) {
        if (std::count(key.begin(), key.end(), '.') > 1)
            return {};
        kebab = key; // nested names keep their spelling
    }
    if (words == "true" || words == "false")
        return (words == "true" ? "--" : "--no-") + kebab;
    return "--" + kebab + " " + shellWord(words);
}

std::string withDeepspeed(const Target& target, const std::string& deepspeed)
{
    if (deepspeed.empty())
        return {};
    return takesAssignments(target) ? " deepspeed=" + shellWord(deepspeed)
                                    : " --deepspeed " + shellWord(deepspeed);
}

std::string manyProcesses(const Target& target, const std::string& file,
    const std::string& deepspeed, const std::string& nodes)
{
    const std::string name = shellWord(file);
    const std::string zero = withDeepspeed(target, deepspeed);
    if (takesAssignments(target)) {
        const std::string environment = nodes.empty() ? "FORCE_TORCHRUN=1 NPROC_PER_NODE=2"
                                                      : "FORCE_TORCHRUN=1 NNODES=" + nodes
                + " NODE_RANK=$RANK MASTER_ADDR=$HOST MASTER_PORT=29500 NPROC_PER_NODE=8";
        return environment + " " + target.program + " " + name + zero;
    }
    const std::string counts = nodes.empty()
        ? "--num_processes 2"
        : "--num_machines " + nodes + " --num_processes $((8 * " + nodes
            + ")) --machine_rank $RANK --main_process_ip $HOST --main_process_port 29500";
    if (target.name == "trl")
        return target.program + " " + name + zero + " " + counts;
    if (nodes.empty())
        return "torchrun --nproc_per_node 2 -m axolotl.cli.train " + name + zero;
    return "torchrun --nnodes " + nodes
        + " --nproc_per_node 8 --rdzv_id 1 --rdzv_backend c10d --rdzv_endpoint $HOST:29500 -m "
          "axolotl.cli.train "
        + name + zero;
}

} // namespace

std::string shellWord(const std::string& argument)
{
    const bool is_plain
        = !argument.empty() && std::all_of(argument.begin(), argument.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                  || std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
          });
    if (is_plain)
        return argument;
    std::string quoted = "'";
    for (const char c : argument)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::vector<LaunchLine> launchLines(
    const Target& target, const std::string& file, const std::string& deepspeed)
{
    const bool is_in_file = deepspeed.empty(); // these tools stop at it without torchrun
    const std::string one = is_in_file && takesAssignments(target) ? "FORCE_TORCHRUN=1 " : "";
    return { { "On one GPU",
                 "CUDA_VISIBLE_DEVICES=0 " + one + target.program + " " + shellWord(file) },
        { "On two GPUs of one machine",
            "CUDA_VISIBLE_DEVICES=0,1 " + manyProcesses(target, file, deepspeed, {}) },
        { "On two machines with eight GPUs each (on both: HOST is the first one's address, RANK is "
          "0 there and 1 on the other)",
            manyProcesses(target, file, deepspeed, "2") } };
}

std::optional<std::string> overrideCommand(const TrainingConfig& config, const TrainingConfig& base,
    const Target& target, const std::string& file)
{
    const std::map<std::string, std::string> before = leavesOf(translatedTree(base, target));
    const std::map<std::string, std::string> after = leavesOf(translatedTree(config, target));
    std::string command = target.program + " " + shellWord(file);
    for (const auto& [key, value] : after) {
        const auto old = before.find(key);
        if (old != before.end() && old->second == value)
            continue;
        const std::optional<std::string> changed = changedValue(target, key, value);
        if (!changed)
            return {};
        command += " " + (takesAssignments(target) ? shellWord(*changed) : *changed);
    }
    for (const auto& [key, value] : before)
        if (!after.contains(key))
            return {};
    return command;
}

std::string slurmScript(const Target& target, const std::string& file, const std::string& deepspeed)
{
    std::string command = manyProcesses(target, file, deepspeed, "$SLURM_NNODES");
    for (std::size_t at = 0; (at = command.find("$RANK", at)) != std::string::npos; at += 13)
        command.replace(at, 5, "$SLURM_NODEID");
    std::string escaped;
    for (const char c : command)
        escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return "#!/bin/bash\n"
           "#SBATCH --job-name=zen\n"
           "#SBATCH --nodes=2\n"
           "#SBATCH --ntasks-per-node=1\n"
           "#SBATCH --gpus-per-node=8\n"
           "#SBATCH --cpus-per-task=32\n"
           "#SBATCH --time=24:00:00\n"
           "#SBATCH --output=%x-%j.log\n"
           "\n"
           "# sbatch slurm.sh; change nodes, GPUs and time above. One task a machine starts the\n"
           "# processes of that machine.\n"
           "set -euo pipefail\n"
           "cd \"$SLURM_SUBMIT_DIR\"\n"
           "HOST=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)\n"
           "export HOST\n"
           "srun bash -c '"
        + escaped + "'\n";
}

} // namespace zen
