#pragma once

#include "core/config/training_config.h"

#include <cstdint>

namespace zen {

/// Learning rate by optimiser step, as Hugging Face's schedulers define it
/// (transformers/optimization.py).
struct Schedule {
    SchedulerType type = SchedulerType::linear;
    double peak = 0;
    double min_lr_rate = 0.1; ///< floor of cosine_with_min_lr, as a share of peak
    std::int64_t warmup_steps = 0;
    std::int64_t total_steps = 1;
};

/// warmup_steps if not 0, else ceil(warmup_ratio x total_steps).
Schedule scheduleOf(const OptimizerSection& section, std::int64_t total_steps);

/// The rate that step number `step` (from 0) is taken with.
double learningRate(const Schedule& schedule, std::int64_t step);

} // namespace zen
