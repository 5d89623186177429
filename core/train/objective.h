#pragma once

#include "core/base/result.h"
#include "core/runs/events.h"
#include "core/train/run_context.h"
#include "core/train/training_state.h"

#include <cstdint>
#include <memory>

namespace zen {

/// What one optimiser step is made from.
struct StepOutcome {
    double loss = 0;
    Metrics metrics; ///< of this step; the trainer adds gradient norm, learning rate, times
    double update_tokens = 0; ///< tokens that went through forward and backward …
    double update_seconds = 0; ///< … in this time
};

/// Where a stage's gradients come from: rollouts and rewards, or demonstrations.
class Objective {
public:
    virtual ~Objective() = default;

    virtual std::int64_t totalSteps() const = 0;

    /// Passes over the training data after the steps done so far.
    virtual double epoch(const TrainingState& state) const = 0;

    /// Adds the gradients of the next step's loss to the trained tensors and moves the state past
    /// the data used.
    virtual StepOutcome accumulateGradients(TrainingState& state) = 0;
};

/// GRPO and GSPO. Errors: fewer usable prompts than one generation needs, settings that cannot
/// sample.
Result<std::unique_ptr<Objective>> makePolicyObjective(RunContext& context);

/// Supervised fine-tuning. Errors: no row with a reference response.
Result<std::unique_ptr<Objective>> makeSftObjective(RunContext& context);

} // namespace zen
