#include "core/model/gguf_names.h"
#include "core/model/lora_product.h"
#include "core/model/unpack_gguf.h"
#include "core/train/export_weights.h"
#include "core/train/model_card.h"
#include "core/weights/gguf_reader.h"
#include "core/weights/gguf_writer.h"
#include "core/weights/number_formats.h"
#include "core/weights/sharded_writer.h"
#include "export_samples.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <map>

using namespace zen;
using namespace zen::test;
namespace fs = std::filesystem;

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

    void templateOutsideOfWhatTransformersReads_isPutIn()
    {
        writeModel(model(), false, true);
        writeText(model() / "tokenizer_config.json", R"({"add_bos_token": false, "kept": 1})");
        writeText(model() / "chat_template.json", R"({"chat_template": "{{ from its json }}"})");
        exported(WeightTarget::merged, "", "json", 5'000'000'000, model());
        const auto config = readJson(root() / "json/tokenizer_config.json");
        QCOMPARE(config["chat_template"].get<std::string>(), std::string("{{ from its json }}"));
        QCOMPARE(config["kept"].get<int>(), 1);

        fs::remove(model() / "chat_template.json");
        exported(WeightTarget::merged, "", "none", 5'000'000'000, model());
        QVERIFY(readJson(root() / "none/tokenizer_config.json")["chat_template"]
                    .get<std::string>()
                    .find("<|im_start|>")
            != std::string::npos);

        writeText(model() / "chat_template.jinja", "{{ its own file }}");
        exported(WeightTarget::merged, "", "jinja", 5'000'000'000, model());
        QCOMPARE(readFile(root() / "jinja/tokenizer_config.json").value(),
            readFile(model() / "tokenizer_config.json").value());
        QVERIFY(fs::exists(root() / "jinja/chat_template.jinja"));
    }

    void weightsThatAreNotWhole_areRefusedBeforeAnythingIsWritten()
    {
        writeModel(model(), false, true);
        writeRun(run(), model());
        writeAdapterOn(run() / "adapter", { { "model.layers.1.self_attn.q_proj", 32 } });
        const auto whole = readJson(model() / "config.json");
        auto packed = whole;
        packed["quantization_config"] = { { "quant_method", "bitsandbytes" },
            { "load_in_4bit", true }, { "bnb_4bit_quant_type", "nf4" } };
        writeText(model() / "config.json", packed.dump());
        WeightExportOptions options;
        options.source = run().string();
        for (const WeightTarget target : { WeightTarget::merged, WeightTarget::gguf }) {
            options.target = target;
            const QString problem = failure(options);
            for (const char* part : { "stored in 4 bits", "--to peft", "unquantised" })
                QVERIFY2(problem.contains(QString::fromUtf8(part)), qPrintable(problem));
        }
        exported(WeightTarget::peft); // which needs no weights

        writeText(model() / "config.json", whole.dump());
        const std::vector<std::int32_t> ids(32);
        const TensorToWrite tensor{ "model.norm.weight", TensorType::i32, { 32 }, ids.data() };
        fs::remove(model() / "model.safetensors");
        QVERIFY(writeSafetensors(model() / "model.safetensors", { &tensor, 1 }, {}).has_value());
        const QString problem = failure(options);
        QVERIFY2(
            problem.contains(QStringLiteral("model.norm.weight holds I32")), qPrintable(problem));
    }

    void ggufWithSizesThatNoModelHas_isRefused_data()
    {
        QTest::addColumn<quint32>("head_size");
        QTest::addColumn<double>("base");
        QTest::addColumn<QString>("says");
        QTest::newRow("odd heads") << quint32(15) << 1e6 << QStringLiteral("head_dim = 15");
        QTest::newRow("beyond float32") << quint32(16) << 1e300 << QStringLiteral("rope.freq_base");
        QTest::newRow("below 1") << quint32(16) << 0.5 << QStringLiteral("rope_theta");
        QTest::newRow("sound") << quint32(16) << 1e6 << QString();
    }

    void ggufWithSizesThatNoModelHas_isRefused()
    {
        QFETCH(quint32, head_size);
        QFETCH(double, base);
        QFETCH(QString, says);
        auto writer = GgufWriter::create(root() / "sizes.gguf",
            { { "general.architecture", std::string("qwen3") },
                { "qwen3.block_count", std::uint32_t{ 1 } },
                { "qwen3.context_length", std::uint32_t{ 64 } },
                { "qwen3.embedding_length", std::uint32_t{ 2 } },
                { "qwen3.feed_forward_length", std::uint32_t{ 8 } },
                { "qwen3.attention.head_count", std::uint32_t{ 1 } },
                { "qwen3.attention.key_length", std::uint32_t{ head_size } },
                { "qwen3.rope.freq_base", base } },
            { { "token_embd.weight", { 2, 3 }, NumberFormat::f32, 0 } });
        QVERIFY(writer.has_value());
        QVERIFY(writer->append(std::vector<float>(6)).has_value());
        QVERIFY(writer->finish().has_value());
        const auto shape = shapeOfGguf(GgufFile::open(root() / "sizes.gguf").value());
        const QString problem = shape ? QString() : QString::fromStdString(shape.error().message);
        QCOMPARE(problem.isEmpty(), says.isEmpty());
        QVERIFY2(problem.contains(says), qPrintable(problem));
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

    void padToken_isTheTokenizersWhereTheModelNamesNone()
    {
        writeModel(model(), false, true);
        auto config = readJson(model() / "config.json");
        config.erase("pad_token_id");
        writeText(model() / "config.json", config.dump());
        const std::string named[] = { R"({"pad_token": "<|endoftext|>"})",
            R"({"pad_token": {"content": "<|endoftext|>"}})" };
        for (const std::string& tokenizer_config : named) {
            writeText(model() / "tokenizer_config.json", tokenizer_config);
            fs::remove_all(root() / "out");
            exported(WeightTarget::gguf, "f16", "out", 5'000'000'000, model());
            const auto file = GgufFile::open(root() / "out/base-f16.gguf");
            QVERIFY(file.has_value());
            const GgufValue* pad = file->find("tokenizer.ggml.padding_token_id");
            QVERIFY(pad != nullptr && *pad == GgufValue(std::uint32_t{ 564 }));
        }
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
        QVERIFY(failure(options).contains(QStringLiteral("--dtype is not for --to peft")));
        options.dtype.clear();
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

    void cancelledUnpacking_leavesNothing()
    {
        writeModel(model(), false, true);
        exported(WeightTarget::gguf, "f16", "gguf", 1, model());
        WeightExportOptions options;
        options.source = (root() / "gguf/base-f16.gguf").string();
        std::vector<double> fractions;
        options.on_progress = [&](double fraction) { fractions.push_back(fraction); };
        options.is_cancelled = [&] { return fractions.size() == 5; };
        QVERIFY(failure(options).contains(QStringLiteral("cancelled")));
        QCOMPARE(std::distance(fs::directory_iterator(root()), fs::directory_iterator()), 2);
        fractions.clear();
        options.is_cancelled = {};
        options.output = root() / "whole";
        QVERIFY(exportWeights(options).has_value());
        QVERIFY(std::is_sorted(fractions.begin(), fractions.end()));
        QCOMPARE(fractions.back(), 1.0);
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
