#include "core/export/deepspeed.h"

#include "core/config/yaml_scalar.h"
#include "core/export/yaml_tree.h"

#include <nlohmann/json.hpp>

namespace zen {

std::string DeepspeedKind::fileName() const
{
    return "ds_z" + std::to_string(stage) + (offload ? "_offload" : "") + ".json";
}

std::string DeepspeedKind::inWords() const
{
    return "ZeRO stage " + std::to_string(stage) + (offload ? ", offloaded to main memory" : "");
}

std::optional<DeepspeedKind> deepspeedKindOf(const YamlNode& root)
{
    const YamlNode* zero = nodeAt(root, "zero_optimization");
    if (!zero && !nodeAt(root, "train_micro_batch_size_per_gpu"))
        return {};
    DeepspeedKind kind{ 0, false };
    if (const YamlNode* stage = zero ? nodeAt(*zero, "stage") : nullptr)
        kind.stage = static_cast<int>(parseInteger(stage->text).value_or(0));
    kind.offload = zero && (nodeAt(*zero, "offload_optimizer") || nodeAt(*zero, "offload_param"));
    return kind;
}

DeepspeedKind deepspeedKindOf(std::string_view file)
{
    const auto names = [file](std::string_view word) { return file.find(word) != file.npos; };
    return { names("z2") || names("zero2") ? 2 : 3, names("offload") };
}

std::string deepspeedJson(const DeepspeedKind& kind)
{
    using Json = nlohmann::ordered_json;
    constexpr const char* kAuto = "auto";
    Json zero{ { "stage", kind.stage } };
    const Json to_memory{ { "device", "cpu" }, { "pin_memory", true } };
    if (kind.offload)
        zero["offload_optimizer"] = to_memory;
    if (kind.offload && kind.stage == 3)
        zero["offload_param"] = to_memory;
    zero["overlap_comm"] = false;
    zero["contiguous_gradients"] = true;
    if (kind.stage == 2) {
        zero["allgather_partitions"] = true;
        zero["allgather_bucket_size"] = 500'000'000;
        zero["reduce_scatter"] = true;
        zero["reduce_bucket_size"] = 500'000'000;
        zero["round_robin_gradients"] = true;
    } else {
        zero["sub_group_size"] = 1'000'000'000;
        zero["reduce_bucket_size"] = kAuto;
        zero["stage3_prefetch_bucket_size"] = kAuto;
        zero["stage3_param_persistence_threshold"] = kAuto;
        zero["stage3_max_live_parameters"] = 1'000'000'000;
        zero["stage3_max_reuse_distance"] = 1'000'000'000;
        zero["stage3_gather_16bit_weights_on_model_save"] = true;
    }
    const Json root{ { "train_batch_size", kAuto }, { "train_micro_batch_size_per_gpu", kAuto },
        { "gradient_accumulation_steps", kAuto }, { "gradient_clipping", kAuto },
        { "zero_allow_untested_optimizer", true },
        { "fp16",
            { { "enabled", kAuto }, { "loss_scale", 0 }, { "loss_scale_window", 1000 },
                { "initial_scale_power", 16 }, { "hysteresis", 2 }, { "min_loss_scale", 1 } } },
        { "bf16", { { "enabled", kAuto } } }, { "zero_optimization", zero } };
    return root.dump(2) + "\n";
}

} // namespace zen
