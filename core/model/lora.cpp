#include "core/model/lora.h"

#include "core/model/counter_random.h"
#include "core/model/projection.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

constexpr std::int64_t kLargestRank = 4096;

} // namespace

Result<std::vector<Projection>> targetProjections(const std::vector<std::string>& targets)
{
    std::array<bool, kProjections> wanted{};
    for (const std::string& target : targets) {
        bool known = target == "all" || target == "all-linear";
        for (std::size_t p = 0; p < kProjections; ++p) {
            if (target == nameOf(static_cast<Projection>(p)) || target == "all"
                || target == "all-linear")
                known = wanted[p] = true;
        }
        if (!known)
            return fail("lora_target: " + target.substr(0, 80)
                + " is not a projection; allowed are all, q_proj, k_proj, v_proj, o_proj, "
                  "gate_proj, up_proj and "
                  "down_proj");
    }
    std::vector<Projection> projections;
    for (std::size_t p = 0; p < kProjections; ++p) {
        if (wanted[p])
            projections.push_back(static_cast<Projection>(p));
    }
    if (projections.empty())
        return fail("lora_target is empty: name at least one projection, or all");
    return projections;
}

double loraScale(const LoraOptions& options)
{
    const auto rank = static_cast<double>(options.rank);
    return options.alpha / (options.use_rslora ? std::sqrt(rank) : rank);
}

std::string adapterTensorName(std::size_t layer, Projection projection, char part)
{
    const bool in_mlp = projection == Projection::gate || projection == Projection::up
        || projection == Projection::down;
    return "base_model.model.model.layers." + std::to_string(layer)
        + (in_mlp ? ".mlp." : ".self_attn.") + std::string(nameOf(projection)) + ".lora_" + part
        + ".weight";
}

std::vector<at::Tensor> Adapter::parameters() const
{
    std::vector<at::Tensor> parameters;
    for (const auto& pairs : layers) {
        for (const LoraPair& pair : pairs) {
            if (pair.a_RI.defined())
                parameters.insert(parameters.end(), { pair.a_RI, pair.b_OR });
        }
    }
    return parameters;
}

std::vector<std::string> Adapter::parameterNames() const
{
    std::vector<std::string> names;
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        for (std::size_t p = 0; p < kProjections; ++p) {
            if (!layers[layer][p].a_RI.defined())
                continue;
            names.push_back(adapterTensorName(layer, static_cast<Projection>(p), 'A'));
            names.push_back(adapterTensorName(layer, static_cast<Projection>(p), 'B'));
        }
    }
    return names;
}

Result<Adapter> newAdapter(const Qwen3Shape& shape, const LoraOptions& options, std::uint64_t seed)
{
    if (options.rank < 1 || options.rank > kLargestRank)
        return fail("lora_rank = " + std::to_string(options.rank) + "; allowed are 1 to "
            + std::to_string(kLargestRank));
    const auto targets = targetProjections(options.targets);
    if (!targets)
        return tl::unexpected(targets.error());
    Adapter adapter;
    adapter.options = options;
    adapter.scale = loraScale(options);
    adapter.layers.resize(static_cast<std::size_t>(shape.num_layers));
    for (std::size_t layer = 0; layer < adapter.layers.size(); ++layer) {
        for (const Projection projection : *targets) {
            const auto p = static_cast<std::size_t>(projection);
            const ProjectionSize size = sizeOf(shape, projection);
            at::Tensor a_RI = at::empty({ options.rank, size.in }, at::kFloat);
            const double bound = 1.0 / std::sqrt(static_cast<double>(size.in));
            float* to = a_RI.data_ptr<float>();
            for (std::int64_t i = 0; i < a_RI.numel(); ++i)
                to[i] = static_cast<float>(bound
                    * (2.0
                            * uniformAt(
                                seed, layer * kProjections + p, static_cast<std::uint64_t>(i))
                        - 1.0));
            adapter.layers[layer][p] = { a_RI.set_requires_grad(true),
                at::zeros({ size.out, options.rank }, at::kFloat).set_requires_grad(true) };
        }
    }
    return adapter;
}

} // namespace zen
