#pragma once

#include "core/base/durable_file.h"
#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"
#include "core/train/export_weights.h"
#include "core/weights/checkpoint_folder.h"
#include "core/weights/number_formats.h"
#include "core/weights/safetensors.h"

#include <QTemporaryDir>
#include <QTest>

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <memory>

// A small model, an adapter and a finished run, made in the test.

namespace zen::test {

namespace fs = std::filesystem;

inline constexpr std::int64_t kRank = 2;

/// Numbers that bfloat16 holds exactly, different for each tensor.
inline std::vector<float> numbersFor(const std::string& name, std::size_t count)
{
    std::vector<float> numbers(count);
    std::size_t state = std::hash<std::string>()(name);
    for (float& number : numbers) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        number = static_cast<float>(static_cast<int>(state >> 57) - 64) / 256;
    }
    return numbers;
}

struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> numbers;
};
using Tensors = std::map<std::string, Tensor>;

inline void put(Tensors& tensors, const std::string& name, std::vector<std::int64_t> shape)
{
    std::int64_t count = 1;
    for (const std::int64_t dimension : shape)
        count *= dimension;
    tensors[name] = { std::move(shape), numbersFor(name, static_cast<std::size_t>(count)) };
}

inline void save(const fs::path& file, const Tensors& tensors)
{
    std::vector<TensorToWrite> list;
    for (const auto& [name, tensor] : tensors)
        list.push_back({ name, TensorType::f32, tensor.shape, tensor.numbers.data() });
    QVERIFY(writeSafetensors(file, list, {}).has_value());
}

/// Every tensor of a model folder, as float32.
inline Tensors load(const fs::path& folder)
{
    Tensors tensors;
    const auto checkpoint = openCheckpoint(folder);
    if (!checkpoint)
        qFatal("%s", checkpoint.error().message.c_str());
    for (const auto& [name, shard] : checkpoint->shard_of) {
        const SafetensorsFile& file = checkpoint->shards[shard];
        const TensorEntry& entry = *file.find(name);
        std::vector<std::byte> bytes(entry.bytes);
        Tensor tensor{ entry.shape, std::vector<float>(entry.bytes / sizeOf(entry.type)) };
        if (!file.read(entry, bytes) || !decodeNumbers(entry.type, bytes.data(), tensor.numbers))
            qFatal("%s cannot be read", name.c_str());
        tensors[name] = std::move(tensor);
    }
    return tensors;
}

inline void writeText(const fs::path& file, const std::string& text)
{
    std::ofstream(file, std::ios::binary) << text;
}

inline nlohmann::json readJson(const fs::path& file)
{
    return nlohmann::json::parse(readFile(file).value());
}

/// A mixture of experts (two layers, four experts) or a dense model, tied or not, with the
/// starter's tokenizer.
inline void writeModel(const fs::path& folder, bool moe, bool tied)
{
    fs::create_directories(folder);
    nlohmann::json config = { { "architectures",
                                  { moe ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM" } },
        { "model_type", moe ? "qwen3_moe" : "qwen3" }, { "hidden_size", 32 },
        { "intermediate_size", 48 }, { "num_hidden_layers", 2 }, { "num_attention_heads", 2 },
        { "num_key_value_heads", 1 }, { "head_dim", 16 }, { "max_position_embeddings", 128 },
        { "vocab_size", 1024 }, { "rms_norm_eps", 1e-6 }, { "rope_theta", 1e6 },
        { "tie_word_embeddings", tied }, { "torch_dtype", "float32" }, { "eos_token_id", 566 },
        { "bos_token_id", 564 }, { "pad_token_id", 564 }, { "kept_as_it_is", "yes" } };
    if (moe)
        config.update({ { "num_experts", 4 }, { "num_experts_per_tok", 2 },
            { "moe_intermediate_size", 64 }, { "norm_topk_prob", true },
            { "decoder_sparse_step", 1 }, { "mlp_only_layers", nlohmann::json::array() } });
    writeText(folder / "config.json", config.dump(2));
    fs::copy_file(
        fs::path(ZEN_SOURCE_DIR) / "resources/starter/tokenizer.json", folder / "tokenizer.json");
    writeText(folder / "generation_config.json", R"({"temperature": 0.6, "top_k": 20})");
    writeText(folder / "tokenizer_config.json",
        R"({"chat_template": "{{ its own }}", "add_bos_token": false})");
    writeText(folder / "README.md", "---\nlibrary_name: transformers\nlicense: apache-2.0\n---\n");
    Tensors tensors;
    put(tensors, "model.embed_tokens.weight", { 1024, 32 });
    put(tensors, "model.norm.weight", { 32 });
    if (!tied)
        put(tensors, "lm_head.weight", { 1024, 32 });
    for (int layer = 0; layer < 2; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        put(tensors, prefix + "input_layernorm.weight", { 32 });
        put(tensors, prefix + "post_attention_layernorm.weight", { 32 });
        put(tensors, prefix + "self_attn.q_norm.weight", { 16 });
        put(tensors, prefix + "self_attn.k_norm.weight", { 16 });
        put(tensors, prefix + "self_attn.q_proj.weight", { 32, 32 });
        put(tensors, prefix + "self_attn.k_proj.weight", { 16, 32 });
        put(tensors, prefix + "self_attn.v_proj.weight", { 16, 32 });
        put(tensors, prefix + "self_attn.o_proj.weight", { 32, 32 });
        if (moe)
            put(tensors, prefix + "mlp.gate.weight", { 4, 32 });
        for (int expert = 0; expert < (moe ? 4 : 1); ++expert) {
            const std::string mlp
                = prefix + "mlp." + (moe ? "experts." + std::to_string(expert) + "." : "");
            const std::int64_t inner = moe ? 64 : 48;
            put(tensors, mlp + "gate_proj.weight", { inner, 32 });
            put(tensors, mlp + "up_proj.weight", { inner, 32 });
            put(tensors, mlp + "down_proj.weight", { 32, inner });
        }
    }
    save(folder / "model.safetensors", tensors);
}

/// An adapter on two weights; what it adds is computed by addedBy().
inline void writeAdapterOn(
    const fs::path& folder, const std::map<std::string, std::int64_t>& modules)
{
    fs::create_directories(folder);
    writeText(folder / "adapter_config.json",
        R"({"peft_type": "LORA", "r": 2, "lora_alpha": 8, "base_model_name_or_path": "somewhere", "bias": "none"})");
    Tensors tensors;
    for (const auto& [module, out] : modules) {
        const std::int64_t in
            = module.ends_with("down_proj") && module.find("experts") != module.npos ? 64 : 32;
        put(tensors, "base_model.model." + module + ".lora_A.weight", { kRank, in });
        put(tensors, "base_model.model." + module + ".lora_B.weight", { out, kRank });
    }
    save(folder / "adapter_model.safetensors", tensors);
}

/// scale B A with scale = alpha / r = 4, in double precision.
inline std::vector<double> addedBy(const std::string& module, std::int64_t out, std::int64_t in)
{
    const auto a = numbersFor(
        "base_model.model." + module + ".lora_A.weight", static_cast<std::size_t>(kRank * in));
    const auto b = numbersFor(
        "base_model.model." + module + ".lora_B.weight", static_cast<std::size_t>(out * kRank));
    std::vector<double> sum;
    for (std::int64_t o = 0; o < out; ++o)
        for (std::int64_t i = 0; i < in; ++i) {
            double value = 0;
            for (std::int64_t r = 0; r < kRank; ++r)
                value += 4.0 * b[static_cast<std::size_t>(o * kRank + r)]
                    * a[static_cast<std::size_t>(r * in + i)];
            sum.push_back(value);
        }
    return sum;
}

/// A finished run on a model folder.
inline void writeRun(const fs::path& folder, const fs::path& model)
{
    fs::create_directories(folder);
    writeText(folder / "config.yaml",
        "model_name_or_path: " + model.string()
            + "\nstage: gspo\nrun_name: My run\nenable_thinking: false\nsystem_prompt: Be brief.\n"
              "dataset: d\nrewards:\n  - {type: number_equal}\n");
    auto log = EventLog::open(folder).value();
    RunStarted started;
    started.run_name = "My run";
    started.stage = "gspo";
    started.total_steps = 3;
    log->publish(started);
    for (int number = 1; number <= 3; ++number)
        log->publish(StepFinished{ number, 3, 1, { { "reward", 0.25 * number } } });
    RunFinished finished;
    finished.status = "completed";
    finished.steps = 3;
    finished.eval_accuracy_before = 0.25;
    finished.eval_accuracy_after = 0.5;
    log->publish(finished);
    QVERIFY(writeSummary(RunFolder{ folder }, finished).has_value());
}

/// A temporary folder with places for a model and a run on it, and what exporting them gives.
class ExportFolder {
protected:
    void renew() { m_folder = std::make_unique<QTemporaryDir>(); }
    fs::path root() const { return m_folder->path().toStdString(); }
    fs::path model() const { return root() / "base"; }
    fs::path run() const { return root() / "run"; }

    /// Below the root; `source` is the run unless given.
    WeightExport exported(WeightTarget target, const char* dtype = "", const char* output = "out",
        std::uint64_t max_shard = 5'000'000'000, const fs::path& source = {}) const
    {
        WeightExportOptions options;
        options.source = (source.empty() ? run() : source).string();
        options.target = target;
        options.dtype = dtype;
        options.output = root() / output;
        options.max_shard_bytes = max_shard;
        auto done = exportWeights(options);
        if (!done)
            qFatal("%s", done.error().message.c_str());
        return *done;
    }
    /// The message of an export that must leave nothing; empty: it was done.
    QString failure(WeightExportOptions options) const
    {
        if (options.output.empty())
            options.output = root() / "refused";
        const auto done = exportWeights(options);
        if (!done && options.output == root() / "refused" && fs::exists(options.output))
            return QStringLiteral("something was left behind");
        return done ? QString() : QString::fromStdString(done.error().message);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
};

} // namespace zen::test
