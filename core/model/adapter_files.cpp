#include "core/base/durable_file.h"
#include "core/model/lora.h"
#include "core/model/projection.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <set>

namespace zen {

namespace {

using AdapterJson = nlohmann::json;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";

/// Absent, null, false, or an empty container: the feature is off.
bool isOff(const AdapterJson& config, const char* key)
{
    const auto value = config.find(key);
    return value == config.end() || value->is_null() || *value == false
        || ((value->is_structured() || value->is_string()) && value->empty());
}

Result<void> refuseFeatures(const AdapterJson& config)
{
    for (const char* key : { "use_dora", "modules_to_save", "rank_pattern", "alpha_pattern",
             "layers_to_transform", "layers_pattern", "layer_replication", "fan_in_fan_out",
             "lora_bias", "target_parameters", "trainable_token_indices", "alora_invocation_tokens",
             "use_qalora", "use_bdlora", "exclude_modules", "monteclora_config", "kasa_config",
             "velora_config", "arrow_config" }) {
        if (!isOff(config, key))
            return fail(std::string("uses ") + key + ", which is not supported here");
    }
    if (const auto bias = config.find("bias"); bias != config.end() && *bias != "none")
        return fail("trains biases (bias is not \"none\"), which is not supported here");
    const auto init = config.find("init_lora_weights");
    if (init != config.end() && init->is_string()) {
        const auto name = init->get<std::string>();
        for (const char* changes_base : { "pissa", "olora", "corda", "loftq", "lora_ga" }) {
            if (name.rfind(changes_base, 0) == 0)
                return fail("init_lora_weights is " + name.substr(0, 40)
                    + ", which needs changed base weights; convert it with peft first");
        }
    }
    return {};
}

Result<double> number(
    const AdapterJson& config, const char* key, double low, double high, double otherwise)
{
    const auto value = config.find(key);
    if (value == config.end() || value->is_null())
        return otherwise;
    if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high))
        return fail(std::string(key) + " must be a number from " + AdapterJson(low).dump() + " to "
            + AdapterJson(high).dump());
    return value->get<double>();
}

Result<LoraOptions> parseOptions(const std::string& text)
{
    const AdapterJson config = AdapterJson::parse(text, nullptr, false);
    if (config.is_discarded() || !config.is_object())
        return fail("not a JSON object");
    if (const auto type = config.find("peft_type"); type == config.end() || *type != "LORA")
        return fail("peft_type must be \"LORA\"");
    if (auto supported = refuseFeatures(config); !supported)
        return tl::unexpected(supported.error());
    LoraOptions options;
    const auto rank = number(config, "r", 1, 4096, 8);
    const auto alpha = number(config, "lora_alpha", 0, 1e6, 8);
    const auto dropout = number(config, "lora_dropout", 0, 0.99, 0);
    for (const auto* value : { &rank, &alpha, &dropout }) {
        if (!*value)
            return tl::unexpected(value->error());
    }
    if (std::floor(*rank) != *rank)
        return fail("r must be a whole number");
    options.rank = static_cast<std::int64_t>(*rank);
    options.alpha = *alpha;
    options.dropout = *dropout;
    options.use_rslora = !isOff(config, "use_rslora");
    if (const auto base = config.find("base_model_name_or_path");
        base != config.end() && base->is_string())
        options.base_model = base->get<std::string>();
    return options;
}

std::string shapeProblem(
    const std::string& name, const at::Tensor& tensor, std::int64_t rows, std::int64_t columns)
{
    if (tensor.sizes() == at::IntArrayRef({ rows, columns })
        && at::isFloatingType(tensor.scalar_type()))
        return {};
    return name + " must hold floating-point numbers of shape [" + std::to_string(rows) + ", "
        + std::to_string(columns) + "] for this model and rank";
}

/// The projections that the file has a tensor of.
std::vector<Projection> projectionsIn(const NamedTensors& tensors)
{
    std::vector<Projection> projections;
    for (std::size_t p = 0; p < kProjections; ++p) {
        const std::string part = "." + std::string(nameOf(static_cast<Projection>(p))) + ".lora_";
        for (const auto& [name, tensor] : tensors) {
            if (name.find(part) == std::string::npos)
                continue;
            projections.push_back(static_cast<Projection>(p));
            break;
        }
    }
    return projections;
}

/// The tensors of the file put in their places; every one must have one.
Result<Adapter> assemble(
    const NamedTensors& tensors, const Qwen3Shape& shape, const LoraOptions& options)
{
    Adapter adapter;
    adapter.options = options;
    adapter.scale = loraScale(options);
    std::set<std::string> known;
    bool any = false, gap = false;
    const std::vector<Projection> projections = projectionsIn(tensors);
    for (const PairPlace& place : pairPlaces(shape, projections, adapter.layers)) {
        const std::string a_name = place.name + ".lora_A.weight",
                          b_name = place.name + ".lora_B.weight";
        const auto a = tensors.find(a_name), b = tensors.find(b_name);
        if (a == tensors.end() && b == tensors.end()) {
            gap = true;
            continue;
        }
        if (a == tensors.end() || b == tensors.end())
            return fail("half of a pair is missing: " + (a == tensors.end() ? b : a)->first
                + " stands alone");
        for (const std::string& problem : { shapeProblem(a_name, a->second, options.rank, place.in),
                 shapeProblem(b_name, b->second, place.out, options.rank) }) {
            if (!problem.empty())
                return fail(problem);
        }
        const auto leaf = [](const at::Tensor& read) {
            return read.to(at::kFloat).contiguous().set_requires_grad(true);
        };
        *place.pair = { leaf(a->second), leaf(b->second) };
        known.insert({ a_name, b_name });
        any = true;
    }
    if (!any)
        return fail("holds no LoRA tensor of this model");
    for (const auto& [name, tensor] : tensors) {
        if (!known.contains(name))
            return fail(name.substr(0, 160) + " has no place in a LoRA adapter of this model");
    }
    if (gap)
        return fail("some layers lack pairs that others have; adapters cover the same projections "
                    "in all layers here");
    for (const Projection projection : projections)
        adapter.options.targets.emplace_back(nameOf(projection));
    return adapter;
}

AdapterJson wholeIfPossible(double value)
{
    if (std::floor(value) == value)
        return static_cast<std::int64_t>(value);
    return value;
}

std::string configText(const LoraOptions& options, const std::vector<std::string>& targets)
{
    const AdapterJson config = {
        { "alpha_pattern", AdapterJson::object() },
        { "auto_mapping", nullptr },
        { "base_model_name_or_path", options.base_model },
        { "bias", "none" },
        { "fan_in_fan_out", false },
        { "inference_mode", true },
        { "init_lora_weights", true },
        { "layer_replication", nullptr },
        { "layers_pattern", nullptr },
        { "layers_to_transform", nullptr },
        { "loftq_config", AdapterJson::object() },
        { "lora_alpha", wholeIfPossible(options.alpha) },
        { "lora_dropout", options.dropout },
        { "megatron_config", nullptr },
        { "megatron_core", "megatron.core" },
        { "modules_to_save", nullptr },
        { "peft_type", "LORA" },
        { "r", options.rank },
        { "rank_pattern", AdapterJson::object() },
        { "revision", nullptr },
        { "target_modules", targets },
        { "task_type", "CAUSAL_LM" },
        { "use_dora", false },
        { "use_rslora", options.use_rslora },
    };
    return config.dump(2, ' ', false, AdapterJson::error_handler_t::replace) + "\n";
}

} // namespace

Result<Adapter> readAdapter(const std::filesystem::path& folder, const Qwen3Shape& shape)
{
    const auto config = readFile(folder / kConfigFile, std::size_t{ 1 } << 20);
    if (!config)
        return fail("not a LoRA adapter in PEFT format: " + config.error().message);
    const auto options = parseOptions(*config);
    if (!options)
        return fail((folder / kConfigFile).string() + " " + options.error().message);
    const auto tensors = readTensors(folder / kWeightsFile);
    if (!tensors)
        return tl::unexpected(tensors.error());
    auto adapter = assemble(*tensors, shape, *options);
    if (!adapter)
        return fail((folder / kWeightsFile).string() + ": " + adapter.error().message);
    return adapter;
}

Result<void> writeAdapter(const std::filesystem::path& folder, const Adapter& adapter)
{
    NamedTensors tensors;
    std::set<std::string> targets; // the last part of the names
    adapter.forEachPair([&](const std::string& name, const LoraPair& pair) {
        tensors.emplace(name + ".lora_A.weight", pair.a_RI);
        tensors.emplace(name + ".lora_B.weight", pair.b_OR);
        targets.insert(name.substr(name.rfind('.') + 1));
    });
    std::vector<std::string> ordered;
    for (std::size_t p = 0; p < kProjections; ++p) {
        const std::string name(nameOf(static_cast<Projection>(p)));
        if (targets.contains(name))
            ordered.push_back(name);
    }
    if (auto written = writeDurably(folder / kConfigFile, configText(adapter.options, ordered));
        !written)
        return written;
    return writeTensors(folder / kWeightsFile, tensors, { { "format", "pt" } });
}

} // namespace zen
