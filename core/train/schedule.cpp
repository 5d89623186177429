#include "core/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zen {

namespace {

double cosineFactor(double progress)
{
    return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

} // namespace

Schedule scheduleOf(const OptimizerSection& section, std::int64_t total_steps)
{
    Schedule schedule;
    schedule.type = section.lr_scheduler_type;
    schedule.peak = section.learning_rate;
    schedule.min_lr_rate = section.min_lr_rate;
    schedule.total_steps = std::max<std::int64_t>(total_steps, 1);
    schedule.warmup_steps = section.warmup_steps;
    if (section.warmup_steps == 0)
        schedule.warmup_steps = static_cast<std::int64_t>(
            std::ceil(section.warmup_ratio * static_cast<double>(schedule.total_steps)));
    return schedule;
}

double learningRate(const Schedule& schedule, std::int64_t step)
{
    if (schedule.type == SchedulerType::constant)
        return schedule.peak;
    if (step < schedule.warmup_steps)
        return schedule.peak * static_cast<double>(step)
            / static_cast<double>(std::max<std::int64_t>(schedule.warmup_steps, 1));
    if (schedule.type == SchedulerType::constant_with_warmup)
        return schedule.peak;
    const double span = static_cast<double>(
        std::max<std::int64_t>(schedule.total_steps - schedule.warmup_steps, 1));
    const double progress = static_cast<double>(step - schedule.warmup_steps) / span;
    switch (schedule.type) {
    case SchedulerType::cosine:
        return schedule.peak * cosineFactor(progress);
    case SchedulerType::cosine_with_min_lr:
        return schedule.peak
            * (cosineFactor(progress) * (1 - schedule.min_lr_rate) + schedule.min_lr_rate);
    default:
        return schedule.peak * std::max(0.0, 1 - progress);
    }
}

} // namespace zen
