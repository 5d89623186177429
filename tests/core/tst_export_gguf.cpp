#include "core/model/gguf_names.h"
#include "core/model/unpack_gguf.h"
#include "core/weights/gguf_reader.h"
#include "core/weights/gguf_writer.h"
#include "export_samples.h"

#include <QTest>

#include <algorithm>
#include <map>

using namespace zen;
using namespace zen::test;
namespace fs = std::filesystem;

/// Models to GGUF files, and back.
class TestExportGguf : public QObject, private ExportFolder {
    Q_OBJECT

private Q_SLOTS:
    void init() { renew(); }

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

QTEST_GUILESS_MAIN(TestExportGguf)
#include "tst_export_gguf.moc"
