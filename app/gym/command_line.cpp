#include "app/gym/command_line.h"

#include "app/gym/commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <functional>
#include <memory>
#include <string>

namespace zen::gym {

namespace {

using Run = std::function<int()>;

void addConfig(CLI::App* command, ConfigArguments& source, bool required = true)
{
    command->add_option("CONFIG", source.config, "A YAML file, e.g. configs/starter_gspo.yaml")
        ->required(required);
    command->allow_extras();
    command->footer(
        "Every key of the configuration can be changed here: --key value, --key=value or "
        "key=value.\n`gym keys` lists them.");
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

    command = app.add_subcommand("bench", "Measure rollout and update speed on this machine");
    auto bench_arguments = addCommand<BenchArguments>(command, run, bench);
    addConfig(command, bench_arguments->source, false);
    command->add_flag("--json", bench_arguments->json, "Print one JSON object");
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
    addFetch(app, run);
    addSmallCommands(app, run);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? kDone : kBadInput;
    }
    return run();
}

} // namespace zen::gym
