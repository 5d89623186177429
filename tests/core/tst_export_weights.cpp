#include "core/base/durable_file.h"
#include "core/model/gguf_names.h"
#include "core/model/lora_product.h"
#include "core/model/merged_weights.h"
#include "core/runs/event_log.h"
#include "core/train/export_weights.h"
#include "core/train/model_card.h"
#include "core/weights/gguf_reader.h"
#include "core/weights/number_formats.h"
#include "core/weights/sharded_writer.h"

#include <QTemporaryDir>
#include <QTest>

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>

using namespace zen;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRank = 2;

/// Numbers that bfloat16 holds exactly, different for each tensor.
std::vector<float> numbersFor(const std::string& name, std::size_t count)
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

void put(Tensors& tensors, const std::string& name, std::vector<std::int64_t> shape)
{
    std::int64_t count = 1;
    for (const std::int64_t dimension : shape)
        count *= dimension;
    tensors[name] = { std::move(shape), numbersFor(name, static_cast<std::size_t>(count)) };
}

void save(const fs::path& file, const Tensors& tensors)
{
    std::vector<TensorToWrite> list;
    for (const auto& [name, tensor] : tensors)
        list.push_back({ name, TensorType::f32, tensor.shape, tensor.numbers.data() });
    QVERIFY(writeSafetensors(file, list, {}).has_value());
}

/// Every tensor of a model folder, as float32.
Tensors load(const fs::path& folder)
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

void writeText(const fs::path& file, const std::string& text)
{
    std::ofstream(file, std::ios::binary) << text;
}

nlohmann::json readJson(const fs::path& file)
{
    return nlohmann::json::parse(readFile(file).value());
}

/// A mixture of experts (two layers, four experts) or a dense model, tied or not, with the
/// starter's tokenizer.
void writeModel(const fs::path& folder, bool moe, bool tied)
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
void writeAdapterOn(const fs::path& folder, const std::map<std::string, std::int64_t>& modules)
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
std::vector<double> addedBy(const std::string& module, std::int64_t out, std::int64_t in)
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
void writeRun(const fs::path& folder, const fs::path& model)
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

} // namespace

class TestExportWeights : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path root() const { return m_folder->path().toStdString(); }
    fs::path model() const { return root() / "base"; }
    fs::path run() const { return root() / "run"; }

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
    QString failure(WeightExportOptions options) const
    {
        if (options.output.empty())
            options.output = root() / "refused";
        const auto done = exportWeights(options);
        if (!done && options.output == root() / "refused" && fs::exists(options.output))
            return QStringLiteral("something was left behind");
        return done ? QString() : QString::fromStdString(done.error().message);
    }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void product_isAddedInFloat32()
    {
        // enough rows for several threads
        const std::size_t out = 1024, in = 768, rank = 32;
        const auto weight = numbersFor("w", out * in), a = numbersFor("a", rank * in),
                   b = numbersFor("b", out * rank);
        std::vector<float> sum = weight;
        addLoraProduct(sum, b, a, rank, 0.5);
        double largest = 0;
        for (std::size_t o = 0; o < out; o += 37)
            for (std::size_t i = 0; i < in; ++i) {
                double expected = 0;
                for (std::size_t r = 0; r < rank; ++r)
                    expected += static_cast<double>(b[o * rank + r]) * a[r * in + i];
                expected = weight[o * in + i] + 0.5 * expected;
                largest = std::max(largest, std::abs(sum[o * in + i] - expected));
            }
        QVERIFY(largest < 1e-5);
    }

    void mergedModel_isBasePlusAdapter_data()
    {
        QTest::addColumn<bool>("moe");
        QTest::addColumn<bool>("tied");
        QTest::newRow("dense, tied") << false << true;
        QTest::newRow("experts, own head") << true << false;
    }

    void mergedModel_isBasePlusAdapter()
    {
        QFETCH(bool, moe);
        QFETCH(bool, tied);
        writeModel(model(), moe, tied);
        writeRun(run(), model());
        const std::string q = "model.layers.1.self_attn.q_proj";
        const std::string up
            = moe ? "model.layers.0.mlp.experts.3.down_proj" : "model.layers.0.mlp.up_proj";
        writeAdapterOn(run() / "adapter", { { q, 32 }, { up, moe ? 32 : 48 } });
        exported(WeightTarget::merged, "f32");
        const Tensors base = load(model()), merged = load(root() / "out");
        QCOMPARE(merged.size(), base.size());
        for (const auto& [name, tensor] : base) {
            const Tensor& now = merged.at(name);
            QCOMPARE(now.shape, tensor.shape);
            const std::string module = name.substr(0, name.size() - 7);
            if (module != q && module != up) {
                QVERIFY2(now.numbers == tensor.numbers, name.c_str());
                continue;
            }
            const auto added = addedBy(module, tensor.shape[0], tensor.shape[1]);
            for (std::size_t i = 0; i < added.size(); ++i)
                QVERIFY(std::abs(now.numbers[i] - (tensor.numbers[i] + added[i])) < 1e-6);
        }
        const auto config = readJson(root() / "out/config.json");
        QCOMPARE(config["torch_dtype"].get<std::string>(), std::string("float32"));
        QCOMPARE(config["kept_as_it_is"].get<std::string>(), std::string("yes"));
        QCOMPARE(config["tie_word_embeddings"].get<bool>(), tied);
        for (const char* same :
            { "tokenizer.json", "generation_config.json", "tokenizer_config.json" })
            QCOMPARE(readFile(root() / "out" / same).value(), readFile(model() / same).value());
    }

    void bf16_isRoundedOnce()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        const std::string q = "model.layers.1.self_attn.q_proj";
        writeAdapterOn(run() / "adapter", { { q, 32 } });
        exported(WeightTarget::merged, "f32", "wide");
        exported(WeightTarget::merged, "bf16", "narrow");
        const auto checkpoint = openCheckpoint(root() / "narrow").value();
        for (const TensorEntry& entry : checkpoint.shards[0].entries())
            QCOMPARE(entry.type, TensorType::bf16);
        const auto wide = load(root() / "wide").at(q + ".weight").numbers;
        const auto narrow = load(root() / "narrow").at(q + ".weight").numbers;
        for (std::size_t i = 0; i < wide.size(); ++i)
            QCOMPARE(narrow[i], fromBfloat16(toBfloat16(wide[i])));
        QCOMPARE(readJson(root() / "narrow/config.json")["torch_dtype"].get<std::string>(),
            std::string("bfloat16"));
    }

    void largeModel_isCutIntoShards()
    {
        writeModel(model(), true, false);
        const WeightExport done = exported(WeightTarget::merged, "", "out", 60'000, model());
        std::size_t shards = 0;
        for (const std::string& file : done.files)
            shards += file.starts_with("model-") ? 1 : 0;
        QVERIFY(shards > 2);
        const auto index = readJson(root() / "out/model.safetensors.index.json");
        const auto merged = load(root() / "out");
        std::uint64_t bytes = 0;
        for (const auto& [name, tensor] : merged) {
            QVERIFY(index["weight_map"].contains(name));
            bytes += tensor.numbers.size() * 4;
        }
        QCOMPARE(index["metadata"]["total_size"].get<std::uint64_t>(), bytes);
        QCOMPARE(index["weight_map"].size(), merged.size());
        char last[64];
        std::snprintf(last, sizeof last, "model-%05zu-of-%05zu.safetensors", shards, shards);
        QVERIFY(fs::exists(root() / "out" / last));
        // no shard above the limit but for a single larger tensor (the embedding: 131072 bytes)
        const auto checkpoint = openCheckpoint(root() / "out").value();
        for (const SafetensorsFile& shard : checkpoint.shards) {
            std::uint64_t size = 0;
            for (const TensorEntry& entry : shard.entries())
                size += entry.bytes;
            QVERIFY(size <= 60'000 || shard.entries().size() == 1);
        }
        const Tensors base = load(model());
        for (const auto& [name, tensor] : base)
            QVERIFY(merged.at(name).numbers == tensor.numbers);
    }

    void byteSizes_areRead()
    {
        QCOMPARE(parseByteSize("5GB").value(), 5'000'000'000ULL);
        QCOMPARE(parseByteSize("1.5 mb").value(), 1'500'000ULL);
        QCOMPARE(parseByteSize("2GiB").value(), 2'147'483'648ULL);
        QCOMPARE(parseByteSize("300").value(), 300ULL);
        for (const char* bad : { "", "GB", "0", "-1GB", "5 parsecs", "nan" })
            QVERIFY2(!parseByteSize(bad), bad);
    }

    void gguf_hasEveryFieldOfTheFormat_data()
    {
        QTest::addColumn<bool>("moe");
        QTest::newRow("qwen3") << false;
        QTest::newRow("qwen3moe") << true;
    }

    void gguf_hasEveryFieldOfTheFormat()
    {
        QFETCH(bool, moe);
        writeModel(model(), moe, !moe);
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        exported(WeightTarget::gguf, "f16");
        const auto file = GgufFile::open(root() / "out/My-run-f16.gguf").value();
        const std::string arch = moe ? "qwen3moe" : "qwen3";
        const auto is = [&](const std::string& key, const GgufValue& value) {
            const GgufValue* found = file.find(key);
            return found != nullptr && *found == value;
        };
        // types as the specification and llama.cpp give them
        QVERIFY(is("general.architecture", arch));
        QVERIFY(is("general.type", std::string("model")));
        QVERIFY(is("general.name", std::string("My-run")));
        QVERIFY(is("general.finetune", std::string("gspo")));
        QVERIFY(is("general.license", std::string("apache-2.0")));
        QVERIFY(is("general.file_type", std::uint32_t{ 1 }));
        QVERIFY(is("general.quantization_version", std::uint32_t{ 2 }));
        QVERIFY(is("general.alignment", std::uint32_t{ 32 }));
        QVERIFY(is(arch + ".block_count", std::uint32_t{ 2 }));
        QVERIFY(is(arch + ".context_length", std::uint32_t{ 128 }));
        QVERIFY(is(arch + ".embedding_length", std::uint32_t{ 32 }));
        QVERIFY(is(arch + ".feed_forward_length", std::uint32_t{ 48 }));
        QVERIFY(is(arch + ".attention.head_count", std::uint32_t{ 2 }));
        QVERIFY(is(arch + ".attention.head_count_kv", std::uint32_t{ 1 }));
        QVERIFY(is(arch + ".attention.key_length", std::uint32_t{ 16 }));
        QVERIFY(is(arch + ".attention.value_length", std::uint32_t{ 16 }));
        QVERIFY(is(arch + ".attention.layer_norm_rms_epsilon", 1e-6F));
        QVERIFY(is(arch + ".rope.freq_base", 1e6F));
        QVERIFY(is(arch + ".vocab_size", std::uint32_t{ 1024 }));
        QCOMPARE(is(arch + ".expert_count", std::uint32_t{ 4 }), moe);
        QCOMPARE(is(arch + ".expert_used_count", std::uint32_t{ 2 }), moe);
        QCOMPARE(is(arch + ".expert_feed_forward_length", std::uint32_t{ 64 }), moe);
        QVERIFY(is("tokenizer.ggml.model", std::string("gpt2")));
        QVERIFY(is("tokenizer.ggml.pre", std::string("qwen2")));
        QVERIFY(is("tokenizer.ggml.bos_token_id", std::uint32_t{ 564 }));
        QVERIFY(is("tokenizer.ggml.eos_token_id", std::uint32_t{ 566 }));
        QVERIFY(is("tokenizer.ggml.padding_token_id", std::uint32_t{ 564 }));
        QVERIFY(is("tokenizer.ggml.add_bos_token", false));
        QVERIFY(is("tokenizer.chat_template", std::string("{{ its own }}")));
        const auto& tokens = *file.list<std::string>("tokenizer.ggml.tokens");
        const auto& types = *file.list<std::int32_t>("tokenizer.ggml.token_type");
        const auto tokenizer = readJson(model() / "tokenizer.json");
        QCOMPARE(tokens.size(), std::size_t{ 1024 });
        QCOMPARE(types.size(), tokens.size());
        for (const auto& [token, id] : tokenizer["model"]["vocab"].items()) {
            QCOMPARE(tokens[id.get<std::size_t>()], token);
            QCOMPARE(types[id.get<std::size_t>()], 1);
        }
        for (const auto& added : tokenizer["added_tokens"]) {
            QCOMPARE(tokens[added["id"].get<std::size_t>()], added["content"].get<std::string>());
            QCOMPARE(types[added["id"].get<std::size_t>()], added["special"].get<bool>() ? 3 : 4);
        }
        QCOMPARE(tokens[1000], std::string("[PAD1000]"));
        QCOMPARE(types[1000], 5);
        const auto& merges = *file.list<std::string>("tokenizer.ggml.merges");
        QCOMPARE(merges.size(), tokenizer["model"]["merges"].size());
        QCOMPARE(merges[0],
            tokenizer["model"]["merges"][0][0].get<std::string>() + " "
                + tokenizer["model"]["merges"][0][1].get<std::string>());
        checkTensors(file, moe);
    }

    void ggufOfExperts_unpacksToTheSameNumbers()
    {
        writeModel(model(), true, false);
        exported(WeightTarget::gguf, "f32", "gguf", 1, model());
        exported(WeightTarget::merged, "", "back", 5'000'000'000, root() / "gguf/base-f32.gguf");
        const Tensors base = load(model()), back = load(root() / "back");
        QCOMPARE(back.size(), base.size());
        for (const auto& [name, tensor] : base) {
            QVERIFY2(back.at(name).numbers == tensor.numbers, name.c_str());
            QCOMPARE(back.at(name).shape, tensor.shape);
        }
        const auto before = readShape(model()).value();
        auto after = readShape(root() / "back").value();
        after.intermediate_size = before.intermediate_size;
        QVERIFY(after == before);
        QCOMPARE(
            readJson(root() / "back/tokenizer_config.json")["chat_template"].get<std::string>(),
            std::string("{{ its own }}"));
    }

    void modelfile_tellsOllamaWhatTheRunUsed()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        exported(WeightTarget::gguf, "q8_0");
        const std::string text = readFile(root() / "out/Modelfile").value();
        for (const char* part : { "FROM ./My-run-q8_0.gguf\n", "PARAMETER stop \"<|im_end|>\"",
                 "PARAMETER temperature 0.6", "PARAMETER top_k 20", "PARAMETER num_ctx 128",
                 "SYSTEM \"\"\"Be brief.\"\"\"", "<think>\n\n</think>" })
            QVERIFY2(text.find(part) != std::string::npos, part);
        // 48 is no multiple of 32: these rows are kept as float16
        const auto file = GgufFile::open(root() / "out/My-run-q8_0.gguf").value();
        QCOMPARE(file.tensor("blk.0.ffn_down.weight")->format, NumberFormat::f16);
        QCOMPARE(file.tensor("blk.0.ffn_up.weight")->format, NumberFormat::q8_0);
        QCOMPARE(file.tensor("blk.0.attn_q_norm.weight")->format, NumberFormat::f32);
    }

    void adapter_isCopiedWithItsBase()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        exported(WeightTarget::peft);
        QCOMPARE(readFile(root() / "out/adapter_model.safetensors").value(),
            readFile(run() / "adapter/adapter_model.safetensors").value());
        const auto config = readJson(root() / "out/adapter_config.json");
        QCOMPARE(config["base_model_name_or_path"].get<std::string>(), model().string());
        QCOMPARE(config["lora_alpha"].get<int>(), 8);
    }

    void card_tellsResultsLicenceAndConfiguration()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        for (const WeightTarget target :
            { WeightTarget::merged, WeightTarget::gguf, WeightTarget::peft }) {
            const std::string name = "card-" + std::to_string(static_cast<int>(target));
            exported(target, "", name.c_str());
            const std::string card = readFile(root() / name / "README.md").value();
            for (const char* part : { "---\nlicense: \"apache-2.0\"\n", "# My run", "25.0 %",
                     "50.0 %", "GSPO", "![Reward by step](reward.svg)", "Reward: `▁▅█`",
                     "## Licence", "`apache-2.0`", "run_name: My run", "- {type: number_equal}" }) {
                const bool title = std::string(part) == "# My run";
                QVERIFY2(card.find(title ? "# My-run" : part) != std::string::npos, part);
            }
            QVERIFY(readFile(root() / name / "reward.svg").value().find("<polyline")
                != std::string::npos);
        }
    }

    void modelWithoutTemplate_getsQwensPlainOne()
    {
        writeModel(model(), false, true);
        fs::remove(model() / "tokenizer_config.json");
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        exported(WeightTarget::merged);
        const auto config = readJson(root() / "out/tokenizer_config.json");
        const auto chat = config["chat_template"].get<std::string>();
        QVERIFY(chat.find("<|im_start|>") != std::string::npos);
        QVERIFY(chat.find("enable_thinking is not defined or") != std::string::npos); // as trained
        QCOMPARE(config["eos_token"].get<std::string>(), std::string("<|im_end|>"));
    }

    void mixedExperts_areRefusedForGgufOnly()
    {
        writeModel(model(), true, false);
        auto config = readJson(model() / "config.json");
        config["norm_topk_prob"] = false;
        writeText(model() / "config.json", config.dump());
        WeightExportOptions options;
        options.source = model().string();
        options.target = WeightTarget::gguf;
        QVERIFY(failure(options).contains(QStringLiteral("norm_topk_prob is false")));
        exported(WeightTarget::merged, "", "out", 5'000'000'000, model());
    }

    void badInput_isNamedAndLeavesNothing()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        WeightExportOptions options;
        options.source = run().string();
        QVERIFY(failure(options).contains(QStringLiteral("neither adapter/ nor model/")));

        writeAdapterOn(run() / "adapter", { { "model.layers.9.self_attn.q_proj", 32 } });
        QVERIFY(
            failure(options).contains(QStringLiteral("model.layers.9.self_attn.q_proj.weight")));
        fs::remove_all(run() / "adapter");
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 48 } });
        QVERIFY(failure(options).contains(QStringLiteral("another model (somewhere)")));
        writeText(run() / "adapter/adapter_config.json",
            R"({"peft_type": "LORA", "r": 2, "lora_alpha": 8, "use_dora": true})");
        QVERIFY(failure(options).contains(QStringLiteral("use_dora")));

        options.source = model().string();
        options.dtype = "q8_0";
        QVERIFY(failure(options).contains(QStringLiteral("choose f32, f16 or bf16")));
        options.dtype = "q4_k_m";
        options.target = WeightTarget::gguf;
        QVERIFY(failure(options).contains(QStringLiteral("or q8_0")));
        options.target = WeightTarget::peft;
        QVERIFY(failure(options).contains(QStringLiteral("no adapter")));
        options.output = model();
        QVERIFY(failure(options).contains(QStringLiteral("exists already")));
        options.output.clear();
        options.source = root().string();
        QVERIFY(failure(options).contains(QStringLiteral("neither a run")));
    }

    void cancelledExport_leavesNothing()
    {
        writeModel(model(), false, true);
        WeightExportOptions options;
        options.source = model().string();
        int tensors = 0;
        options.is_cancelled = [&] { return ++tensors > 5; };
        QVERIFY(failure(options).contains(QStringLiteral("cancelled")));
        QCOMPARE(std::distance(fs::directory_iterator(root()), fs::directory_iterator()), 1);
    }

private:
    static void checkTensors(const GgufFile& file, bool moe)
    {
        using Dimensions = std::vector<std::uint64_t>;
        std::map<std::string, Dimensions> expected{ { "token_embd.weight", { 32, 1024 } },
            { "output_norm.weight", { 32 } } };
        if (moe)
            expected["output.weight"] = { 32, 1024 };
        for (const std::string block : { "blk.0.", "blk.1." }) {
            expected[block + "attn_norm.weight"] = { 32 };
            expected[block + "ffn_norm.weight"] = { 32 };
            expected[block + "attn_q_norm.weight"] = { 16 };
            expected[block + "attn_k_norm.weight"] = { 16 };
            expected[block + "attn_q.weight"] = { 32, 32 };
            expected[block + "attn_k.weight"] = { 32, 16 };
            expected[block + "attn_v.weight"] = { 32, 16 };
            expected[block + "attn_output.weight"] = { 32, 32 };
            if (moe) {
                expected[block + "ffn_gate_inp.weight"] = { 32, 4 };
                expected[block + "ffn_gate_exps.weight"] = { 32, 64, 4 };
                expected[block + "ffn_up_exps.weight"] = { 32, 64, 4 };
                expected[block + "ffn_down_exps.weight"] = { 64, 32, 4 };
            } else {
                expected[block + "ffn_gate.weight"] = { 32, 48 };
                expected[block + "ffn_up.weight"] = { 32, 48 };
                expected[block + "ffn_down.weight"] = { 48, 32 };
            }
        }
        QCOMPARE(file.tensors().size(), expected.size());
        for (const GgufTensor& tensor : file.tensors()) {
            QVERIFY2(expected.contains(tensor.name), tensor.name.c_str());
            QCOMPARE(tensor.dimensions, expected.at(tensor.name));
            const bool stays_wide = tensor.dimensions.size() == 1
                || tensor.name.find("ffn_gate_inp") != std::string::npos;
            QCOMPARE(tensor.format, stays_wide ? NumberFormat::f32 : NumberFormat::f16);
        }
    }
};

QTEST_GUILESS_MAIN(TestExportWeights)
#include "tst_export_weights.moc"
