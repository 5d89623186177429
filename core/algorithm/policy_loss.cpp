#include "core/algorithm/policy_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace zen {

namespace {

constexpr std::string_view kMinimum = "min/";
constexpr std::string_view kMaximum = "max/";

/// [B, T] at token level; [B, 1] at sequence level, the geometric mean of the token ratios.
at::Tensor importanceRatio(const at::Tensor& logprobs_BT, const at::Tensor& old_BT,
    const at::Tensor& mask_BT, ImportanceLevel level)
{
    const at::Tensor log_ratio_BT = logprobs_BT - old_BT;
    if (level == ImportanceLevel::token)
        return log_ratio_BT.exp();
    const at::Tensor lengths_B1 = mask_BT.sum(1, true).clamp_min(1);
    return (log_ratio_BT * mask_BT).sum(1, true).div(lengths_B1).exp();
}

/// Schulman's k3 estimator of KL(policy || reference), per token.
at::Tensor k3(const at::Tensor& logprobs_BT, const at::Tensor& reference_BT)
{
    const at::Tensor difference_BT = reference_BT - logprobs_BT;
    return difference_BT.exp() - difference_BT - 1;
}

at::Tensor aggregate(const at::Tensor& losses_BT, const at::Tensor& mask_BT,
    const PolicyLossSettings& settings, const StepNormalizer& step)
{
    const double rows = std::max(step.rows, 1.0);
    const at::Tensor masked_BT = losses_BT * mask_BT;
    switch (settings.loss_type) {
    case LossType::grpo:
        return masked_BT.sum(1).div(mask_BT.sum(1).clamp_min(1)).sum().div(rows);
    case LossType::bnpo:
        if (step.micro_batch_rows > 0)
            return masked_BT.sum()
                .div(std::max(step.micro_batch_tokens, 1.0))
                .mul(step.micro_batch_rows / rows);
        return masked_BT.sum()
            .div(mask_BT.sum().clamp_min(1))
            .mul(static_cast<double>(mask_BT.size(0)) / rows);
    case LossType::dr_grpo:
        return masked_BT.sum().div(rows * static_cast<double>(settings.max_completion_length));
    case LossType::dapo:
        return masked_BT.sum().div(std::max(step.active_tokens, 1.0));
    }
    TORCH_CHECK(false, "unknown loss type");
}

double number(const at::Tensor& scalar)
{
    return scalar.item<double>();
}

double maskedSum(const at::Tensor& values_BT, const at::Tensor& mask_BT)
{
    return number((values_BT.detach() * mask_BT).sum());
}

/// Shares of tokens (of sequences at sequence level) outside the clip range on the side where
/// clipping acts.
void addClipSums(std::map<std::string, double>& sums, const at::Tensor& ratio,
    const at::Tensor& advantages_B1, const at::Tensor& mask_BT, const PolicyLossSettings& settings)
{
    const at::Tensor low = ((ratio < 1 - settings.epsilon) & (advantages_B1 < 0)).to(at::kFloat);
    const at::Tensor high
        = ((ratio > 1 + settings.epsilon_high) & (advantages_B1 > 0)).to(at::kFloat);
    at::Tensor low_share_B, high_share_B;
    if (settings.level == ImportanceLevel::sequence) {
        low_share_B = low.squeeze(1);
        high_share_B = high.squeeze(1);
        sums["clip_low"] = number(low.sum());
        sums["clip_high"] = number(high.sum());
        sums["clip_count"] = static_cast<double>(low.size(0));
    } else {
        const at::Tensor lengths_B = mask_BT.sum(1).clamp_min(1);
        low_share_B = (low * mask_BT).sum(1).div(lengths_B);
        high_share_B = (high * mask_BT).sum(1).div(lengths_B);
        sums["clip_low"] = maskedSum(low, mask_BT);
        sums["clip_high"] = maskedSum(high, mask_BT);
        sums["clip_count"] = number(mask_BT.sum());
    }
    sums["min/clip_low"] = number(low_share_B.min());
    sums["max/clip_high"] = number(high_share_B.max());
}

} // namespace

PolicyLossSettings policyLossSettings(const TrainingConfig& resolved)
{
    const AlgorithmSection& algorithm = resolved.algorithm;
    PolicyLossSettings settings;
    settings.level = algorithm.importance_sampling_level.value_or(
        algorithm.stage == Stage::gspo ? ImportanceLevel::sequence : ImportanceLevel::token);
    settings.loss_type = algorithm.loss_type.value_or(LossType::grpo);
    settings.epsilon = algorithm.epsilon.value_or(algorithm.stage == Stage::gspo ? 3e-4 : 0.2);
    settings.epsilon_high = algorithm.epsilon_high.value_or(settings.epsilon);
    settings.delta = algorithm.delta.value_or(0);
    settings.beta = algorithm.beta;
    settings.max_completion_length
        = resolved.batch.max_completion_length.value_or(resolved.data.cutoff_len / 2);
    return settings;
}

PolicyLoss policyLoss(
    const PolicyLossInputs& inputs, const PolicyLossSettings& settings, const StepNormalizer& step)
{
    TORCH_CHECK(inputs.logprobs_BT.dim() == 2
            && inputs.logprobs_BT.sizes() == inputs.mask_BT.sizes()
            && inputs.advantages_B.dim() == 1
            && inputs.advantages_B.size(0) == inputs.logprobs_BT.size(0),
        "policyLoss: shapes differ");
    const at::Tensor mask_BT = inputs.mask_BT.to(at::kFloat);
    const at::Tensor advantages_B1 = inputs.advantages_B.unsqueeze(1);
    const at::Tensor old_BT
        = inputs.old_logprobs_BT.defined() ? inputs.old_logprobs_BT : inputs.logprobs_BT.detach();

    const at::Tensor ratio = importanceRatio(inputs.logprobs_BT, old_BT, mask_BT, settings.level);
    const at::Tensor clipped = ratio.clamp(1 - settings.epsilon, 1 + settings.epsilon_high);
    const at::Tensor capped = settings.delta > 0 ? ratio.clamp_max(settings.delta) : ratio;
    at::Tensor losses_BT = -at::minimum(capped * advantages_B1, clipped * advantages_B1);

    PolicyLoss result;
    if (settings.beta != 0) {
        TORCH_CHECK(inputs.reference_logprobs_BT.defined(),
            "policyLoss: beta needs the reference log-probabilities");
        const at::Tensor kl_BT = k3(inputs.logprobs_BT, inputs.reference_logprobs_BT);
        losses_BT = losses_BT + settings.beta * kl_BT;
        result.sums["kl"] = maskedSum(kl_BT, mask_BT);
    }
    result.loss = aggregate(losses_BT, mask_BT, settings, step);

    result.sums["tokens"] = number(mask_BT.sum());
    if (inputs.entropies_BT.defined())
        result.sums["entropy"] = maskedSum(inputs.entropies_BT, mask_BT);
    result.sums["nll"] = -maskedSum(
        inputs.unscaled_logprobs_BT.defined() ? inputs.unscaled_logprobs_BT : inputs.logprobs_BT,
        mask_BT);
    addClipSums(result.sums, ratio.detach(), advantages_B1, mask_BT, settings);
    return result;
}

std::map<std::string, double> policyMetrics(const std::map<std::string, double>& sums)
{
    std::map<std::string, double> metrics;
    const auto at_key = [&sums](const char* key) {
        const auto found = sums.find(key);
        return found == sums.end() ? 0.0 : found->second;
    };
    const double tokens = std::max(at_key("tokens"), 1.0);
    if (sums.contains("kl"))
        metrics["kl"] = at_key("kl") / tokens;
    if (sums.contains("entropy"))
        metrics["entropy"] = at_key("entropy") / tokens;
    metrics["policy/nll"] = at_key("nll") / tokens;
    metrics["policy/ppl"] = std::exp(metrics["policy/nll"]);
    const double count = std::max(at_key("clip_count"), 1.0);
    metrics["clip_ratio/low_mean"] = at_key("clip_low") / count;
    metrics["clip_ratio/high_mean"] = at_key("clip_high") / count;
    metrics["clip_ratio/region_mean"] = (at_key("clip_low") + at_key("clip_high")) / count;
    metrics["clip_ratio/low_min"] = at_key("min/clip_low");
    metrics["clip_ratio/high_max"] = at_key("max/clip_high");
    return metrics;
}

void addSums(std::map<std::string, double>& total, const std::map<std::string, double>& more)
{
    for (const auto& [key, value] : more) {
        const auto [entry, is_new] = total.try_emplace(key, value);
        if (is_new)
            continue;
        if (key.starts_with(kMinimum))
            entry->second = std::min(entry->second, value);
        else if (key.starts_with(kMaximum))
            entry->second = std::max(entry->second, value);
        else
            entry->second += value;
    }
}

} // namespace zen
