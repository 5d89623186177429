#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace zen::gym {

/// What a command returns to the shell.
enum ExitCode : int {
    kDone = 0,
    kFailed = 1,
    kBadInput = 2, ///< usage, configuration, or files that are not there; nothing was started
    kHungUp = 129,
    kInterrupted = 130,
    kTerminated = 143,
};

// One struct and one function a command; command_line.cpp fills the structs, <command>.cpp holds
// the function.

/// A configuration file and what the command line changes in it.
struct ConfigArguments {
    std::string config;
    std::vector<std::string> overrides; ///< as typed: --key value, --key=value, key=value
};

struct TrainArguments {
    ConfigArguments source;
    bool json = false; ///< events as JSON lines on standard output
    bool shuffle_rewards = false;
};
int train(const TrainArguments& arguments);

struct EvalArguments {
    ConfigArguments source;
    std::filesystem::path adapter;
    bool json = false;
};
int evaluate(const EvalArguments& arguments);

struct ChatArguments {
    std::string model;
    std::filesystem::path adapter;
    std::string system_prompt;
    double temperature = 0.6;
    double top_p = 0.95;
    std::int64_t top_k = 20;
    std::int64_t max_new_tokens = 1024;
    std::uint64_t seed = 0;
    bool no_thinking = false;
};
int chat(const ChatArguments& arguments);

struct VerifyArguments {
    std::filesystem::path folder;
    std::filesystem::path
        tokenizer; ///< a tokenizer.json or its folder; empty: looked for beside the cases
};
int verify(const VerifyArguments& arguments);

struct PlanArguments {
    ConfigArguments source;
    std::string memory; ///< to fit, e.g. 8GB; empty: this machine's
    bool json = false;
};
int plan(const PlanArguments& arguments);

struct RewardArguments {
    std::string config;
    std::string dataset; ///< empty: the configuration's own
    std::filesystem::path completions; ///< empty: the rows' reference answers are scored
    std::size_t limit = 10;
    bool json = false;
};
int reward(const RewardArguments& arguments);

struct KeysArguments {
    bool json = false;
};
int keys(const KeysArguments& arguments);

struct CheckArguments {
    ConfigArguments source;
    bool start = false; ///< also what a start needs: weights, data, memory, disk
    bool json = false;
};
int check(const CheckArguments& arguments);

struct RunsArguments {
    std::filesystem::path folder = "runs";
    bool json = false;
};
int runs(const RunsArguments& arguments);

struct FetchArguments {
    std::string model; ///< a repository of the hub
    std::string revision = "main";
    std::vector<std::string> include;
    std::filesystem::path to; ///< empty: the hub's cache
};
int fetch(const FetchArguments& arguments);

struct StarterArguments {
    std::filesystem::path output;
    std::filesystem::path config; ///< empty: configs/starter_sft.yaml
};
int starter(const StarterArguments& arguments);

struct ExportArguments {
    ConfigArguments source; ///< for weights and metrics its config is a run's folder or a model
    std::string to; ///< a tool, weights or metrics: the command's help lists them
    std::filesystem::path output; ///< empty: standard output; weights and metrics: inside the run
    std::filesystem::path onto; ///< a file of that tool to write the settings into
    bool bundle = false;
    bool command = false; ///< print the command line instead
    std::string dtype; ///< of weights; empty: the model's own
    std::string max_shard_size = "5GB";
};
int exportTo(const ExportArguments& arguments);

struct ImportArguments {
    std::filesystem::path file;
    std::string from; ///< empty: recognised
    std::filesystem::path output; ///< empty: standard output
};
int importConfigFile(const ImportArguments& arguments);

struct BenchArguments {
    ConfigArguments source; ///< config empty: configs/starter_gspo.yaml
    bool json = false;
};
int bench(const BenchArguments& arguments);

struct BenchMemoryArguments {
    ConfigArguments source; ///< its changes alone: the configuration is the tier's
    std::string tier;
    std::string quantization; ///< none or 4bit; empty: the configuration's
    std::int64_t new_tokens = 0; ///< 0: all that a completion may have
    bool json = false;
};
int benchMemory(const BenchMemoryArguments& arguments);

struct BenchLoadArguments {
    ConfigArguments source; ///< its changes alone: how the weights are held
    std::filesystem::path folder;
    std::string tier; ///< empty: the folder is there
    std::string quantization; ///< none or 4bit; empty: the configuration's
    bool json = false;
};
int benchLoad(const BenchLoadArguments& arguments);

} // namespace zen::gym
