#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zen {

enum class Phase { loading, generating, scoring, updating, evaluating, saving, paused, finished };
std::string_view nameOf(Phase phase); ///< "generating" …

struct RunStarted {
    std::string run_name;
    std::string stage; ///< gspo, grpo, sft
    std::string model;
    std::int64_t first_step = 0; ///< steps already done (a resumed run)
    std::int64_t total_steps = 0;
    std::uint64_t planned_memory_bytes = 0;
    std::uint64_t parameters = 0;
    std::uint64_t trainable_parameters = 0;
    std::string weight_type; ///< bfloat16 or float32
    bool operator==(const RunStarted&) const = default;
};

struct PhaseChanged {
    Phase phase = Phase::loading;
    std::int64_t step = 0; ///< the step being worked on, from 1
    double fraction = 0; ///< 0 to 1 inside the phase; repeated with growing fraction in long phases
    bool operator==(const PhaseChanged&) const = default;
};

/// Metrics carry TRL's names: loss, reward, reward_std, entropy, clip_ratio/region_mean,
/// completions/mean_length, grad_norm, learning_rate, num_tokens, step_time, …; ours: policy/ppl,
/// policy/nll, speed/rollout_tokens_per_second, speed/update_tokens_per_second, memory/peak_bytes.
using Metrics = std::map<std::string, double>;

struct StepFinished {
    std::int64_t step = 0; ///< from 1
    std::int64_t total_steps = 0;
    double epoch = 0;
    Metrics metrics;
    bool operator==(const StepFinished&) const = default;
};

/// eval/accuracy, eval/reward, eval/ppl, eval/mean_length, eval/rows …
struct EvaluationFinished {
    std::int64_t step = 0; ///< 0: before the first step
    Metrics metrics;
    bool operator==(const EvaluationFinished&) const = default;
};

struct SampledCompletion {
    std::string text;
    std::vector<std::int64_t> ids; ///< may be empty in old logs
    std::vector<float> logprobs;
    std::vector<std::optional<double>> reward_terms;
    std::optional<double> reward;
    double advantage = 0;
    bool truncated = false;
    bool operator==(const SampledCompletion&) const = default;
};

struct SampledGroup {
    std::string prompt; ///< rendered text
    std::string answer; ///< the row's answer column
    std::vector<SampledCompletion> completions;
    bool operator==(const SampledGroup&) const = default;
};

struct CompletionsSampled {
    std::int64_t step = 0;
    std::vector<std::string> reward_names;
    std::vector<SampledGroup> groups;
    bool operator==(const CompletionsSampled&) const = default;
};

struct LogLine {
    std::string level; ///< info, warning, error
    std::string text;
    bool operator==(const LogLine&) const = default;
};

struct CheckpointSaved {
    std::int64_t step = 0;
    std::string path;
    std::uint64_t bytes = 0;
    bool operator==(const CheckpointSaved&) const = default;
};

/// summary.json holds the same fields.
struct RunFinished {
    std::string status; ///< completed, stopped
    std::int64_t steps = 0;
    double seconds = 0;
    std::optional<double> eval_accuracy_before, eval_accuracy_after;
    std::optional<double> reward_first, reward_last;
    std::uint64_t planned_memory_bytes = 0;
    std::uint64_t peak_memory_bytes = 0;
    bool operator==(const RunFinished&) const = default;
};

struct RunFailed {
    std::string message;
    std::string checkpoint; ///< newest valid one to resume from; empty if none
    bool operator==(const RunFailed&) const = default;
};

using Event = std::variant<RunStarted, PhaseChanged, StepFinished, EvaluationFinished,
    CompletionsSampled, LogLine, CheckpointSaved, RunFinished, RunFailed>;

/// One JSON object without line breaks: {"event":"step_finished","time":"2026-…Z", …}. Non-finite
/// numbers become null.
std::string toJsonLine(const Event& event, std::string_view utc_time);

/// The inverse; unknown extra keys are ignored. Errors say what is wrong with the line.
Result<Event> fromJsonLine(std::string_view line);

/// Now, as 2026-11-24T03:35:00.123Z.
std::string utcNow();

/// Receives a run's events, in order, on the trainer's thread. Implementations do not wait and do
/// not throw.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void publish(const Event& event) = 0;
};

} // namespace zen
