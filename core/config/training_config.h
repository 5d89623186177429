#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zen {

// The configuration of one run: plain values, grouped as the form shows them. A member's name is
// its YAML key (one exception: `template` is a C++ keyword). Type and default stand here; key,
// range, unit, label and help stand in the member's row in schema.cpp. An empty optional means
// "decided by other fields": resolve() fills it.

enum class Stage { gspo, grpo, sft };
std::string_view nameOf(Stage stage); ///< gspo, grpo, sft
enum class FinetuningType { lora, full };
enum class LossType { grpo, bnpo, dr_grpo, dapo };
enum class ImportanceLevel { token, sequence };
enum class ScaleRewards { group, batch, none };
enum class RewardAggregation { sum_then_normalize, normalize_then_sum };
enum class SchedulerType { linear, cosine, cosine_with_min_lr, constant, constant_with_warmup };
enum class WeightType { automatic, bfloat16, float32 }; ///< YAML: auto | bfloat16 | float32
enum class Quantization { none, nf4 }; ///< YAML: none | 4bit
enum class EvalStrategy { no, steps, epoch };

/// The model that ships with the program.
inline constexpr const char* kStarter = "zen/starter";

struct ModelSection {
    std::string model_name_or_path = kStarter; ///< hub id, folder, or kStarter
    std::string adapter_name_or_path; ///< continue this PEFT adapter
    std::string template_name = "qwen3"; ///< YAML: template
    bool enable_thinking = true;
    bool operator==(const ModelSection&) const = default;
};

struct AdapterSection {
    FinetuningType finetuning_type = FinetuningType::lora;
    std::int64_t lora_rank = 16;
    std::optional<std::int64_t> lora_alpha; ///< 2 x lora_rank
    double lora_dropout = 0.0;
    std::vector<std::string> lora_target
        = { "all" }; ///< all | q_proj k_proj v_proj o_proj gate_proj up_proj down_proj
    bool use_rslora = false;
    bool operator==(const AdapterSection&) const = default;
};

struct DataSection {
    std::vector<std::string>
        dataset; ///< names in dataset_info.json, or paths of .json/.jsonl files
    std::string dataset_dir = "data";
    std::vector<std::string> eval_dataset; ///< same; else val_size of dataset is held out
    std::string system_prompt; ///< put before every prompt; empty: none
    std::string
        prompt_column; ///< empty: recognised (prompt, question, instruction, problem, messages)
    std::string answer_column; ///< empty: recognised (answer, solution, output, response)
    std::int64_t cutoff_len = 2048; ///< tokens of prompt plus completion
    std::int64_t max_samples = 0; ///< 0: all
    double val_size = 0.0; ///< below 1 a share, from 1 on a number of rows
    bool shuffle_dataset = true;
    bool operator==(const DataSection&) const = default;
};

struct BatchSection {
    std::int64_t per_device_train_batch_size = 8; ///< completions in one micro-batch
    std::int64_t gradient_accumulation_steps = 1;
    std::optional<std::int64_t>
        steps_per_generation; ///< micro-batches a generation feeds; see resolve()
    std::int64_t num_iterations = 1; ///< passes over a generation batch
    std::int64_t num_generations = 8; ///< completions of one prompt
    std::optional<std::int64_t> max_completion_length; ///< tokens; cutoff_len / 2
    std::int64_t per_device_eval_batch_size = 32;
    std::int64_t rollout_rows = 0; ///< completions written at the same time; see rowsAtOnce()
    bool operator==(const BatchSection&) const = default;
};

/// One entry of `rewards:` (training-spec 4.2). Parameters keep their YAML text; the reward checks
/// them.
struct RewardTermSpec {
    std::string name; ///< shown in metrics as rewards/<name>/mean; defaults to type
    std::string type; ///< number_equal | exact | regex | contains | think_format | tags_once |
                      ///< overlong | repetition
    double weight = 1.0;
    std::map<std::string, std::vector<std::string>> parameters; ///< scalar: one element
    int line = 0; ///< where it stands in the file, for messages
    bool operator==(const RewardTermSpec& other) const
    {
        return name == other.name && type == other.type && weight == other.weight
            && parameters == other.parameters;
    }
};

struct AlgorithmSection {
    Stage stage = Stage::gspo;
    std::optional<ImportanceLevel> importance_sampling_level; ///< gspo: sequence; grpo: token
    std::optional<double> epsilon; ///< sequence level: 3e-4; token level: 0.2
    std::optional<double>
        epsilon_high; ///< epsilon where only that is given; else 4e-4 or 0.28 by level
    std::optional<double> delta; ///< two-sided clip; off when empty
    std::optional<LossType> loss_type; ///< grpo
    double beta = 0.0; ///< weight of the KL to the reference policy; 0: no reference pass
    ScaleRewards scale_rewards = ScaleRewards::group;
    RewardAggregation multi_objective_aggregation = RewardAggregation::sum_then_normalize;
    bool mask_truncated_completions = false;
    double router_aux_loss_coef = 0.0; ///< of a mixture's load-balancing loss; 0: none
    std::vector<RewardTermSpec> rewards;
    bool operator==(const AlgorithmSection&) const = default;
};

struct SamplingSection {
    double temperature = 1.0;
    double top_p = 1.0;
    std::int64_t top_k = 0; ///< 0: off
    double min_p = 0.0; ///< 0: off
    bool operator==(const SamplingSection&) const = default;
};

struct OptimizerSection {
    double learning_rate = 1e-5;
    SchedulerType lr_scheduler_type = SchedulerType::linear;
    double min_lr_rate = 0.1; ///< floor of cosine_with_min_lr, as a share of learning_rate
    double warmup_ratio = 0.0;
    std::int64_t warmup_steps = 0; ///< wins over warmup_ratio when not 0
    double weight_decay = 0.0;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.999;
    double adam_epsilon = 1e-8;
    double max_grad_norm = 1.0; ///< 0: no clipping
    double num_train_epochs = 3.0;
    std::int64_t max_steps = -1; ///< -1: num_train_epochs decides
    bool operator==(const OptimizerSection&) const = default;
};

struct MemorySection {
    WeightType dtype = WeightType::automatic;
    bool bf16 = false; ///< the same as dtype: bfloat16
    Quantization quantization = Quantization::none;
    bool load_in_4bit = false; ///< the same as quantization: 4bit
    WeightType bnb_4bit_compute_dtype = WeightType::automatic;
    bool bnb_4bit_use_double_quant = false;
    bool gradient_checkpointing = false;
    std::optional<std::int64_t>
        micro_batch_tokens; ///< of one forward pass; per_device_train_batch_size x cutoff_len
    std::int64_t logprob_chunk_tokens = 256; ///< tokens whose logits exist at the same time
    std::int64_t num_threads = 0; ///< 0: all cores that the process may use
    bool force_memory = false; ///< start although the plan is beyond the machine
    bool operator==(const MemorySection&) const = default;
};

struct RunSection {
    std::string output_dir = "runs/latest";
    std::string run_name;
    bool overwrite_output_dir = false;
    std::string resume_from_checkpoint; ///< empty: start anew; "latest": newest valid one; or a
                                        ///< checkpoint folder
    std::int64_t seed = 42;
    std::int64_t logging_steps = 1;
    std::int64_t save_steps = 100; ///< 0: only at the end
    std::int64_t save_total_limit = 2; ///< 0: keep all
    EvalStrategy eval_strategy
        = EvalStrategy::no; ///< besides the evaluation before and after the run
    std::int64_t eval_steps = 50;
    std::int64_t max_eval_samples = 500; ///< 0: all
    std::int64_t log_completions = 2; ///< groups whose texts are written each step; 0: none
    std::vector<std::string> report_to = { "none" };
    std::string deepspeed; ///< path, exported only; one device trains here
    bool operator==(const RunSection&) const = default;
};

struct TrainingConfig {
    ModelSection model;
    AdapterSection adapter;
    DataSection data;
    BatchSection batch;
    AlgorithmSection algorithm;
    SamplingSection sampling;
    OptimizerSection optimizer;
    MemorySection memory;
    RunSection run;
    bool operator==(const TrainingConfig&) const = default;
};

/// The same configuration with every empty optional (but delta) filled in: lora_alpha, level, loss
/// type by stage, clip ranges by level; max_completion_length = cutoff_len / 2;
/// steps_per_generation = gradient_accumulation_steps for GRPO and 4 x that for GSPO (so that its
/// ratio acts; training-spec, decision 1); bf16/load_in_4bit merged into dtype/quantization. What
/// the file said stays as it was. Idempotent.
TrainingConfig resolve(TrainingConfig config);

/// Completions in one generation batch: batch size x steps_per_generation (config resolved or not).
std::int64_t generationBatchSize(const TrainingConfig& config);

/// Completions of one generation that are written at the same time, each with a place in the cache;
/// the others take their turns. rollout_rows, or 256 where it is 0.
std::int64_t rowsAtOnce(const TrainingConfig& config);

/// Held-out prompts that are answered at the same time: per_device_eval_batch_size, or fewer where
/// a rollout's cache holds fewer tokens (each of these prompts is cached for itself).
std::int64_t evaluationRows(const TrainingConfig& config);

/// Completions that one optimiser step learns from: batch size x accumulation.
std::int64_t completionsPerStep(const TrainingConfig& config);

} // namespace zen
