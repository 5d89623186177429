#include "core/model/lora_product.h"
#include "core/train/export_weights.h"
#include "core/train/model_card.h"
#include "core/weights/number_formats.h"
#include "core/weights/sharded_writer.h"
#include "export_samples.h"

#include <QTest>

#include <algorithm>

using namespace zen;
using namespace zen::test;
namespace fs = std::filesystem;

class TestExportWeights : public QObject, private ExportFolder {
    Q_OBJECT

private Q_SLOTS:
    void init() { renew(); }

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
};

QTEST_GUILESS_MAIN(TestExportWeights)
#include "tst_export_weights.moc"
