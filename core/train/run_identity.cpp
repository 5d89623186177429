#include "core/train/run_identity.h"

#include "core/config/schema.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace zen {

namespace {

/// Fields that may change between sessions of one run. Model and data are compared by their
/// content.
constexpr std::array kFreeFields{ "model_name_or_path", "adapter_name_or_path", "dataset",
    "dataset_dir", "eval_dataset", "output_dir", "run_name", "overwrite_output_dir",
    "resume_from_checkpoint", "logging_steps", "save_steps", "save_total_limit", "eval_strategy",
    "eval_steps", "max_eval_samples", "per_device_eval_batch_size", "log_completions", "report_to",
    "deepspeed", "gradient_checkpointing", "micro_batch_tokens", "logprob_chunk_tokens",
    "num_threads", "rollout_rows", "force_memory" };

/// The number of steps shapes every schedule but a constant one.
bool mayChangeLength(const OptimizerSection& optimizer)
{
    return optimizer.lr_scheduler_type == SchedulerType::constant
        || (optimizer.lr_scheduler_type == SchedulerType::constant_with_warmup
            && optimizer.warmup_ratio == 0);
}

std::string shown(const std::string& value)
{
    return value.empty() ? "(not set)" : value;
}

} // namespace

RunIdentity identityOf(const TrainingConfig& resolved, std::string model_fingerprint,
    std::string data_fingerprint, bool shuffle_rewards)
{
    RunIdentity identity;
    identity.model = std::move(model_fingerprint);
    identity.data = std::move(data_fingerprint);
    for (const Field& field : schema()) {
        if (std::find(kFreeFields.begin(), kFreeFields.end(), field.key) != kFreeFields.end())
            continue;
        if (mayChangeLength(resolved.optimizer)
            && (field.key == "max_steps" || field.key == "num_train_epochs"))
            continue;
        identity.fields[std::string(field.key)] = toYaml(field.get(resolved));
    }
    if (shuffle_rewards)
        identity.fields["(shuffled rewards)"] = "true";
    return identity;
}

std::vector<std::string> differences(const RunIdentity& saved, const RunIdentity& now)
{
    std::vector<std::string> lines;
    if (saved.model != now.model)
        lines.emplace_back("the model's files are not the ones that the checkpoint was trained on");
    if (saved.data != now.data)
        lines.emplace_back("the training data are not the ones that the checkpoint was trained on");
    for (const auto& [key, value] : now.fields) {
        const auto before = saved.fields.find(key);
        if (before == saved.fields.end())
            lines.push_back(key + " was not set and is " + shown(value) + " now");
        else if (before->second != value)
            lines.push_back(
                key + " was " + shown(before->second) + " and is " + shown(value) + " now");
    }
    for (const auto& [key, value] : saved.fields)
        if (!now.fields.contains(key))
            lines.push_back(key + " was " + shown(value) + " and is not set now");
    return lines;
}

} // namespace zen
