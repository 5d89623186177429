#pragma once

#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/export/target.h"

#include <QByteArray>
#include <QDir>
#include <QString>

#include <string>
#include <vector>

/// The shipped configurations that are exported: the six tiers and the starter.
inline const std::vector<std::string>& shippedConfigs()
{
    static const std::vector<std::string> kNames{ "starter_gspo", "gspo_qwen3_nano_0.6b",
        "gspo_qwen3_eco_4b", "gspo_qwen3_coder", "gspo_qwen3_omni", "gspo_qwen3_next",
        "gspo_qwen3_moe" };
    return kNames;
}

inline zen::TrainingConfig shippedConfig(const std::string& name)
{
    const auto document
        = zen::YamlDocument::load(std::string(ZEN_SOURCE_DIR "/configs/") + name + ".yaml");
    return document ? zen::readConfig(*document).config : zen::TrainingConfig{};
}

inline zen::Target targetNamed(std::string_view name)
{
    auto target = zen::loadTarget(name, ZEN_SOURCE_DIR "/resources/targets");
    if (!target)
        qFatal("%s", target.error().message.c_str());
    return std::move(*target);
}

/// A configuration in which every setting differs from its default, as far as they go together.
inline zen::TrainingConfig unusualConfig()
{
    static const char kText[] = R"(
model_name_or_path: Qwen/Qwen3-4B
adapter_name_or_path: earlier/adapter
enable_thinking: false
stage: grpo
beta: 0.04
epsilon: 0.15
epsilon_high: 0.25
loss_type: dr_grpo
scale_rewards: none
multi_objective_aggregation: normalize_then_sum
mask_truncated_completions: true
rewards:
  - {type: number_equal, field: solution, extract: ['\boxed{}', last_number], weight: 0.7}
  - {name: short one, type: overlong, max: 400, weight: 0.3}
lora_rank: 12
lora_alpha: 20
lora_dropout: 0.05
lora_target: [q_proj, v_proj]
use_rslora: true
dataset: [a/rows.jsonl, hub/name]
val_size: 0.1
shuffle_dataset: false
cutoff_len: 1000
max_completion_length: 300
per_device_train_batch_size: 6
gradient_accumulation_steps: 2
steps_per_generation: 4
num_iterations: 2
num_generations: 6
per_device_eval_batch_size: 12
temperature: 0.9
top_p: 0.95
top_k: 40
min_p: 0.02
learning_rate: 3.0e-06
lr_scheduler_type: cosine_with_min_lr
min_lr_rate: 0.2
warmup_ratio: 0.07
num_train_epochs: 2.5
max_steps: 77
max_grad_norm: 0.5
weight_decay: 0.01
adam_beta1: 0.8
adam_beta2: 0.95
adam_epsilon: 1.0e-07
dtype: bfloat16
quantization: 4bit
bnb_4bit_use_double_quant: true
gradient_checkpointing: true
output_dir: runs/odd
run_name: "on"
seed: 7
logging_steps: 3
save_steps: 0
save_total_limit: 0
eval_strategy: steps
eval_steps: 9
log_completions: 0
report_to: [tensorboard, wandb]
deepspeed: ds_z2.json
)";
    return zen::readConfig(zen::YamlDocument::fromText(kText)).config;
}
