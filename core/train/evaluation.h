#pragma once

#include "core/data/dataset.h"
#include "core/reward/rubric.h"
#include "core/runs/events.h"
#include "core/train/policy.h"

#include <functional>
#include <string>

namespace zen {

/// What held-out rows are asked.
struct EvaluationPlan {
    const TrainingConfig& config; ///< resolved: lengths, eval batch, number of rows
    const Rubric* rubric
        = nullptr; ///< nullptr: nothing is generated, only the reference text is scored
    bool with_base = false; ///< also the perplexity with the adapter off
    std::function<void(double fraction)> on_progress; ///< may throw to end the evaluation
    std::string name = "evaluation"; ///< for messages
    std::function<void(const std::string&)> on_warning
        = {}; ///< memory ran out, and what is done then
};

/// Greedy completions scored by the rubric, and the perplexity of the reference text, prompt tokens
/// left out: eval/accuracy (share of rows whose accuracy term is at least 0.5), eval/reward,
/// eval/mean_length, eval/clipped_ratio, eval/loss and eval/ppl (mean NLL of the reference text and
/// its exponential), eval/ppl_base, eval/rows. A metric that has no rows behind it is absent. When
/// memory runs out, fewer rows are answered or read at a time; throws MemoryExhausted when one is
/// too much.
Metrics evaluateHeldOut(const Policy& policy, const Dataset& held_out, const EvaluationPlan& plan);

} // namespace zen
