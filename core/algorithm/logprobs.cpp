#include "core/algorithm/logprobs.h"

#include "core/model/kernels.h"
#include "core/model/parallel.h"
#include "core/model/scratch.h"
#include "core/model/work_sizes.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace zen {

// C tokens of one chunk, W rows of one tile of the head

namespace {

std::int64_t tileRows(const at::Tensor& lm_head_VD)
{
    return std::max<std::int64_t>(kHeadTile / lm_head_VD.size(1), 64);
}

/// [C, V] float32, in a tensor of its own.
at::Tensor chunkLogits(const at::Tensor& hidden_CD, const at::Tensor& lm_head_VD)
{
    if (lm_head_VD.scalar_type() == at::kFloat)
        return at::mm(hidden_CD, lm_head_VD.t());
    const std::int64_t vocabulary = lm_head_VD.size(0), tile = tileRows(lm_head_VD);
    at::Tensor logits_CV = at::empty({ hidden_CD.size(0), vocabulary }, hidden_CD.options());
    for (std::int64_t begin = 0; begin < vocabulary; begin += tile) {
        const std::int64_t rows = std::min(tile, vocabulary - begin);
        const at::Tensor tile_WD = lm_head_VD.narrow(0, begin, rows).to(at::kFloat);
        at::Tensor place_CW = logits_CV.narrow(1, begin, rows);
        at::mm_out(place_CW, hidden_CD, tile_WD.t());
    }
    return logits_CV;
}

at::Tensor timesHead(const at::Tensor& grad_CV, const at::Tensor& lm_head_VD)
{
    if (lm_head_VD.scalar_type() == at::kFloat)
        return at::mm(grad_CV, lm_head_VD);
    const std::int64_t vocabulary = lm_head_VD.size(0), tile = tileRows(lm_head_VD);
    at::Tensor product_CD = at::zeros({ grad_CV.size(0), lm_head_VD.size(1) }, grad_CV.options());
    for (std::int64_t begin = 0; begin < vocabulary; begin += tile) {
        const std::int64_t rows = std::min(tile, vocabulary - begin);
        product_CD.addmm_(
            grad_CV.narrow(1, begin, rows), lm_head_VD.narrow(0, begin, rows).to(at::kFloat));
    }
    return product_CD;
}

void divide(float* numbers, std::int64_t count, float by)
{
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        numbers[i] /= by;
}

void subtract(float* numbers, std::int64_t count, float what)
{
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        numbers[i] -= what;
}

/// What one token's logits come to.
struct TokenNumbers {
    float logprob = 0, entropy = 0, unscaled = 0;
};

/// Uses `logits` up; entropy and `unscaled` only with detail.
TokenNumbers tokenNumbers(float* logits, std::int64_t vocabulary, std::int64_t target,
    float temperature, bool with_detail)
{
    const Kernels& run = kernels();
    const auto bytes = static_cast<std::size_t>(vocabulary) * sizeof(float);
    TokenNumbers numbers;
    Scratch scratch;
    float* copy = with_detail ? scratch.floats(vocabulary) : nullptr;
    if (with_detail && temperature != 1.0f) {
        std::memcpy(copy, logits, bytes);
        numbers.unscaled = logits[target] - run.softmax(copy, vocabulary, vocabulary);
    }
    if (temperature != 1.0f)
        divide(logits, vocabulary, temperature);
    if (with_detail)
        std::memcpy(copy, logits, bytes);
    const float at_target = logits[target];
    const float log_sum = run.softmax(logits, vocabulary, vocabulary);
    numbers.logprob = at_target - log_sum;
    if (!with_detail)
        return numbers;
    if (temperature == 1.0f)
        numbers.unscaled = numbers.logprob;
    subtract(copy, vocabulary, log_sum);
    numbers.entropy = -run.dot(logits, copy, vocabulary);
    return numbers;
}

/// logits -> grad x d logprob / d logits, in place: grad ([j is the target] - p_j).
void gradientOfLogits(
    float* logits, std::int64_t vocabulary, std::int64_t target, float temperature, float grad)
{
    if (temperature != 1.0f)
        divide(logits, vocabulary, temperature);
    kernels().softmax(logits, vocabulary, vocabulary);
#pragma omp simd
    for (std::int64_t i = 0; i < vocabulary; ++i)
        logits[i] *= -grad;
    logits[target] += grad;
}

struct ChunkedLogprobs : torch::autograd::Function<ChunkedLogprobs> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
        const at::Tensor& hidden_ND, const at::Tensor& lm_head_VD, const at::Tensor& targets_N,
        double temperature, std::int64_t chunk_tokens, bool with_detail)
    {
        const c10::NoGradGuard no_grad;
        const std::int64_t tokens = hidden_ND.size(0), vocabulary = lm_head_VD.size(0);
        at::Tensor logprobs_N = at::empty({ tokens }, hidden_ND.options());
        at::Tensor entropies_N = with_detail ? at::empty_like(logprobs_N) : at::Tensor();
        at::Tensor unscaled_N = with_detail ? at::empty_like(logprobs_N) : at::Tensor();
        const auto* targets = targets_N.data_ptr<std::int64_t>();
        for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
            const std::int64_t count = std::min(chunk_tokens, tokens - begin);
            const at::Tensor logits_CV = chunkLogits(hidden_ND.narrow(0, begin, count), lm_head_VD);
            float* logits = logits_CV.data_ptr<float>();
            parallelFor(count, [&](std::int64_t i) {
                const TokenNumbers numbers = tokenNumbers(logits + i * vocabulary, vocabulary,
                    targets[begin + i], static_cast<float>(temperature), with_detail);
                logprobs_N.data_ptr<float>()[begin + i] = numbers.logprob;
                if (!with_detail)
                    return;
                entropies_N.data_ptr<float>()[begin + i] = numbers.entropy;
                unscaled_N.data_ptr<float>()[begin + i] = numbers.unscaled;
            });
        }

        context->save_for_backward({ hidden_ND, lm_head_VD, targets_N });
        context->saved_data["temperature"] = temperature;
        context->saved_data["chunk_tokens"] = chunk_tokens;
        if (!with_detail)
            return { logprobs_N };
        context->mark_non_differentiable({ entropies_N, unscaled_N });
        return { logprobs_N, entropies_N, unscaled_N };
    }

    /// d logprob / d logit_j = ([j is the target] - p_j) / temperature.
    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext* context, torch::autograd::variable_list grads)
    {
        const auto saved = context->get_saved_variables();
        const at::Tensor &hidden_ND = saved[0], &lm_head_VD = saved[1], &targets_N = saved[2];
        const double temperature = context->saved_data["temperature"].toDouble();
        const std::int64_t chunk_tokens = context->saved_data["chunk_tokens"].toInt();
        const at::Tensor grad_N = grads[0].div(temperature).contiguous();
        const float* grads_of_targets = grad_N.data_ptr<float>();
        const auto* targets = targets_N.data_ptr<std::int64_t>();

        at::Tensor grad_hidden_ND = at::empty_like(hidden_ND);
        at::Tensor grad_head_VD;
        if (lm_head_VD.requires_grad())
            grad_head_VD = at::zeros(lm_head_VD.sizes(), lm_head_VD.options().dtype(at::kFloat));
        const std::int64_t tokens = hidden_ND.size(0), vocabulary = lm_head_VD.size(0);
        for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
            const std::int64_t count = std::min(chunk_tokens, tokens - begin);
            const at::Tensor hidden_CD = hidden_ND.narrow(0, begin, count);
            const at::Tensor grad_CV = chunkLogits(hidden_CD, lm_head_VD);
            float* logits = grad_CV.data_ptr<float>();
            parallelFor(count, [&](std::int64_t i) {
                gradientOfLogits(logits + i * vocabulary, vocabulary, targets[begin + i],
                    static_cast<float>(temperature), grads_of_targets[begin + i]);
            });
            grad_hidden_ND.narrow(0, begin, count).copy_(timesHead(grad_CV, lm_head_VD));
            if (grad_head_VD.defined())
                grad_head_VD.addmm_(grad_CV.t(), hidden_CD);
        }
        if (grad_head_VD.defined())
            grad_head_VD = grad_head_VD.to(lm_head_VD.scalar_type());
        return { grad_hidden_ND, grad_head_VD, {}, {}, {}, {} };
    }
};

} // namespace

TokenLogprobs tokenLogprobs(const at::Tensor& hidden_ND, const at::Tensor& lm_head_VD,
    const at::Tensor& targets_N, double temperature, std::int64_t chunk_tokens,
    LogprobDetail detail)
{
    TORCH_CHECK(hidden_ND.dim() == 2 && targets_N.dim() == 1
            && hidden_ND.size(0) == targets_N.size(0) && temperature > 0 && chunk_tokens > 0,
        "tokenLogprobs: shapes or settings do not fit");
    const auto results = ChunkedLogprobs::apply(hidden_ND.contiguous(), lm_head_VD,
        targets_N.contiguous(), temperature, chunk_tokens, detail == LogprobDetail::all);
    if (detail == LogprobDetail::targets)
        return { results[0], {}, {} };
    return { results[0], results[1], results[2] };
}

} // namespace zen
