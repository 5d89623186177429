#include "core/weights/peft_adapter.h"

#include "core/base/durable_file.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace zen {

namespace {

constexpr std::string_view kPeftPrefix = "base_model.model.";

/// Anything but W + scale B A would be lost in the sum.
Result<void> refusePeftFeatures(const nlohmann::json& config)
{
    for (const char* key :
        { "use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "layer_replication",
            "fan_in_fan_out", "lora_bias", "target_parameters", "trainable_token_indices",
            "alora_invocation_tokens", "use_qalora", "use_bdlora", "arrow_config" }) {
        const auto value = config.find(key);
        const bool off = value == config.end() || value->is_null() || *value == false
            || ((value->is_structured() || value->is_string()) && value->empty());
        if (!off)
            return fail(std::string("uses ") + key
                + ", which cannot be merged here. Merge it with PEFT's merge_and_unload.");
    }
    if (const auto bias = config.find("bias"); bias != config.end() && *bias != "none")
        return fail("trains biases (bias is not \"none\"), which cannot be merged here");
    return {};
}

Result<void> readPeftConfig(const nlohmann::json& config, PeftAdapter& adapter)
{
    if (!config.is_object())
        return fail("is not a JSON object");
    if (const auto type = config.find("peft_type"); type == config.end() || *type != "LORA")
        return fail("must have peft_type \"LORA\"");
    if (auto checked = refusePeftFeatures(config); !checked)
        return checked;
    const auto rank = config.find("r");
    const auto alpha = config.find("lora_alpha");
    if (rank == config.end() || !rank->is_number_integer() || *rank < 1 || *rank > 1 << 16)
        return fail("needs r, a whole number above 0");
    if (alpha == config.end() || !alpha->is_number() || !std::isfinite(alpha->get<double>()))
        return fail("needs lora_alpha, a number");
    adapter.rank = rank->get<std::int64_t>();
    const bool rslora = config.value("use_rslora", nlohmann::json(false)) == true;
    const auto divisor = static_cast<double>(adapter.rank);
    adapter.scale = alpha->get<double>() / (rslora ? std::sqrt(divisor) : divisor);
    if (const auto base = config.find("base_model_name_or_path");
        base != config.end() && base->is_string())
        adapter.base_model = base->get<std::string>();
    return {};
}

Result<void> collectPairs(PeftAdapter& adapter)
{
    for (const TensorEntry& entry : adapter.file.entries()) {
        std::string name = entry.name;
        const std::size_t part = name.rfind(".lora_");
        const std::string ending = part == name.npos ? "" : name.substr(part);
        if (!name.starts_with(kPeftPrefix)
            || (ending != ".lora_A.weight" && ending != ".lora_B.weight"))
            return fail(name.substr(0, 160) + " is not one half of a LoRA pair");
        const bool is_a = ending == ".lora_A.weight";
        if (entry.shape.size() != 2 || entry.shape[is_a ? 0 : 1] != adapter.rank)
            return fail(name.substr(0, 160) + " does not have the rank "
                + std::to_string(adapter.rank) + " that adapter_config.json gives");
        name = name.substr(kPeftPrefix.size(), part - kPeftPrefix.size()) + ".weight";
        PeftAdapter::Pair& pair = adapter.pairs[name];
        (is_a ? pair.a : pair.b) = &entry;
    }
    for (const auto& [name, pair] : adapter.pairs)
        if (pair.a == nullptr || pair.b == nullptr)
            return fail("the pair of " + name.substr(0, 160) + " is not complete");
    if (adapter.pairs.empty())
        return fail("holds no LoRA pair");
    return {};
}

} // namespace

Result<PeftAdapter> openPeftAdapter(const std::filesystem::path& folder)
{
    const std::filesystem::path config_path = folder / "adapter_config.json";
    const auto text = readFile(config_path, std::size_t{ 1 } << 20);
    if (!text)
        return fail("not a LoRA adapter in PEFT format: " + text.error().message);
    PeftAdapter adapter;
    if (auto read = readPeftConfig(nlohmann::json::parse(*text, nullptr, false), adapter); !read)
        return fail(config_path.string() + " " + read.error().message);
    auto file = SafetensorsFile::open(folder / "adapter_model.safetensors");
    if (!file)
        return tl::unexpected(file.error());
    adapter.file = std::move(*file);
    if (auto collected = collectPairs(adapter); !collected)
        return fail(adapter.file.path().string() + ": " + collected.error().message);
    return adapter;
}

} // namespace zen
