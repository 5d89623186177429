#include "core/algorithm/sft_loss.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

at::Tensor sftLoss(const at::Tensor& logprobs_N, double step_tokens)
{
    return logprobs_N.sum().div(-std::max(step_tokens, 1.0));
}

} // namespace zen
