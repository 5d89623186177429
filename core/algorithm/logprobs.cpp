#include "core/algorithm/logprobs.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

namespace zen {

// C tokens of one chunk, W rows of one tile of the head

namespace {

/// Rows of a bfloat16 head that are float32 at the same time.
constexpr std::int64_t kHeadTile = 8192;

at::Tensor chunkLogits(const at::Tensor& hidden_CD, const at::Tensor& lm_head_VD)
{
    if (lm_head_VD.scalar_type() == at::kFloat)
        return at::mm(hidden_CD, lm_head_VD.t());
    const std::int64_t vocabulary = lm_head_VD.size(0);
    at::Tensor logits_CV = at::empty({ hidden_CD.size(0), vocabulary }, hidden_CD.options());
    for (std::int64_t begin = 0; begin < vocabulary; begin += kHeadTile) {
        const std::int64_t rows = std::min(kHeadTile, vocabulary - begin);
        const at::Tensor tile_WD = lm_head_VD.narrow(0, begin, rows).to(at::kFloat);
        logits_CV.narrow(1, begin, rows).copy_(at::mm(hidden_CD, tile_WD.t()));
    }
    return logits_CV;
}

at::Tensor timesHead(const at::Tensor& grad_CV, const at::Tensor& lm_head_VD)
{
    if (lm_head_VD.scalar_type() == at::kFloat)
        return at::mm(grad_CV, lm_head_VD);
    const std::int64_t vocabulary = lm_head_VD.size(0);
    at::Tensor product_CD = at::zeros({ grad_CV.size(0), lm_head_VD.size(1) }, grad_CV.options());
    for (std::int64_t begin = 0; begin < vocabulary; begin += kHeadTile) {
        const std::int64_t rows = std::min(kHeadTile, vocabulary - begin);
        product_CD.addmm_(
            grad_CV.narrow(1, begin, rows), lm_head_VD.narrow(0, begin, rows).to(at::kFloat));
    }
    return product_CD;
}

at::Tensor atTargets(const at::Tensor& values_CV, const at::Tensor& targets_C)
{
    return values_CV.gather(1, targets_C.unsqueeze(1)).squeeze(1);
}

struct ChunkedLogprobs : torch::autograd::Function<ChunkedLogprobs> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
        const at::Tensor& hidden_ND, const at::Tensor& lm_head_VD, const at::Tensor& targets_N,
        double temperature, std::int64_t chunk_tokens, bool with_detail)
    {
        const c10::NoGradGuard no_grad;
        const std::int64_t tokens = hidden_ND.size(0);
        at::Tensor logprobs_N = at::empty({ tokens }, hidden_ND.options());
        at::Tensor entropies_N = with_detail ? at::empty_like(logprobs_N) : at::Tensor();
        at::Tensor unscaled_N = with_detail ? at::empty_like(logprobs_N) : at::Tensor();
        for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
            const std::int64_t count = std::min(chunk_tokens, tokens - begin);
            at::Tensor logits_CV = chunkLogits(hidden_ND.narrow(0, begin, count), lm_head_VD);
            const at::Tensor targets_C = targets_N.narrow(0, begin, count);
            if (with_detail && temperature != 1.0)
                unscaled_N.narrow(0, begin, count)
                    .copy_(atTargets(at::log_softmax(logits_CV, 1), targets_C));
            if (temperature != 1.0)
                logits_CV.div_(temperature);
            const at::Tensor all_logprobs_CV = at::log_softmax(logits_CV, 1);
            logprobs_N.narrow(0, begin, count).copy_(atTargets(all_logprobs_CV, targets_C));
            if (with_detail)
                entropies_N.narrow(0, begin, count)
                    .copy_(at::exp_out(logits_CV, all_logprobs_CV)
                               .mul_(all_logprobs_CV)
                               .sum(1)
                               .neg_());
        }
        if (with_detail && temperature == 1.0)
            unscaled_N.copy_(logprobs_N);

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
        const at::Tensor grad_N = grads[0].div(temperature);

        at::Tensor grad_hidden_ND = at::empty_like(hidden_ND);
        at::Tensor grad_head_VD;
        if (lm_head_VD.requires_grad())
            grad_head_VD = at::zeros(lm_head_VD.sizes(), lm_head_VD.options().dtype(at::kFloat));
        const std::int64_t tokens = hidden_ND.size(0);
        for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
            const std::int64_t count = std::min(chunk_tokens, tokens - begin);
            const at::Tensor hidden_CD = hidden_ND.narrow(0, begin, count);
            at::Tensor logits_CV = chunkLogits(hidden_CD, lm_head_VD);
            if (temperature != 1.0)
                logits_CV.div_(temperature);
            const at::Tensor grad_C1 = grad_N.narrow(0, begin, count).unsqueeze(1);
            at::Tensor grad_CV = at::softmax(logits_CV, 1).mul_(grad_C1.neg());
            grad_CV.scatter_add_(1, targets_N.narrow(0, begin, count).unsqueeze(1), grad_C1);
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
    const auto results = ChunkedLogprobs::apply(hidden_ND.contiguous(), lm_head_VD, targets_N,
        temperature, chunk_tokens, detail == LogprobDetail::all);
    if (detail == LogprobDetail::targets)
        return { results[0], {}, {} };
    return { results[0], results[1], results[2] };
}

} // namespace zen
