#include "core/config/schema_row.h"

namespace zen {

std::vector<Field> batchFields()
{
    using S = BatchSection;
    return fieldsOf<&TrainingConfig::batch>("Batch",
        Row<&S::per_device_train_batch_size>{ .key = "per_device_train_batch_size",
            .label = "Micro-batch",
            .unit = "completions",
            .help = "Completions (for SFT: examples) that go through the model at once. Less needs "
                    "less memory.",
            .minimum = 1,
            .maximum = 4096,
            .aliases = { "micro_batch_size" } },
        Row<&S::gradient_accumulation_steps>{ .key = "gradient_accumulation_steps",
            .label = "Accumulation",
            .unit = "micro-batches",
            .help = "Micro-batches that one optimiser step learns from. More is steadier and "
                    "slower, at the same "
                    "memory.",
            .minimum = 1,
            .maximum = 65536 },
        Row<&S::num_generations>{ .key = "num_generations",
            .label = "Completions a prompt",
            .unit = "one group",
            .help = "How often each prompt is answered. A completion is judged against the others "
                    "of its group; at "
                    "least 2.",
            .minimum = 1,
            .maximum = 1024,
            .rl_only = true,
            .aliases = { "gspo_group_size", "grpo_group_size" } },
        Row<&S::max_completion_length>{ .key = "max_completion_length",
            .label = "Completion limit",
            .unit = "tokens",
            .help = "Where a completion is cut off. Half the context unless given.",
            .minimum = 1,
            .maximum = 1048576,
            .aliases = { "max_new_tokens" } },
        Row<&S::steps_per_generation>{ .key = "steps_per_generation",
            .label = "Steps a generation",
            .unit = "micro-batches",
            .help
            = "Micro-batches that are generated together. More than the accumulation makes updates "
              "off-policy, "
              "which GSPO's ratio is for: 4 x accumulation for GSPO, 1 x for GRPO unless given.",
            .minimum = 1,
            .maximum = 65536,
            .advanced = true,
            .rl_only = true },
        Row<&S::num_iterations>{ .key = "num_iterations",
            .label = "Passes",
            .help = "How often each generation is learnt from.",
            .minimum = 1,
            .maximum = 64,
            .advanced = true,
            .rl_only = true },
        Row<&S::per_device_eval_batch_size>{ .key = "per_device_eval_batch_size",
            .label = "Evaluation batch",
            .unit = "prompts",
            .help = "Prompts that are answered at once when evaluating.",
            .minimum = 1,
            .maximum = 4096,
            .advanced = true },
        Row<&S::rollout_rows>{ .key = "rollout_rows",
            .label = "Written at once",
            .unit = "completions",
            .help = "Completions that are written at the same time; more take turns, which is "
                    "slower and needs less memory for the cache. 0 takes up to 256.",
            .minimum = 0,
            .maximum = 4096,
            .advanced = true,
            .aliases = { "max_num_seqs" } });
}

std::vector<Field> algorithmFields()
{
    using S = AlgorithmSection;
    return fieldsOf<&TrainingConfig::algorithm>("Algorithm",
        Row<&S::stage>{ .key = "stage",
            .label = "Algorithm",
            .help = "gspo judges whole completions (steadier for small models and mixtures of "
                    "experts), grpo each "
                    "token; sft imitates given answers." },
        Row<&S::epsilon>{ .key = "epsilon",
            .label = "Clip range, low",
            .help = "How far the ratio may fall below 1 before an update stops pushing. 0.0003 for "
                    "sequence ratios, "
                    "0.2 for token ratios unless given.",
            .minimum = 0,
            .maximum = 10,
            .minimum_open = true,
            .rl_only = true,
            .aliases = { "gspo_clip_epsilon", "grpo_clip_range" } },
        Row<&S::epsilon_high>{ .key = "epsilon_high",
            .label = "Clip range, high",
            .help
            = "How far the ratio may rise above 1. Unless given, the same as epsilon where the "
              "file gives that, else 0.0004 for sequence ratios and 0.28 for token ratios.",
            .minimum = 0,
            .maximum = 10,
            .minimum_open = true,
            .rl_only = true },
        Row<&S::beta>{ .key = "beta",
            .label = "KL weight (beta)",
            .help = "Pulls the policy back to where it started. 0 needs no reference pass and is "
                    "the usual choice.",
            .minimum = 0,
            .maximum = 10,
            .rl_only = true,
            .aliases = { "gspo_beta", "grpo_beta" } },
        Row<&S::importance_sampling_level>{ .key = "importance_sampling_level",
            .label = "Ratio level",
            .help = "Whether the ratio of new to old probability is taken over a token or a whole "
                    "completion. Follows "
                    "the algorithm unless given.",
            .advanced = true,
            .rl_only = true,
            .aliases = { "gspo_sequence_level" } },
        Row<&S::loss_type>{ .key = "loss_type",
            .label = "Loss",
            .help = "How token losses are averaged: grpo over each completion, then over "
                    "completions; bnpo and dapo "
                    "over all tokens; dr_grpo by the completion limit. grpo unless given.",
            .advanced = true,
            .rl_only = true },
        Row<&S::delta>{ .key = "delta",
            .label = "Upper bound of the ratio",
            .help = "Caps the ratio of completions that did badly (two-sided clipping). Off unless "
                    "given; must exceed "
                    "1 + epsilon_high.",
            .minimum = 1,
            .maximum = 1000,
            .minimum_open = true,
            .advanced = true,
            .rl_only = true },
        Row<&S::scale_rewards>{ .key = "scale_rewards",
            .label = "Scale rewards",
            .help = "What advantages are divided by: the spread of the group, of the whole batch, "
                    "or nothing.",
            .advanced = true,
            .rl_only = true,
            .aliases = { "gspo_normalize_rewards", "grpo_normalize_advantages" } },
        Row<&S::multi_objective_aggregation>{ .key = "multi_objective_aggregation",
            .label = "Joining rewards",
            .help = "Whether several rewards are summed before they are normalised, or normalised "
                    "one by one first.",
            .advanced = true,
            .rl_only = true },
        Row<&S::mask_truncated_completions>{ .key = "mask_truncated_completions",
            .label = "Leave out truncated",
            .help = "Does not learn from completions that hit the completion limit.",
            .advanced = true,
            .rl_only = true },
        Row<&S::router_aux_loss_coef>{ .key = "router_aux_loss_coef",
            .label = "Expert balance",
            .help = "Mixtures of experts: weight of the loss that spreads tokens evenly over the "
                    "experts. 0 leaves it out.",
            .minimum = 0,
            .maximum = 1000,
            .advanced = true },
        Row<&S::rewards>{ .key = "rewards",
            .label = "Rewards",
            .help = "What a good completion is: a list of terms with a type, a weight and their "
                    "own settings.",
            .rl_only = true,
            .group = "Rewards" });
}

std::vector<Field> samplingFields()
{
    using S = SamplingSection;
    return fieldsOf<&TrainingConfig::sampling>("Sampling",
        Row<&S::temperature>{ .key = "temperature",
            .label = "Temperature",
            .help = "How freely completions are drawn; 1.0 is the model's own distribution.",
            .minimum = 0,
            .maximum = 10,
            .minimum_open = true,
            .rl_only = true },
        Row<&S::top_p>{ .key = "top_p",
            .label = "Top p",
            .help = "Draws only from the likeliest tokens that hold this share of the probability. "
                    "1.0 keeps all, "
                    "which reinforcement learning wants.",
            .minimum = 0,
            .maximum = 1,
            .minimum_open = true,
            .rl_only = true },
        Row<&S::top_k>{ .key = "top_k",
            .label = "Top k",
            .unit = "tokens",
            .help = "Draws only from so many likeliest tokens. 0 keeps all.",
            .minimum = 0,
            .maximum = 1e6,
            .advanced = true,
            .rl_only = true },
        Row<&S::min_p>{ .key = "min_p",
            .label = "Min p",
            .help
            = "Leaves out tokens less likely than this share of the likeliest one. 0 keeps all.",
            .minimum = 0,
            .maximum = 1,
            .advanced = true,
            .rl_only = true });
}

} // namespace zen
