#include "app/gym/command_line.h"

#include "app/gym/commands.h"
#include "core/base/word_list.h"
#include "core/config/reporters.h"
#include "core/export/target.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <memory>
#include <string>

namespace zen::gym {

namespace {

using Run = std::function<int()>;

void allowOverrides(CLI::App* command)
{
    command->allow_extras();
    command->footer(
        "Every key of the configuration can be changed here: --key value, --key=value or "
        "key=value.\n`gym keys` lists them.");
}

void addConfig(CLI::App* command, ConfigArguments& source, bool required = true)
{
    command->add_option("CONFIG", source.config, "A YAML file, e.g. configs/starter_gspo.yaml")
        ->required(required);
    allowOverrides(command);
}

/// What CLI11 did not know: changes to the configuration, in the order typed.
void takeOverrides(CLI::App* command, ConfigArguments& source)
{
    source.overrides = command->remaining();
}

template <class Arguments>
std::shared_ptr<Arguments> addCommand(
    CLI::App* command, Run& run, int (*function)(const Arguments&))
{
    auto arguments = std::make_shared<Arguments>();
    command->callback([command, arguments, function, &run] {
        if (!command->get_subcommands().empty())
            return; // that one's callback has decided
        if constexpr (requires { arguments->source; })
            takeOverrides(command, arguments->source);
        run = [arguments, function] { return function(*arguments); };
    });
    return arguments;
}

void addTrain(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("train", "Train as a configuration says (GSPO, GRPO or SFT)");
    auto arguments = addCommand<TrainArguments>(command, run, train);
    addConfig(command, arguments->source);
    command->add_flag("--json", arguments->json, "Print events as JSON lines");
    command->add_flag("--shuffle-rewards", arguments->shuffle_rewards,
        "Control experiment: give each completion another one's reward; nothing may be learnt");
}

void addEval(CLI::App& app, Run& run)
{
    CLI::App* command = app.add_subcommand("eval", "Score a model on the held-out rows, greedily");
    auto arguments = addCommand<EvalArguments>(command, run, evaluate);
    addConfig(command, arguments->source);
    command->add_option("--adapter", arguments->adapter, "A run's adapter folder");
    command->add_flag("--json", arguments->json, "Print one JSON object");
}

void addChat(CLI::App& app, Run& run)
{
    CLI::App* command = app.add_subcommand("chat", "Talk to a model in the terminal");
    auto arguments = addCommand<ChatArguments>(command, run, chat);
    command->add_option("MODEL", arguments->model, "A model's name or folder, e.g. zen/starter")
        ->required();
    command->add_option("--adapter", arguments->adapter, "A run's adapter folder");
    command->add_option("--system", arguments->system_prompt, "System prompt");
    command->add_option("--temperature", arguments->temperature, "0: always the likeliest token")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    command->add_option("--top-p", arguments->top_p)
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command->add_option("--top-k", arguments->top_k, "0: off")
        ->check(CLI::Range(std::int64_t{ 0 }, std::int64_t{ 1 } << 30))
        ->capture_default_str();
    command->add_option("--max-new-tokens", arguments->max_new_tokens)
        ->check(CLI::Range(std::int64_t{ 1 }, std::int64_t{ 1 } << 20))
        ->capture_default_str();
    command->add_option("--seed", arguments->seed)->capture_default_str();
    command->add_flag("--no-thinking", arguments->no_thinking, "Answer without a <think> part");
}

void addVerify(CLI::App& app, Run& run)
{
    CLI::App* command = app.add_subcommand("verify",
        "Compare this build's numbers with reference cases made by PyTorch, transformers and TRL");
    auto arguments = addCommand<VerifyArguments>(command, run, verify);
    command->add_option("DIR", arguments->folder, "Folder of cases, e.g. tests/reference-cases")
        ->required();
    command->add_option(
        "--tokenizer", arguments->tokenizer, "The tokenizer.json that the text cases need");
}

void addPlan(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("plan", "How much memory a run will need, and whether it fits here");
    auto arguments = addCommand<PlanArguments>(command, run, plan);
    addConfig(command, arguments->source);
    command->add_option("--memory", arguments->memory, "Memory to fit, e.g. 8GB; this machine's");
    command->add_flag("--json", arguments->json, "Print one JSON object");
}

void addReward(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("reward", "Try a configuration's rewards without a model");
    auto arguments = addCommand<RewardArguments>(command, run, reward);
    command->add_option("-c,--config", arguments->config, "The configuration with the rewards")
        ->required();
    command->add_option(
        "-d,--dataset", arguments->dataset, "A .json or .jsonl file, or a registered name");
    command->add_option("--completions", arguments->completions,
        "JSON lines to score instead of the reference answers, in the order of the rows");
    command->add_option("-n,--limit", arguments->limit, "Rows to score; 0: all")
        ->capture_default_str();
    command->add_flag("--json", arguments->json, "Print one JSON object a row");
}

void addExport(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("export", "A configuration for another tool, or a run's weights");
    auto arguments = addCommand<ExportArguments>(command, run, exportTo);
    command->add_option("SOURCE", arguments->source.config,
        "A configuration; for weights or metrics a run's folder (weights: also a model's name or "
        "folder, or a .gguf file)");
    allowOverrides(command);
    command->add_option("--to", arguments->to,
        fmt::format("Configuration: {} (gym is zenlm/gym), zen (written anew). Weights: merged "
                    "(Hugging Face layout), gguf (llama.cpp, Ollama), peft (adapter). Metrics: {}",
            fmt::join(kTargetNames, ", "), fmt::join(kReporters, ", ")));
    command->add_option("-o,--output", arguments->output,
        "A file; for --bundle and weights a folder; empty: shown, or inside the run");
    command->add_option("--onto", arguments->onto,
        "A file of that tool: the settings are written into it, everything else of it stays");
    command->add_flag("--bundle", arguments->bundle,
        "Also DeepSpeed files, rows with registration, rewards as Python, launch lines");
    command->add_flag(
        "--command", arguments->command, "Print how the tool is started, in its own form");
    command->add_option("--dtype", arguments->dtype,
        "Weights: f32, f16, bf16, or q8_0 (gguf); empty: as the model is stored");
    command
        ->add_option("--max_shard_size,--max-shard-size", arguments->max_shard_size,
            "merged: how large one file may be, e.g. 5GB, 500MB")
        ->capture_default_str();

    command = app.add_subcommand("import", "Another tool's YAML as a configuration, with a report");
    auto import_arguments = addCommand<ImportArguments>(command, run, importConfigFile);
    command->add_option("FILE", import_arguments->file, "A YAML file")->required();
    command->add_option("--from", import_arguments->from,
        alternatives(kTargetNames) + ", where it is not recognised");
    command->add_option("-o,--output", import_arguments->output, "Where the configuration goes");
}

void addFetch(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("fetch", "Get a model's weights from the Hugging Face hub");
    auto arguments = addCommand<FetchArguments>(command, run, fetch);
    command->add_option("MODEL", arguments->model, "As on the hub, e.g. Qwen/Qwen3-0.6B")
        ->required();
    command->add_option("--revision", arguments->revision, "A branch, a tag or a commit")
        ->capture_default_str();
    command->add_option("--include", arguments->include,
        "Only files that match, e.g. '*.json'; may be given several times (default: what a "
        "training needs)");
    command->add_option("--to", arguments->to, "A plain folder instead of the hub's cache");
    command->footer("What is here already is not fetched again, and a fetch that was cut off goes "
                    "on where it was.\nHF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, "
                    "HF_HUB_OFFLINE and the proxy variables count.");
}

void addSmallCommands(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("keys", "Every configuration key: type, default, range, meaning");
    auto keys_arguments = addCommand<KeysArguments>(command, run, keys);
    command->add_flag("--json", keys_arguments->json, "As JSON instead of Markdown");

    command = app.add_subcommand(
        "check", "Read a configuration and list everything that is wrong with it");
    auto check_arguments = addCommand<CheckArguments>(command, run, check);
    addConfig(command, check_arguments->source);
    command->add_flag(
        "--start", check_arguments->start, "Also check weights, data, memory and disk");
    command->add_flag("--json", check_arguments->json, "Print one JSON array");

    command = app.add_subcommand("runs", "List the runs in a folder");
    auto runs_arguments = addCommand<RunsArguments>(command, run, runs);
    command->add_option("DIR", runs_arguments->folder, "Folder of run folders")
        ->capture_default_str();
    command->add_flag("--json", runs_arguments->json, "Print one JSON object a run");

    command = app.add_subcommand(
        "starter", "Make the starter model from nothing, as it was made for shipping");
    auto starter_arguments = addCommand<StarterArguments>(command, run, starter);
    command->add_option("OUTPUT", starter_arguments->output, "A folder that does not exist yet")
        ->required();
    command->add_option(
        "--config", starter_arguments->config, "Instead of configs/starter_sft.yaml");
}

void addBench(CLI::App& app, Run& run)
{
    CLI::App* command
        = app.add_subcommand("bench", "Measure rollout and update speed on this machine");
    auto bench_arguments = addCommand<BenchArguments>(command, run, bench);
    addConfig(command, bench_arguments->source, false);
    command->add_flag("--json", bench_arguments->json, "Print one JSON object");

    CLI::App* load
        = command->add_subcommand("load", "Measure time and peak memory of loading a checkpoint");
    auto load_arguments = addCommand<BenchLoadArguments>(load, run, benchLoad);
    allowOverrides(load);
    load->add_option("FOLDER", load_arguments->folder, "A model in Hugging Face layout")
        ->required();
    load->add_option("--tier", load_arguments->tier,
        "If the folder does not exist: write random weights of this tier's shape there first");
    load->add_option("--quantization", load_arguments->quantization, "4bit or none")
        ->check(CLI::IsMember({ "4bit", "none" }));
    load->add_flag("--json", load_arguments->json, "Print one JSON object");

    command = command->add_subcommand("memory",
        "Measure the peak memory of one training step of a tier, with random weights of its shape");
    auto arguments = addCommand<BenchMemoryArguments>(command, run, benchMemory);
    command->allow_extras();
    command->add_option("--tier", arguments->tier, "nano, eco, coder, omni, next or starter")
        ->required();
    command->add_option("--quantization", arguments->quantization, "4bit or none")
        ->check(CLI::IsMember({ "4bit", "none" }));
    command
        ->add_option("--new", arguments->new_tokens,
            "Tokens that the rollout writes of each completion, to save time; the cache keeps its "
            "full size")
        ->check(CLI::Range(std::int64_t{ 1 }, std::int64_t{ 1 } << 20));
    command->add_flag("--json", arguments->json, "Print one JSON object");
}

} // namespace

int runCommandLine(int argc, char** argv)
{
    CLI::App app("Fine-tunes Qwen3-family language models by GSPO and GRPO. Start here: gym train "
                 "configs/starter_gspo.yaml",
        "gym");
    app.set_version_flag("--version", "gym " ZEN_VERSION);
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    Run run;
    addTrain(app, run);
    addEval(app, run);
    addChat(app, run);
    addVerify(app, run);
    addPlan(app, run);
    addReward(app, run);
    addExport(app, run);
    addFetch(app, run);
    addSmallCommands(app, run);
    addBench(app, run);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? kDone : kBadInput;
    }
    return run();
}

} // namespace zen::gym
