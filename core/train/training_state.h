#pragma once

#include "core/train/batching.h"
#include "core/train/metric_window.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// Everything besides weights and moments that a run needs to go on as if it had never stopped.
/// Which data, which noise and which learning rate come next follow from these counters and the
/// seed alone.
struct TrainingState {
    std::int64_t step = 0; ///< optimiser steps done

    std::int64_t generations
        = 0; ///< generation batches made; chooses the next prompts and the sampler's noise
    /// The current generation batch, shuffled; null: none. Copies of the state share it.
    std::shared_ptr<const std::vector<RolloutRow>> buffer;
    Metrics buffer_metrics; ///< rewards, lengths and speed of that batch; repeated in every step
                            ///< that learns from it
    std::int64_t buffer_cursor
        = 0; ///< micro-batches already taken from it, over all its iterations
    std::int64_t unscored_in_a_row = 0; ///< generation batches that were mostly unscored

    double num_tokens = 0; ///< prompt and completion tokens seen
    double seconds = 0; ///< spent in earlier sessions
    std::int64_t non_finite_steps = 0;
    std::int64_t non_finite_in_a_row = 0;
    MetricWindow window;
    std::optional<double> reward_first, reward_last;
    std::optional<double> eval_accuracy_before, eval_ppl_base;
};

/// What a checkpoint was made from; a run may only be resumed on the same.
struct RunIdentity {
    std::string model; ///< fingerprints
    std::string data;
    std::map<std::string, std::string>
        fields; ///< configuration keys that change what is learned, as YAML
};

/// One line for each difference, naming the key and both values; empty if the run may go on.
std::vector<std::string> differences(const RunIdentity& saved, const RunIdentity& now);

/// A checkpoint in memory.
struct Snapshot {
    TrainingState state;
    RunIdentity identity;
    std::string weight_type; ///< of the frozen weights: `auto` must not choose anew on resume
    std::map<std::string, at::Tensor> parameters; ///< trained tensors by name
    at::Tensor first_moment, second_moment;
    std::int64_t updates = 0; ///< of the optimizer
};

} // namespace zen
