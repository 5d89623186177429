#include "core/model/qwen3_shape.h"

#include <QtTest>

#include <nlohmann/json.hpp>

#include <fstream>
#include <random>

using namespace zen;

namespace {

/// The published configuration of a dense Qwen3 (huggingface.co/Qwen), by its sizes.
nlohmann::json published(int hidden, int layers, int heads, int inner, bool tied)
{
    return { { "architectures", { "Qwen3ForCausalLM" } }, { "model_type", "qwen3" },
        { "vocab_size", 151936 }, { "hidden_size", hidden }, { "num_hidden_layers", layers },
        { "num_attention_heads", heads }, { "num_key_value_heads", 8 }, { "head_dim", 128 },
        { "intermediate_size", inner }, { "max_position_embeddings", 40960 },
        { "rms_norm_eps", 1e-6 }, { "rope_theta", 1000000 }, { "rope_scaling", nullptr },
        { "sliding_window", nullptr }, { "use_sliding_window", false },
        { "tie_word_embeddings", tied }, { "attention_bias", false }, { "hidden_act", "silu" },
        { "torch_dtype", "bfloat16" }, { "bos_token_id", 151643 }, { "eos_token_id", 151645 } };
}

nlohmann::json mixture(int hidden, int layers, int heads, int inner)
{
    nlohmann::json config = published(hidden, layers, heads, 6144, false);
    config.update({ { "model_type", "qwen3_moe" }, { "num_key_value_heads", 4 },
        { "num_experts", 128 }, { "num_experts_per_tok", 8 }, { "moe_intermediate_size", inner },
        { "decoder_sparse_step", 1 }, { "mlp_only_layers", nlohmann::json::array() },
        { "norm_topk_prob", true } });
    return config;
}

} // namespace

class TestQwen3Shape : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void parameters_matchPublishedCounts_data();
    void parameters_matchPublishedCounts();
    void ropeTheta_isReadInBothSpellings();
    void headSize_defaultsToItsShare();
    void endIds_areJoined();
    void referenceConfigs_areRead();
    void badConfig_isRefusedByKey_data();
    void badConfig_isRefusedByKey();
    void brokenText_isRefused();
    void mutations_neverCrash();
    void writtenShape_readsEqual();
};

void TestQwen3Shape::parameters_matchPublishedCounts_data()
{
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<qlonglong>("parameters");
    const auto row = [](const char* name, const nlohmann::json& config, qlonglong parameters) {
        QTest::newRow(name) << QByteArray::fromStdString(config.dump()) << parameters;
    };
    row("0.6B", published(1024, 28, 16, 3072, true), 596'049'920);
    row("1.7B", published(2048, 28, 16, 6144, true), 1'720'574'976);
    row("4B", published(2560, 36, 32, 9728, true), 4'022'468'096);
    row("8B", published(4096, 36, 32, 12288, false), 8'190'735'360);
    row("14B", published(5120, 40, 40, 17408, false), 14'768'307'200);
    row("32B", published(5120, 64, 64, 25600, false), 32'762'123'264);
    row("30B-A3B", mixture(2048, 48, 32, 768), 30'532'122'624);
    row("235B-A22B", mixture(4096, 94, 64, 1536), 235'093'634'560);
}

void TestQwen3Shape::parameters_matchPublishedCounts()
{
    QFETCH(QByteArray, config);
    QFETCH(qlonglong, parameters);
    const auto shape = parseShape(config.toStdString());
    QVERIFY2(shape, shape ? "" : shape.error().message.c_str());
    QCOMPARE(static_cast<qlonglong>(shape->parameters()), parameters);
    QVERIFY(shape->linearParameters() < shape->parameters());
}

void TestQwen3Shape::ropeTheta_isReadInBothSpellings()
{
    nlohmann::json config = published(1024, 28, 16, 3072, true);
    config["rope_theta"] = 5e6;
    QCOMPARE(parseShape(config.dump())->rope_theta, 5e6);
    config.erase("rope_theta");
    config["rope_parameters"] = { { "rope_theta", 1e7 }, { "rope_type", "default" } };
    QCOMPARE(parseShape(config.dump())->rope_theta, 1e7);
}

void TestQwen3Shape::headSize_defaultsToItsShare()
{
    nlohmann::json config = published(1024, 28, 16, 3072, true);
    config.erase("head_dim");
    QCOMPARE(parseShape(config.dump())->head_dim, std::int64_t{ 64 });
    config["num_attention_heads"] = 24;
    QVERIFY(!parseShape(config.dump()));
}

void TestQwen3Shape::endIds_areJoined()
{
    const std::string config = published(1024, 28, 16, 3072, true).dump();
    const auto shape
        = parseShape(config, R"({"eos_token_id":[151645,151643],"pad_token_id":151643})");
    QVERIFY(shape);
    QCOMPARE(shape->eos_ids, (std::vector<std::int64_t>{ 151645, 151643 }));
    QCOMPARE(shape->pad_id, std::int64_t{ 151643 });
}

void TestQwen3Shape::referenceConfigs_areRead()
{
    const auto cases = std::filesystem::path(ZEN_SOURCE_DIR) / "tests/reference-cases";
    const auto dense = readShape(cases / "dense");
    QVERIFY(dense);
    QCOMPARE(dense->parameters(), std::int64_t{ 187008 }); // total_parameters of the sharded index
    QCOMPARE(dense->head_dim, std::int64_t{ 32 });
    QVERIFY(dense->tied_embeddings && !dense->isMoe());
    QCOMPARE(dense->eos_ids, (std::vector<std::int64_t>{ 2 }));
    const auto moe = readShape(cases / "moe");
    QVERIFY(moe && moe->isMoe());
    QCOMPARE(moe->num_experts, std::int64_t{ 8 });
    QCOMPARE(moe->experts_per_token, std::int64_t{ 2 });
    QCOMPARE(moe->mlp_only_layers, (std::vector<std::int64_t>{ 0 }));
    QVERIFY(moe->norm_topk_prob);
    QCOMPARE(moe->sparseLayers(), std::int64_t{ 2 });
    QVERIFY(!moe->isSparseLayer(0) && moe->isSparseLayer(1));
    auto again = parseShape(writeShape(*moe));
    QVERIFY(again);
    again->dtype = moe->dtype;
    QVERIFY(*again == *moe);
    QVERIFY(!readShape(cases / "lora-adapter"));
}

void TestQwen3Shape::badConfig_isRefusedByKey_data()
{
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value"); // empty: removed
    const auto row = [](const char* key, const char* value) {
        QTest::addRow("%s %s", key, value) << QString(key) << QString(value);
    };
    row("hidden_size", "");
    row("hidden_size", "0");
    row("hidden_size", "65537");
    row("hidden_size", "-8");
    row("hidden_size", "1e3");
    row("hidden_size", R"("1024")");
    row("hidden_size", "18446744073709551615");
    row("hidden_size", "[[[[]]]]");
    row("num_hidden_layers", "513");
    row("num_hidden_layers", "");
    row("vocab_size", "2000001");
    row("num_attention_heads", "0");
    row("num_key_value_heads", "3");
    row("head_dim", "127");
    row("head_dim", "100000");
    row("intermediate_size", "0");
    row("rms_norm_eps", "0");
    row("rms_norm_eps", R"("small")");
    row("rope_theta", "-1");
    row("rope_scaling", R"({"rope_type":"yarn","factor":4.0})");
    row("rope_parameters", R"({"rope_type":"linear"})");
    row("rope_parameters", "7");
    row("tie_word_embeddings", "1");
    row("attention_bias", "true");
    row("use_sliding_window", "true");
    row("hidden_act", R"("gelu")");
    row("model_type", R"("llama")");
    row("model_type", "3");
    row("eos_token_id", "151936");
    row("eos_token_id", R"(["a"])");
    row("eos_token_id", "-1");
    row("quantization_config", R"({"bits":4})");
    row("quantization_config", R"({"quant_method":"bitsandbytes","load_in_8bit":true})");
    row("max_position_embeddings", "0");
}

void TestQwen3Shape::badConfig_isRefusedByKey()
{
    QFETCH(QString, key);
    QFETCH(QString, value);
    nlohmann::json config = published(1024, 28, 16, 3072, true);
    if (value.isEmpty())
        config.erase(key.toStdString());
    else
        config[key.toStdString()] = nlohmann::json::parse(value.toStdString());
    const auto shape = parseShape(config.dump());
    QVERIFY(!shape);
    QVERIFY2(shape.error().message.find(key.toStdString()) != std::string::npos,
        shape.error().message.c_str());
    QVERIFY(shape.error().message.size() < 400);
}

void TestQwen3Shape::brokenText_isRefused()
{
    for (const std::string& text :
        { std::string(), std::string("{"), std::string("[]"), std::string("null"),
            std::string(200'000, '['), std::string("{\"hidden_size\":") + std::string(200'000, '['),
            "{\"hidden_size\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}" })
        QVERIFY(!parseShape(text));
    QVERIFY(!parseShape(published(1024, 28, 16, 3072, true).dump(), "[]"));
}

void TestQwen3Shape::mutations_neverCrash()
{
    const std::string good = mixture(2048, 48, 32, 768).dump();
    std::mt19937 random(3);
    int refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text = good;
        for (unsigned change = 0; change <= random() % 3; ++change) {
            const std::size_t at = random() % text.size();
            if (random() % 2 == 0)
                text[at] = "{}[],:\"0123456789-e.tfn"[random() % 23];
            else
                text.insert(at, text.substr(random() % text.size(), random() % 20));
        }
        const auto shape = parseShape(text, text);
        refused += shape ? 0 : 1;
        if (shape)
            QVERIFY(shape->parameters() > 0);
    }
    QVERIFY(refused > 1000);
}

void TestQwen3Shape::writtenShape_readsEqual()
{
    auto shape = parseShape(published(1024, 28, 16, 3072, true).dump(),
        R"({"eos_token_id":[151645,151643],"pad_token_id":5})");
    QVERIFY(shape);
    const auto again = parseShape(writeShape(*shape));
    QVERIFY2(again, again ? "" : again.error().message.c_str());
    QVERIFY(*again == *shape);
}

QTEST_GUILESS_MAIN(TestQwen3Shape)
#include "tst_qwen3_shape.moc"
