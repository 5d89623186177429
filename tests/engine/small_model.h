#pragma once

#include "core/model/lora.h"
#include "core/model/qwen3.h"
#include "core/rollout/rollout.h"

#include <QString>
#include <QtTest>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

// Models of a few thousand numbers, made in the test, with odd sizes.
// B rows, T tokens of a row, V vocabulary.

namespace zen::test {

/// Two dense layers.
inline Qwen3Shape smallShape()
{
    Qwen3Shape shape;
    shape.vocab_size = 97;
    shape.hidden_size = 24;
    shape.intermediate_size = 40;
    shape.num_layers = 2;
    shape.num_heads = 4;
    shape.num_kv_heads = 2;
    shape.head_dim = 10;
    shape.max_position_embeddings = 128;
    shape.tied_embeddings = true;
    return shape;
}

/// Three layers, the first and the last with two of five experts.
inline Qwen3Shape smallMixture(bool norm_topk_prob = true)
{
    Qwen3Shape shape = smallShape();
    shape.num_layers = 3;
    shape.num_experts = 5;
    shape.experts_per_token = 2;
    shape.moe_intermediate_size = 20;
    shape.mlp_only_layers = { 1 };
    shape.norm_topk_prob = norm_topk_prob;
    return shape;
}

/// Matrices times `factor`: a start's numbers are so small that not every part would count.
inline void enlarge(const Qwen3& policy, double factor)
{
    const at::NoGradGuard off;
    policy.forEachWeight([factor](const std::string&, const at::Tensor& weight) {
        if (weight.dim() > 1)
            at::Tensor(weight).mul_(factor);
    });
}

/// All weights train, and every part counts.
inline Qwen3 trainable(const Qwen3Shape& shape, std::uint64_t seed)
{
    LoadOptions load;
    load.trainable = true;
    Qwen3 policy = Qwen3::random(shape, seed, load);
    const at::NoGradGuard off;
    for (at::Tensor& parameter : policy.trainableParameters())
        parameter.mul_(parameter.dim() > 1 ? 10.0 : 1.1);
    return policy;
}

/// With a new adapter, which changes nothing as long as its B is 0.
inline Qwen3 withAdapter(
    Qwen3 policy, const std::vector<std::string>& targets, std::int64_t rank = 3)
{
    LoraOptions options;
    options.rank = rank;
    options.alpha = 2 * static_cast<double>(rank);
    options.targets = targets;
    auto adapter = newAdapter(policy.shape(), options, 7);
    if (!adapter)
        qFatal("%s", adapter.error().message.c_str());
    policy.attach(std::move(*adapter));
    return policy;
}

/// Gives the B of a new adapter numbers.
inline void fillB(const Qwen3& policy)
{
    const at::NoGradGuard off;
    double shift = 0;
    for (at::Tensor& parameter : policy.trainableParameters())
        if (parameter.abs().max().item<double>() == 0)
            parameter.copy_(
                (at::sin(at::arange(parameter.numel(), at::kFloat) * 0.7 + (shift += 1)) * 0.05)
                    .view(parameter.sizes()));
}

/// Three rows of 13, from the whole vocabulary of a small model.
inline at::Tensor someIds()
{
    return (at::arange(0, 39, at::kLong) * 31 % 97).view({ 3, 13 });
}

/// For someIds(): the second row begins with five columns of padding.
inline at::Tensor someMask()
{
    at::Tensor mask_BT = at::ones({ 3, 13 }, at::kLong);
    mask_BT[1].narrow(0, 0, 5).fill_(0);
    return mask_BT;
}

/// The gradients of all that trains, one after the other.
inline at::Tensor flatGradients(const Qwen3& policy)
{
    std::vector<at::Tensor> flat;
    for (const at::Tensor& parameter : policy.trainableParameters())
        flat.push_back(parameter.grad().reshape({ -1 }));
    return at::cat(flat);
}

/// Log-probabilities [T] of a completion's ids by the forward pass that training uses.
inline at::Tensor trainedLogprobs(const Qwen3& policy, const std::vector<std::int64_t>& prompt,
    const Completion& completion, double temperature = 1, bool use_adapter = true)
{
    std::vector<std::int64_t> ids = prompt;
    ids.insert(ids.end(), completion.ids.begin(), completion.ids.end());
    const at::Tensor row_BT = at::tensor(ids, at::kLong).unsqueeze(0);
    ForwardOptions options;
    options.use_adapter = use_adapter;
    const at::NoGradGuard off;
    const at::Tensor logits_TV
        = policy.logits(policy.forward(row_BT, at::ones_like(row_BT), options))[0] / temperature;
    const auto count = static_cast<std::int64_t>(completion.ids.size());
    const auto begin = static_cast<std::int64_t>(prompt.size()) - 1;
    return logits_TV.narrow(0, begin, count)
        .log_softmax(-1)
        .gather(1, at::tensor(completion.ids, at::kLong).unsqueeze(1))
        .squeeze(1);
}

/// How far the log-probabilities that were written down are from those of training, over all
/// tokens.
struct WrittenError {
    double median = 0, ninth_decile = 0, mean = 0, largest = 0;
    std::int64_t tokens = 0;

    QString words() const
    {
        return QString("median %1, 90 % below %2, mean %3, largest %4 of %5 tokens")
            .arg(median)
            .arg(ninth_decile)
            .arg(mean)
            .arg(largest)
            .arg(tokens);
    }
};

inline WrittenError writtenError(const Qwen3& policy,
    const std::vector<std::vector<std::int64_t>>& prompts,
    const std::vector<std::vector<Completion>>& groups, double temperature = 1,
    bool use_adapter = true)
{
    std::vector<at::Tensor> parts;
    for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt)
        for (const Completion& completion : groups[prompt])
            parts.push_back((at::tensor(completion.logprobs)
                - trainedLogprobs(policy, prompts[prompt], completion, temperature, use_adapter))
                                .abs());
    const at::Tensor errors = std::get<0>(at::cat(parts).to(at::kDouble).sort());
    WrittenError error;
    error.tokens = errors.numel();
    error.median = errors[error.tokens / 2].item<double>();
    error.ninth_decile = errors[error.tokens * 9 / 10].item<double>();
    error.mean = errors.mean().item<double>();
    error.largest = errors[error.tokens - 1].item<double>();
    return error;
}

} // namespace zen::test
