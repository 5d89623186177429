#pragma once

#include <ATen/core/Tensor.h>

namespace zen {

/// Mean negative log-likelihood over the learned tokens of a whole optimiser step: a micro-batch's
/// part of it. The sum over the step's micro-batches does not depend on how the step was cut.
/// @param logprobs_N   float32, nats, of this micro-batch's learned tokens; carries the gradient
/// @param step_tokens  learned tokens in all micro-batches of the step
at::Tensor sftLoss(const at::Tensor& logprobs_N, double step_tokens);

} // namespace zen
