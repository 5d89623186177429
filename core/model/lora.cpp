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

Result<std::vector<Projection>> targetProjections(
    const std::vector<std::string>& targets, bool is_mixture)
{
    std::array<bool, kProjections> wanted{};
    for (const std::string& target : targets) {
        const bool all = target == "all" || target == "all-linear";
        bool known = all;
        for (std::size_t p = 0; p < kProjections; ++p) {
            const auto projection = static_cast<Projection>(p);
            if (all && is_mixture && isInMlp(projection))
                continue;
            if (all || target == nameOf(projection))
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

namespace {

std::string layerName(std::size_t layer)
{
    return "base_model.model.model.layers." + std::to_string(layer) + ".";
}

std::string pairName(std::size_t layer, Projection projection)
{
    return layerName(layer) + (isInMlp(projection) ? "mlp." : "self_attn.")
        + std::string(nameOf(projection));
}

std::string expertPairName(std::size_t layer, std::size_t expert, Projection projection)
{
    return layerName(layer) + "mlp.experts." + std::to_string(expert) + "."
        + std::string(nameOf(projection));
}

/// Apart from the streams of the other projections, which are numbered from 0.
std::uint64_t expertStream(std::size_t layer, std::size_t expert, std::size_t projection)
{
    return (std::uint64_t{ 1 } << 48) + (static_cast<std::uint64_t>(layer) << 24)
        + expert * kExpertProjections + projection;
}

} // namespace

std::vector<PairPlace> pairPlaces(const Qwen3Shape& shape,
    const std::vector<Projection>& projections, std::vector<LayerPairs>& layers)
{
    layers.resize(static_cast<std::size_t>(shape.num_layers));
    std::vector<PairPlace> places;
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        const bool sparse = shape.isSparseLayer(static_cast<std::int64_t>(layer));
        bool with_experts = false;
        for (const Projection projection : projections) {
            const auto p = static_cast<std::size_t>(projection);
            if (sparse && isInMlp(projection)) {
                with_experts = true;
                continue;
            }
            const ProjectionSize size = sizeOf(shape, projection);
            places.push_back({ pairName(layer, projection), projection, size.in, size.out,
                &layers[layer].projections[p], layer * kProjections + p });
        }
        if (!with_experts)
            continue;
        layers[layer].experts.resize(static_cast<std::size_t>(shape.num_experts));
        for (std::size_t expert = 0; expert < layers[layer].experts.size(); ++expert) {
            for (const Projection projection : projections) {
                if (!isInMlp(projection))
                    continue;
                const auto p = static_cast<std::size_t>(projection)
                    - static_cast<std::size_t>(Projection::gate);
                const ProjectionSize size = expertSizeOf(shape, projection);
                places.push_back({ expertPairName(layer, expert, projection), projection, size.in,
                    size.out, &layers[layer].experts[expert][p], expertStream(layer, expert, p) });
            }
        }
    }
    return places;
}

void Adapter::forEachPair(
    const std::function<void(const std::string&, const LoraPair&)>& visit) const
{
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        for (std::size_t p = 0; p < kProjections; ++p) {
            if (const LoraPair& pair = layers[layer].projections[p]; pair.a_RI.defined())
                visit(pairName(layer, static_cast<Projection>(p)), pair);
        }
        for (std::size_t expert = 0; expert < layers[layer].experts.size(); ++expert) {
            for (std::size_t p = 0; p < kExpertProjections; ++p) {
                if (const LoraPair& pair = layers[layer].experts[expert][p]; pair.a_RI.defined())
                    visit(expertPairName(layer, expert, expertProjection(p)), pair);
            }
        }
    }
}

std::vector<at::Tensor> Adapter::parameters() const
{
    std::vector<at::Tensor> parameters;
    forEachPair([&](const std::string&, const LoraPair& pair) {
        parameters.insert(parameters.end(), { pair.a_RI, pair.b_OR });
    });
    return parameters;
}

std::vector<std::string> Adapter::parameterNames() const
{
    std::vector<std::string> names;
    forEachPair([&](const std::string& name, const LoraPair&) {
        names.insert(names.end(), { name + ".lora_A.weight", name + ".lora_B.weight" });
    });
    return names;
}

Result<Adapter> newAdapter(const Qwen3Shape& shape, const LoraOptions& options, std::uint64_t seed)
{
    if (options.rank < 1 || options.rank > kLargestRank)
        return fail("lora_rank = " + std::to_string(options.rank) + "; allowed are 1 to "
            + std::to_string(kLargestRank));
    const auto targets = targetProjections(options.targets, shape.isMoe());
    if (!targets)
        return tl::unexpected(targets.error());
    Adapter adapter;
    adapter.options = options;
    adapter.scale = loraScale(options);
    for (const PairPlace& place : pairPlaces(shape, *targets, adapter.layers)) {
        at::Tensor a_RI = at::empty({ options.rank, place.in }, at::kFloat);
        const double bound = 1.0 / std::sqrt(static_cast<double>(place.in));
        float* to = a_RI.data_ptr<float>();
        for (std::int64_t i = 0; i < a_RI.numel(); ++i)
            to[i] = static_cast<float>(
                bound * (2.0 * uniformAt(seed, place.stream, static_cast<std::uint64_t>(i)) - 1.0));
        *place.pair = { a_RI.set_requires_grad(true),
            at::zeros({ place.out, options.rank }, at::kFloat).set_requires_grad(true) };
    }
    return adapter;
}

} // namespace zen
