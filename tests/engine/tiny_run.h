#pragma once

#include "core/base/durable_file.h"
#include "core/model/qwen3.h"
#include "core/runs/events.h"
#include "core/text/bpe_trainer.h"
#include "core/text/tokenizer.h"
#include "core/train/trainer.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// A model so small that a run takes a second: two layers, hidden size 32, a tokenizer of bytes.

namespace zen::test {

namespace fs = std::filesystem;

inline Qwen3Shape tinyShape(std::int64_t vocabulary)
{
    Qwen3Shape shape;
    shape.vocab_size = vocabulary;
    shape.hidden_size = 32;
    shape.intermediate_size = 64;
    shape.num_layers = 2;
    shape.num_heads = 2;
    shape.num_kv_heads = 1;
    shape.head_dim = 16;
    shape.max_position_embeddings = 256;
    shape.tied_embeddings = true;
    shape.dtype = "float32";
    return shape;
}

/// The same with two of four experts in the second layer.
inline Qwen3Shape tinyMixture(std::int64_t vocabulary)
{
    Qwen3Shape shape = tinyShape(vocabulary);
    shape.num_experts = 4;
    shape.experts_per_token = 2;
    shape.moe_intermediate_size = 24;
    shape.mlp_only_layers = { 0 };
    shape.norm_topk_prob = true;
    return shape;
}

/// Writes a random model in Hugging Face layout. Returns a message on failure, empty otherwise.
inline std::string writeTinyModel(
    const fs::path& folder, std::uint64_t seed = 1, bool mixture = false)
{
    fs::create_directories(folder);
    BpeTrainingOptions options;
    const std::vector<std::string> texts = { "ab ba abab" };
    options.vocab_size = 256 + static_cast<std::int64_t>(options.added.size());
    const auto tokenizer_json = trainTokenizerJson(texts, options);
    if (!tokenizer_json)
        return tokenizer_json.error().message;
    const auto tokenizer = Tokenizer::fromJson(*tokenizer_json);
    if (!tokenizer)
        return tokenizer.error().message;
    Qwen3Shape shape = mixture ? tinyMixture(tokenizer->size()) : tinyShape(tokenizer->size());
    shape.eos_ids = { *tokenizer->idOf("<|im_end|>") };
    shape.pad_id = *tokenizer->idOf("<|endoftext|>");
    if (auto written = writeDurably(folder / "tokenizer.json", *tokenizer_json); !written)
        return written.error().message;
    const Qwen3 model = Qwen3::random(shape, seed, {});
    if (auto saved = model.save(folder, at::kFloat); !saved)
        return saved.error().message;
    return {};
}

/// Makes the tied embedding larger, so that an adapter's small changes move the logits. Returns a
/// message on failure, empty otherwise.
inline std::string enlargeEmbedding(const fs::path& folder)
{
    auto tensors = readTensors(folder / "model.safetensors");
    if (!tensors)
        return tensors.error().message;
    (*tensors)["model.embed_tokens.weight"].mul_(6);
    fs::remove(folder / "model.safetensors");
    const auto written = writeTensors(folder / "model.safetensors", *tensors, {});
    return written ? std::string() : written.error().message;
}

/// Rows {"prompt": "<n>", "answer": "<letter>"}.
inline void writeRows(const fs::path& file, int count)
{
    std::ofstream out(file);
    for (int row = 0; row < count; ++row)
        out << "{\"prompt\": \"say " << row << "\", \"answer\": \""
            << "ab"[row % 2] << "\"}\n";
}

/// A GRPO run of a few seconds on a folder made by the two functions above.
inline TrainingConfig tinyConfig(const fs::path& root)
{
    TrainingConfig config;
    config.model.model_name_or_path = (root / "model").string();
    config.model.enable_thinking = false;
    config.adapter.lora_rank = 4;
    config.data.dataset = { (root / "rows.jsonl").string() };
    config.data.cutoff_len = 96;
    config.batch.per_device_train_batch_size = 8;
    config.batch.gradient_accumulation_steps = 1;
    config.batch.num_generations = 4;
    config.batch.max_completion_length = 8;
    config.algorithm.stage = Stage::grpo;
    RewardTermSpec reward;
    reward.name = "letter";
    reward.type = "regex";
    reward.parameters = { { "pattern", { "[a-m]" } } };
    config.algorithm.rewards = { reward };
    config.optimizer.learning_rate = 1e-2;
    config.optimizer.lr_scheduler_type = SchedulerType::linear;
    config.optimizer.max_steps = 6;
    config.memory.dtype = WeightType::float32;
    config.memory.num_threads
        = 1; // a second one would mostly wait, and make room for others' tests
    config.run.output_dir = (root / "run").string();
    config.run.save_steps = 0;
    config.run.seed = 7;
    return config;
}

/// The same with enough rollouts a step that the reward of an adapter's run rises.
inline TrainingConfig learningConfig(const fs::path& root)
{
    TrainingConfig config = tinyConfig(root);
    config.batch.per_device_train_batch_size = 32;
    config.batch.num_generations = 8;
    config.optimizer.max_steps = 40;
    config.optimizer.learning_rate = 3e-2;
    config.optimizer.lr_scheduler_type = SchedulerType::constant;
    return config;
}

/// Keeps every event; may act on them.
class RecordingSink final : public EventSink {
public:
    std::function<void(const Event&)> on_event;

    void publish(const Event& event) override
    {
        events.push_back(event);
        if (on_event)
            on_event(event);
    }

    template <class Kind> std::vector<Kind> all() const
    {
        std::vector<Kind> found;
        for (const Event& event : events)
            if (const auto* one = std::get_if<Kind>(&event))
                found.push_back(*one);
        return found;
    }

    std::string failure() const
    {
        const auto failed = all<RunFailed>();
        return failed.empty() ? std::string() : failed.front().message;
    }

    std::vector<Event> events;
};

/// Mean reward of the first fifth of the steps, and of the last.
inline std::pair<double, double> rewardsOf(const RecordingSink& sink)
{
    const auto steps = sink.all<StepFinished>();
    const std::size_t fifth = steps.size() / 5;
    double first = 0, last = 0;
    for (std::size_t i = 0; i < fifth; ++i) {
        first += steps[i].metrics.at("reward") / static_cast<double>(fifth);
        last += steps[steps.size() - 1 - i].metrics.at("reward") / static_cast<double>(fifth);
    }
    return { first, last };
}

/// Runs to the end; the message of a failure, empty otherwise.
inline std::string runTiny(const TrainingConfig& config, RecordingSink& sink,
    const std::function<void(const Event&, RunControl&)>& act = {}, bool shuffle_rewards = false)
{
    TrainerOptions options;
    options.config = config;
    options.shuffle_rewards = shuffle_rewards;
    auto job = createTrainer(options);
    if (!job)
        return job.error().message;
    RunControl control;
    if (act)
        sink.on_event = [&](const Event& event) { act(event, control); };
    (*job)->run(control, sink);
    sink.on_event = {};
    return sink.failure();
}

/// Stops after this step.
inline std::function<void(const Event&, RunControl&)> stopAfter(std::int64_t step)
{
    return [step](const Event& event, RunControl& control) {
        const auto* phase = std::get_if<PhaseChanged>(&event);
        if (phase != nullptr && phase->phase == Phase::updating && phase->step == step)
            control.requestStop();
    };
}

inline std::string bytesOf(const fs::path& file)
{
    return readFile(file).value_or("(unreadable " + file.string() + ")");
}

/// A step's metrics without those that a clock or the machine decides.
inline Metrics repeatable(Metrics metrics)
{
    std::erase_if(metrics, [](const auto& entry) {
        return entry.first.starts_with("speed/") || entry.first.starts_with("memory/")
            || entry.first == "step_time";
    });
    return metrics;
}

} // namespace zen::test
