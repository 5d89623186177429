#pragma once

#include "scripted_job.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace zen::test {

/// A learning run of `steps` of `total` steps, the same every time: what a page can be fed with.
inline std::vector<Event> syntheticRun(std::int64_t steps, std::int64_t total)
{
    std::uint32_t state = 12345;
    const auto noise = [&state] {
        state = state * 1664525U + 1013904223U;
        return static_cast<double>(state >> 8) / 16777216.0 - 0.5;
    };
    std::vector<Event> events{ startedEvent("run 14", total) };
    events.push_back(EvaluationFinished{
        .step = 0, .metrics = { { "eval/accuracy", 0.21 }, { "eval/reward", 0.2 } } });
    for (std::int64_t step = 1; step <= steps; ++step) {
        const double progress = 1 - std::exp(-static_cast<double>(step) / 60.0);
        StepFinished event = stepEvent(step, total, 0.15 + 0.62 * progress + 0.12 * noise());
        event.metrics["reward_std"] = 0.12 - 0.05 * progress + 0.02 * noise();
        event.metrics["policy/ppl"] = 1.9 - 0.0031 * static_cast<double>(step) + 0.06 * noise();
        event.metrics["loss"] = 0.006 * noise();
        event.metrics["entropy"] = 0.75 - 0.1 * progress + 0.03 * noise();
        event.metrics["kl"] = 0.02 * progress + 0.004 * noise();
        event.metrics["grad_norm"] = 0.4 + 0.2 * noise();
        event.metrics["learning_rate"]
            = 2e-3 * (1 - static_cast<double>(step) / static_cast<double>(total));
        event.metrics["num_tokens"] = 4096.0 * static_cast<double>(step);
        events.push_back(event);
        if (step % 100 == 0) {
            events.push_back(
                CheckpointSaved{ .step = step, .path = "checkpoints/step", .bytes = 1000 });
            events.push_back(EvaluationFinished{
                .step = step, .metrics = { { "eval/accuracy", 0.84 }, { "eval/reward", 0.7 } } });
        }
    }
    return events;
}

} // namespace zen::test
