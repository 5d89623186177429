#pragma once

#include "core/config/training_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

namespace zen {

// B rows, T completion tokens

/// How a batch of rows is turned into one number (training-spec 1.2 to 1.5); a resolved
/// AlgorithmSection in short form.
struct PolicyLossSettings {
    ImportanceLevel level = ImportanceLevel::token;
    LossType loss_type = LossType::grpo;
    double epsilon = 0.2;
    double epsilon_high = 0.2;
    double delta = 0; ///< 0: off
    double beta = 0;
    std::int64_t max_completion_length = 0; ///< dr_grpo's divisor
};
PolicyLossSettings policyLossSettings(const TrainingConfig& resolved);

struct PolicyLossInputs {
    at::Tensor logprobs_BT; ///< float32; carries the gradient
    at::Tensor old_logprobs_BT; ///< float32; undefined: on-policy, the ratio is 1
    at::Tensor reference_logprobs_BT; ///< float32; undefined if beta is 0
    at::Tensor entropies_BT; ///< float32; may be undefined
    at::Tensor unscaled_logprobs_BT; ///< float32, at temperature 1, for policy/nll; undefined:
                                     ///< logprobs_BT serve
    at::Tensor mask_BT; ///< bool or float32, true on completion tokens up to the first end of text
    at::Tensor advantages_B; ///< float32
};

/// What the whole optimiser step divides by, known before the first backward, so that the result
/// does not depend on the micro-batches: rows and active tokens of all micro-batches of the step.
struct StepNormalizer {
    double rows = 0;
    double active_tokens = 0;
    /// Where a micro-batch is learned from in parts: its rows and active tokens, by which bnpo
    /// divides. 0: the rows given are the whole micro-batch.
    double micro_batch_rows = 0;
    double micro_batch_tokens = 0;
};

struct PolicyLoss {
    at::Tensor loss; ///< scalar; the sum over micro-batches of a step is the step's loss
    /// Sums and counts from which the step's metrics follow (see policyMetrics); detached.
    std::map<std::string, double> sums;
};

/// GRPO and GSPO (arXiv 2402.03300, 2507.18071; huggingface/trl trl/trainer/grpo_trainer.py).
/// bnpo divides by its micro-batch's own tokens and then by that one's share of rows, as TRL does.
PolicyLoss policyLoss(
    const PolicyLossInputs& inputs, const PolicyLossSettings& settings, const StepNormalizer& step);

/// Metrics of a step from the added sums: kl (only if beta != 0), entropy, clip_ratio/{low_mean,
/// high_mean, region_mean, low_min, high_max}, policy/nll, policy/ppl.
std::map<std::string, double> policyMetrics(const std::map<std::string, double>& sums);

/// Adds the sums of another micro-batch (min and max entries combine as such).
void addSums(std::map<std::string, double>& total, const std::map<std::string, double>& more);

} // namespace zen
