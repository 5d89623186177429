#pragma once

#include "core/algorithm/logprobs.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/model/qwen3.h"
#include "core/text/tokenizer.h"
#include "core/train/batching.h"
#include "core/weights/checkpoint_folder.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// What is trained, what its KL is taken to, and the text around it.
struct Policy {
    CheckpointFolder checkpoint;
    Qwen3 model;
    std::optional<Qwen3>
        frozen_reference; ///< where disabling the adapter does not give the reference
    Tokenizer tokenizer;
    std::vector<std::int64_t> eos_ids;
    at::ScalarType weight_type = at::kFloat; ///< of products; also where weights are in 4 bits
    std::string fingerprint; ///< SHA-256 over the model's files (headers of weights), tokenizer and
                             ///< start adapter
};

struct PolicyOptions {
    bool trainable = true; ///< a new or continued adapter, or trainable weights
    std::optional<at::ScalarType>
        weight_type; ///< of an earlier session of the same run; empty: as configured
    std::function<void(double fraction)> on_progress;
};

/// Loads model, tokenizer and adapter as the (resolved) configuration says.
Result<Policy> loadPolicy(const TrainingConfig& config, const PolicyOptions& options);

/// The type of products and how weights of this shape are held, as the configuration says. Error:
/// full fine-tuning of 4-bit weights.
Result<LoadOptions> weightFormatOf(const TrainingConfig& config, const Qwen3Shape& shape);

/// Random weights of this shape in the configuration's type, with a new adapter and a tokenizer of
/// bytes: for measuring.
Result<Policy> randomPolicy(const TrainingConfig& resolved, const Qwen3Shape& shape);

/// A model without training: chat, evaluation. `adapter` may be empty.
Result<Policy> loadPolicyForUse(
    const std::string& model_name_or_path, const std::filesystem::path& adapter, WeightType dtype);

/// "bfloat16" or "float32".
std::string nameOfWeightType(at::ScalarType type);

/// Log-probabilities of a batch's targets under a model, in the order of the batch; see
/// tokenLogprobs.
TokenLogprobs scoreTargets(const Qwen3& model, const TokenBatch& batch,
    const ForwardOptions& forward, double temperature, std::int64_t chunk_tokens,
    LogprobDetail detail);

/// The reference policy's log-probabilities, without gradient.
at::Tensor referenceLogprobs(
    const Policy& policy, const TokenBatch& batch, double temperature, std::int64_t chunk_tokens);

} // namespace zen
