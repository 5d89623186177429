#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"

namespace zen {

/// Rules over several fields (errors and warnings) and the seed's best practices (advice), each with the key to
/// jump to and, where there is one obvious repair, a fix. Single-field types and ranges are the schema's.
/// Errors: fewer than 2 completions a prompt; generation batch not divisible by num_generations or by the
/// batch; completion longer than the context; an RL stage without rewards or dataset; an unknown reward type or
/// parameter; epsilon_high < epsilon; delta <= 1 + epsilon_high; quantization with finetuning_type full; …
/// Warnings: sequence level with a token-mean loss; clip ranges that do not fit the level; top_p/top_k/min_p
/// in an RL run; eval_strategy without held-out data; …
Diagnostics validate(const TrainingConfig& config);

} // namespace zen
