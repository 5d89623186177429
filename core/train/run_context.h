#pragma once

#include "core/config/training_config.h"
#include "core/data/dataset.h"
#include "core/reward/rubric.h"
#include "core/train/control.h"
#include "core/train/policy.h"
#include "core/train/reporter.h"

#include <optional>

namespace zen {

/// Thrown through the trainer when a run is to end at once, without saving.
struct Aborted { };

/// Thrown where a run cannot go on; the message goes to the user.
struct RunError {
    std::string message;
};

/// What all parts of one run share. Built by the trainer; outlives them.
struct RunContext {
    TrainingConfig config; ///< resolved
    Policy policy;
    DatasetSplit data;
    std::optional<Rubric> rubric; ///< empty in an SFT run without rewards
    bool shuffle_rewards = false;
    RunControl& control;
    Reporter& reporter;

    /// Between two pieces of work: waits while the run is paused; throws Aborted when it is to end
    /// at once.
    void checkControl(std::int64_t step) const
    {
        if (control.pauseRequested() && !control.stopRequested()) {
            const Phase before = reporter.currentPhase();
            reporter.phase(Phase::paused, step);
            control.waitWhilePaused();
            reporter.phase(before, step);
        }
        if (control.abortRequested())
            throw Aborted{};
    }
};

} // namespace zen
