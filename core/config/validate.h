#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"

namespace zen {

/// Said wherever full fine-tuning meets weights in 4 bits: in a configuration, or in a model's own
/// files.
inline constexpr const char* kFullNeedsWholeWeights
    = "full cannot train 4-bit weights: use lora, or a model of whole weights without quantization";

/// Rules over several fields (errors and warnings) and the seed's best practices (advice), each
/// with the key to jump to and, where there is one obvious repair, a fix. Single-field types and
/// ranges are the schema's. Errors: fewer than 2 completions a prompt; generation batch not
/// divisible by num_generations, or not used up by whole optimiser steps; completion longer than
/// the context; an RL stage without rewards; no dataset; an unknown reward type or parameter, two
/// rewards of one name; epsilon_high < epsilon; delta <= 1 + epsilon_high; quantization with
/// finetuning_type full; bf16 against dtype; … Warnings: sequence level with a token-mean loss;
/// clip ranges that do not fit the level; eval_strategy without held-out data; … Advice:
/// top_p/top_k/min_p in an RL run; GSPO or GRPO by size; start small; batch against memory; …
Diagnostics validate(const TrainingConfig& config);

/// The advice alone (validate() includes it).
Diagnostics adviceFor(const TrainingConfig& config);

/// Billions of parameters that a model's name states (Qwen/Qwen3-0.6B: 0.6); 0 if it states none.
double statedBillions(const std::string& model_name_or_path);

} // namespace zen
