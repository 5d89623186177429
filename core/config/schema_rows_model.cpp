#include "core/config/schema_row.h"

namespace zen {

std::vector<Field> modelFields()
{
    using S = ModelSection;
    return fieldsOf<&TrainingConfig::model>("Model",
        Row<&S::model_name_or_path>{ .key = "model_name_or_path",
            .label = "Model",
            .help = "The model to tune: a folder with config.json, or a hub id whose files are on "
                    "this machine. "
                    "zen/starter ships with the program." },
        Row<&S::adapter_name_or_path>{ .key = "adapter_name_or_path",
            .label = "Continue adapter",
            .help = "A PEFT adapter folder to go on from. Empty starts a new adapter.",
            .advanced = true,
            .is_path = true },
        Row<&S::template_name>{ .key = "template",
            .label = "Chat template",
            .help = "How a conversation becomes text for the model. Qwen3 models need qwen3.",
            .advanced = true,
            .suggestions = { "qwen3" } },
        Row<&S::enable_thinking>{ .key = "enable_thinking",
            .label = "Thinking",
            .help = "Lets the model think between <think> tags before it answers. Off gives it an "
                    "empty think block.",
            .advanced = true });
}

std::vector<Field> adapterFields()
{
    using S = AdapterSection;
    return fieldsOf<&TrainingConfig::adapter>("Adapter",
        Row<&S::finetuning_type>{ .key = "finetuning_type",
            .label = "Method",
            .help = "lora trains a small adapter and leaves the model as it is; full trains every "
                    "weight and needs "
                    "several times the memory." },
        Row<&S::lora_rank>{ .key = "lora_rank",
            .label = "LoRA rank",
            .help = "How much the adapter can express. Reinforcement learning does well with small "
                    "ranks.",
            .minimum = 1,
            .maximum = 1024,
            .aliases = { "lora_r" } },
        Row<&S::lora_alpha>{ .key = "lora_alpha",
            .label = "LoRA alpha",
            .help = "The adapter's output is scaled by alpha / rank. Twice the rank unless given.",
            .minimum = 1,
            .maximum = 8192 },
        Row<&S::lora_dropout>{ .key = "lora_dropout",
            .label = "LoRA dropout",
            .help = "Share of the adapter's inputs dropped while training. 0 keeps rollout and "
                    "update the same "
                    "function, which suits reinforcement learning.",
            .minimum = 0,
            .maximum = 0.95,
            .advanced = true },
        Row<&S::lora_target>{ .key = "lora_target",
            .label = "Target layers",
            .help = "The projections that get an adapter; all means the seven of each layer. In a "
                    "mixture of experts it means those of attention; gate_proj, up_proj and "
                    "down_proj, named, are the experts'.",
            .suggestions = { "all", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
                "down_proj" },
            .aliases = { "lora_target_modules" } },
        Row<&S::use_rslora>{ .key = "use_rslora",
            .label = "Rank-stabilised",
            .help = "Scales by alpha / square root of the rank, so that large ranks learn at the "
                    "same pace.",
            .advanced = true });
}

std::vector<Field> dataFields()
{
    using S = DataSection;
    return fieldsOf<&TrainingConfig::data>("Data",
        Row<&S::dataset>{ .key = "dataset",
            .label = "Dataset",
            .help = "Names from dataset_info.json in the dataset folder, or paths of .json and "
                    ".jsonl files.",
            .aliases = { "dataset_name" } },
        Row<&S::dataset_dir>{ .key = "dataset_dir",
            .label = "Dataset folder",
            .help = "Where dataset names and relative paths are looked up.",
            .is_path = true },
        Row<&S::eval_dataset>{ .key = "eval_dataset",
            .label = "Held-out dataset",
            .help = "Rows that are never trained on, to measure with. Empty holds out a part of "
                    "the dataset "
                    "(val_size)." },
        Row<&S::val_size>{ .key = "val_size",
            .label = "Held-out part",
            .unit = "share or rows",
            .help
            = "How much of the dataset is held out: below 1 a share, from 1 on a number of rows.",
            .minimum = 0,
            .maximum = 1e9 },
        Row<&S::max_samples>{ .key = "max_samples",
            .label = "Row limit",
            .unit = "rows",
            .help = "Uses at most so many rows. 0 uses all.",
            .minimum = 0,
            .maximum = 1e9,
            .advanced = true },
        Row<&S::shuffle_dataset>{ .key = "shuffle_dataset",
            .label = "Shuffle",
            .help = "Draws the rows in an order that the seed decides, a new one each epoch.",
            .advanced = true },
        Row<&S::system_prompt>{ .key = "system_prompt",
            .label = "System prompt",
            .help = "Put before every prompt. Empty adds none.",
            .advanced = true },
        Row<&S::prompt_column>{ .key = "prompt_column",
            .label = "Prompt column",
            .help = "The column that holds the question. Empty recognises prompt, question, "
                    "instruction, problem and "
                    "messages.",
            .advanced = true },
        Row<&S::answer_column>{ .key = "answer_column",
            .label = "Answer column",
            .help = "The column that rewards compare with. Empty recognises answer, solution, "
                    "output and response.",
            .advanced = true },
        Row<&S::cutoff_len>{ .key = "cutoff_len",
            .label = "Context",
            .unit = "tokens",
            .help = "The longest prompt and completion together. Memory grows with it.",
            .minimum = 16,
            .maximum = 1048576,
            .group = "Batch" });
}

} // namespace zen
