#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/model/qwen3_shape.h"
#include "core/runs/events.h"
#include "core/text/chat_template.h"
#include "core/train/control.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zen {

// The seam between the programs and everything with tensors. zen_engine is loaded when a run, a
// chat or a check first needs it, off the window's thread; a program that never trains never loads
// libtorch.

/// A run: the real trainer, or a scripted one in tests.
class TrainingJob {
public:
    virtual ~TrainingJob() = default;
    /// Trains to the last step or until asked to stop. The last event published is RunFinished or
    /// RunFailed, exactly once; no exception leaves this call. Call once, on a thread of its own.
    virtual void run(RunControl& control, EventSink& sink) noexcept = 0;
};

struct TrainerOptions {
    TrainingConfig config; ///< as read; resolved by the trainer
    std::string config_yaml; ///< the text that goes to config.yaml; empty: written from config
    bool shuffle_rewards
        = false; ///< control experiment: rewards permuted across rows; must not learn
    bool console_log = true; ///< also write console.log
    bool background
        = false; ///< lower the training thread's priority, so that a window stays responsive
};

/// A conversation with a model, or with a run's adapter on it.
class ChatSession {
public:
    virtual ~ChatSession() = default;
    /// The reply; `on_text` gets it piece by piece and may return false to stop.
    virtual Result<std::string> reply(const std::vector<Message>& messages,
        const SamplingSection& sampling, std::int64_t max_new_tokens,
        const std::function<bool(const std::string& piece)>& on_text)
        = 0;
};

struct ChatOptionsForModel {
    std::string model_name_or_path;
    std::filesystem::path adapter; ///< empty: the model alone
    WeightType dtype = WeightType::automatic;
    bool enable_thinking = true;
    std::uint64_t seed = 0;
};

/// One reference case of `gym verify`.
struct VerifyCase {
    std::string name;
    enum class Outcome { passed, failed, skipped } outcome = Outcome::passed;
    double largest_error = 0;
    double tolerance = 0;
    std::string detail; ///< reason of a skip or failure
};

struct EvaluationOptions {
    TrainingConfig config; ///< model, data, rewards, lengths; held-out rows are scored greedily
    std::filesystem::path adapter; ///< empty: the model alone
    std::function<void(double fraction)> on_progress;
};

struct StarterOptions {
    std::filesystem::path output; ///< a new folder
    std::filesystem::path sft_config; ///< configs/starter_sft.yaml
    std::function<void(const std::string& line)> on_line;
};

struct BenchLine {
    std::string name;
    double value = 0;
    std::string unit;
};

struct MemoryBenchOptions {
    TrainingConfig config; ///< gspo or grpo
    Qwen3Shape shape; ///< random weights of this shape, in the configuration's type
    std::int64_t new_tokens = 0; ///< written in the rollout; 0: max_completion_length
    std::function<void(const std::string& phase)> on_phase;
};

/// Resident memory of one GSPO or GRPO step; without the empty process, but for `empty_bytes`.
struct MemoryBench {
    std::uint64_t empty_bytes = 0; ///< the process with the engine loaded, before the weights
    std::uint64_t planned_bytes = 0; ///< the plan's peak without its program
    std::uint64_t peak_bytes = 0;
    std::uint64_t weight_bytes = 0; ///< as stored
    struct Phase {
        std::string name;
        std::uint64_t peak_bytes = 0; ///< during it
        std::uint64_t kept_bytes = 0; ///< at its end
        double seconds = 0;
    };
    std::vector<Phase> phases;
    std::int64_t update_tokens = 0; ///< that went through forward and backward
    std::string warnings; ///< what a run would have logged, a line each
};

struct LoadBenchOptions {
    std::filesystem::path folder; ///< a model in Hugging Face layout
    /// If given and the folder does not exist: first writes random weights of this shape there, in
    /// bfloat16 and several files.
    std::optional<Qwen3Shape> shape;
    TrainingConfig config; ///< how the weights are held: quantization, dtype
    std::function<void(const std::string& phase)> on_phase;
};

/// What loading a checkpoint took. Resident memory without the process before it.
struct LoadBench {
    std::uint64_t file_bytes = 0;
    std::uint64_t weight_bytes = 0; ///< as held
    std::uint64_t peak_bytes = 0;
    double seconds = 0; ///< from the system's cache, if the files are in it
};

class Engine {
public:
    virtual ~Engine() = default;

    /// Checks files and settings that can be checked quickly; weights are loaded inside run().
    virtual Result<std::unique_ptr<TrainingJob>> createTrainer(const TrainerOptions& options) = 0;
    virtual Result<std::unique_ptr<ChatSession>> openChat(const ChatOptionsForModel& options) = 0;
    virtual Result<Metrics> evaluate(const EvaluationOptions& options) = 0;
    /// Calls `on_case` for each case found below `folder`, in a fixed order. Error: the folder
    /// holds none.
    virtual Result<void> verify(const std::filesystem::path& folder,
        const std::filesystem::path& tokenizer_json,
        const std::function<void(const VerifyCase&)>& on_case)
        = 0;
    /// Speed of rollout and update of a model of this configuration.
    virtual Result<std::vector<BenchLine>> bench(const TrainingConfig& config) = 0;
    /// Peak memory of one step with random weights: load, rollout, old log-probabilities where the
    /// objective needs them, update of one micro-batch of full length, optimiser. Errors: settings
    /// that cannot be run, too little memory.
    virtual Result<MemoryBench> benchMemory(const MemoryBenchOptions& options) = 0;
    /// Time and peak memory of loading a checkpoint. Errors: as Qwen3::load; the folder cannot be
    /// written.
    virtual Result<LoadBench> benchLoad(const LoadBenchOptions& options) = 0;
    /// Makes the starter model from nothing: data, tokenizer, random weights, SFT (see
    /// configs/starter_sft.yaml).
    virtual Result<void> makeStarter(const StarterOptions& options) = 0;
};

/// The engine, loaded from libzen_engine.so beside the program on the first call (0.75 s; any
/// thread). Error: the library or one that it needs is missing (the linker's text is in the
/// message). The engine lives until the process ends.
Result<Engine*> loadEngine();

} // namespace zen
