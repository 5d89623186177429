#include "reference_case.h"

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>

#include <fstream>

using namespace zen;
using namespace reference;

namespace {

std::string textOf(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return { std::istreambuf_iterator<char>(file), {} };
}

/// Mean negative log-likelihood of the real next tokens, the first of a row included: padding
/// predicts it, as in the reference.
at::Tensor meanNll(
    const Qwen3& policy, const at::Tensor& ids, const at::Tensor& mask, ForwardOptions options)
{
    options.compute_padding = true;
    const std::int64_t next = ids.size(1) - 1;
    const at::Tensor logprobs = policy.logits(policy.forward(ids, mask, options))
                                    .narrow(1, 0, next)
                                    .log_softmax(-1)
                                    .gather(2, ids.narrow(1, 1, next).unsqueeze(-1))
                                    .squeeze(-1);
    const at::Tensor counts = mask.narrow(1, 1, next).to(at::kFloat);
    return -(logprobs * counts).sum() / counts.sum();
}

Qwen3 adapted(const LoadOptions& options = {})
{
    Qwen3 policy = model("dense", options);
    policy.attach(valueOf(readAdapter(folder() / "lora-adapter", policy.shape())));
    return policy;
}

} // namespace

class TestLora : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void logits_matchReference();
    void gradients_matchReference_data();
    void gradients_matchReference();
    void disabledAdapter_isTheReferencePolicy();
    void newAdapter_changesNothing();
    void newAdapter_dependsOnSeedOnly();
    void writtenAdapter_readsEqual();
    void writtenConfig_hasPeftsKeys();
    void unknownFeatures_areRefusedByName_data();
    void unknownFeatures_areRefusedByName();
    void dropout_gradientsMatchFiniteDifferences();
    void dropout_dependsOnKey();
    void bf16Weights_gradientsStayClose();
    void unknownTarget_isRefused();
};

void TestLora::logits_matchReference()
{
    const NamedTensors expected = tensors("lora-logits");
    const Qwen3 policy = adapted();
    const at::Tensor &ids = expected.at("input_ids"), &mask = expected.at("attention_mask");
    QVERIFY(
        largestError(policy.logits(policy.forward(ids, mask)), expected.at("logits"), mask) < 2e-4);
    QVERIFY(
        std::abs(meanNll(policy, ids, mask, {}).item<double>() - expected.at("nll").item<double>())
        < 2e-5);
}

void TestLora::gradients_matchReference_data()
{
    QTest::addColumn<bool>("checkpointing");
    QTest::newRow("plain") << false;
    QTest::newRow("gradient checkpointing") << true;
}

void TestLora::gradients_matchReference()
{
    QFETCH(bool, checkpointing);
    const NamedTensors inputs = tensors("lora-logits"), expected = tensors("lora-grads");
    const Qwen3 policy = adapted();
    ForwardOptions options;
    options.gradient_checkpointing = checkpointing;
    meanNll(policy, inputs.at("input_ids"), inputs.at("attention_mask"), options).backward();
    const std::vector<at::Tensor> parameters = policy.trainableParameters();
    const std::vector<std::string> names = policy.trainableNames();
    QCOMPARE(parameters.size(), expected.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::string name = names[i].substr(std::string("base_model.model.").size());
        name.insert(name.rfind("weight"), "default.");
        const at::Tensor& wanted = expected.at(name);
        const double scale = wanted.abs().max().item<double>();
        const double error = largestError(parameters[i].grad(), wanted);
        QVERIFY2(error <= 1e-3 * scale,
            qPrintable(QString("%1: %2 of %3").arg(name.c_str()).arg(error).arg(scale)));
    }
}

void TestLora::disabledAdapter_isTheReferencePolicy()
{
    const NamedTensors inputs = tensors("dense-logits");
    const at::Tensor &ids = inputs.at("input_ids"), &mask = inputs.at("attention_mask");
    ForwardOptions off;
    off.use_adapter = false;
    QVERIFY(adapted().forward(ids, mask, off).equal(model("dense").forward(ids, mask)));
}

void TestLora::newAdapter_changesNothing()
{
    const NamedTensors inputs = tensors("dense-logits");
    const at::Tensor &ids = inputs.at("input_ids"), &mask = inputs.at("attention_mask");
    Qwen3 policy = model("dense");
    const at::Tensor before = policy.forward(ids, mask);
    LoraOptions options;
    options.targets = { "all" };
    policy.attach(valueOf(newAdapter(policy.shape(), options, 1)));
    QVERIFY(policy.forward(ids, mask).detach().equal(before));
    QCOMPARE(policy.trainableParameters().size(), std::size_t{ 3 * 7 * 2 });
}

void TestLora::newAdapter_dependsOnSeedOnly()
{
    const Qwen3Shape shape = model("dense").shape();
    LoraOptions options;
    options.rank = 4;
    options.targets = { "v_proj", "q_proj" };
    const Adapter one = valueOf(newAdapter(shape, options, 7)),
                  same = valueOf(newAdapter(shape, options, 7)),
                  other = valueOf(newAdapter(shape, options, 8));
    QCOMPARE(one.parameters().size(), std::size_t{ 3 * 2 * 2 });
    for (std::size_t i = 0; i < one.parameters().size(); ++i) {
        QVERIFY(one.parameters()[i].equal(same.parameters()[i]));
        QCOMPARE(one.parameters()[i].equal(other.parameters()[i]), i % 2 == 1); // B is 0 in both
    }
    // U(-1/8, 1/8) for 64 inputs: bounds and spread
    const at::Tensor a = one.layers[0].projections[0].a_RI.detach();
    QVERIFY(a.abs().max().item<double>() <= 0.125);
    QVERIFY(std::abs(a.std().item<double>() - 0.25 / std::sqrt(12.0)) < 0.01);
}

void TestLora::writtenAdapter_readsEqual()
{
    QTemporaryDir to;
    const Qwen3 policy = adapted();
    QVERIFY(writeAdapter(to.path().toStdString(), *policy.adapter()));
    const Adapter again = valueOf(readAdapter(to.path().toStdString(), policy.shape()));
    QCOMPARE(again.options.rank, std::int64_t{ 4 });
    QCOMPARE(again.scale, 2.0);
    QCOMPARE(again.parameterNames(), policy.adapter()->parameterNames());
    for (std::size_t i = 0; i < again.parameters().size(); ++i)
        QVERIFY(again.parameters()[i].equal(policy.adapter()->parameters()[i]));
}

void TestLora::writtenConfig_hasPeftsKeys()
{
    QTemporaryDir to;
    QVERIFY(writeAdapter(to.path().toStdString(), *adapted().adapter()));
    const auto written = nlohmann::json::parse(
        textOf(std::filesystem::path(to.path().toStdString()) / "adapter_config.json"));
    const auto peft = nlohmann::json::parse(textOf(folder() / "lora-adapter/adapter_config.json"));
    for (const auto& [key, value] : written.items()) {
        QVERIFY2(peft.contains(key), key.c_str());
        if (key == "target_modules")
            QCOMPARE(value.get<std::set<std::string>>(), peft[key].get<std::set<std::string>>());
        else
            QVERIFY2(value == peft[key], key.c_str());
    }
    QCOMPARE(SafetensorsFile::open(to.filePath("adapter_model.safetensors").toStdString())
                 ->metadata()
                 .at("format"),
        std::string("pt"));
}

void TestLora::unknownFeatures_areRefusedByName_data()
{
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QString>("named");
    QTest::newRow("dora") << "use_dora"
                          << "true"
                          << "use_dora";
    QTest::newRow("saved modules") << "modules_to_save"
                                   << R"(["lm_head"])"
                                   << "modules_to_save";
    QTest::newRow("rank pattern") << "rank_pattern"
                                  << R"({"q_proj": 8})"
                                  << "rank_pattern";
    QTest::newRow("alpha pattern") << "alpha_pattern"
                                   << R"({"q_proj": 8})"
                                   << "alpha_pattern";
    QTest::newRow("layers") << "layers_to_transform"
                            << "[0]"
                            << "layers_to_transform";
    QTest::newRow("bias") << "bias"
                          << R"("all")"
                          << "bias";
    QTest::newRow("kind") << "peft_type"
                          << R"("IA3")"
                          << "peft_type";
    QTest::newRow("rank") << "r"
                          << "0"
                          << "r must be";
    QTest::newRow("rank fraction") << "r"
                                   << "4.5"
                                   << "r must be";
    QTest::newRow("wrong rank") << "r"
                                << "5"
                                << "[5, 64]";
    QTest::newRow("alpha") << "lora_alpha"
                           << R"("8")"
                           << "lora_alpha";
    QTest::newRow("init") << "init_lora_weights"
                          << R"("pissa_niter_4")"
                          << "pissa";
}

void TestLora::unknownFeatures_areRefusedByName()
{
    QFETCH(QString, key);
    QFETCH(QString, value);
    QFETCH(QString, named);
    QTemporaryDir to;
    const std::filesystem::path path = to.path().toStdString();
    std::filesystem::copy(folder() / "lora-adapter", path,
        std::filesystem::copy_options::overwrite_existing
            | std::filesystem::copy_options::recursive);
    auto config = nlohmann::json::parse(textOf(path / "adapter_config.json"));
    config[key.toStdString()] = nlohmann::json::parse(value.toStdString());
    std::ofstream(path / "adapter_config.json") << config.dump();
    const auto read = readAdapter(path, model("dense").shape());
    QVERIFY(!read);
    QVERIFY2(read.error().message.find(named.toStdString()) != std::string::npos,
        read.error().message.c_str());
}

void TestLora::dropout_gradientsMatchFiniteDifferences()
{
    const NamedTensors inputs = tensors("lora-logits");
    const at::Tensor &ids = inputs.at("input_ids"), &mask = inputs.at("attention_mask");
    Qwen3 policy = model("dense");
    Adapter adapter = valueOf(readAdapter(folder() / "lora-adapter", policy.shape()));
    adapter.options.dropout = 0.4;
    policy.attach(std::move(adapter));
    ForwardOptions options;
    options.dropout_key = 99;
    meanNll(policy, ids, mask, options).backward();
    for (at::Tensor& parameter : policy.trainableParameters()) {
        const c10::NoGradGuard off;
        const at::Tensor gradient = parameter.grad();
        const double square = gradient.pow(2).sum().item<double>();
        const double step = 0.01 / std::sqrt(square);
        const at::Tensor before = parameter.detach().clone();
        parameter.add_(gradient, step);
        const double up = meanNll(policy, ids, mask, options).item<double>();
        parameter.copy_(before).sub_(gradient, step);
        const double down = meanNll(policy, ids, mask, options).item<double>();
        parameter.copy_(before);
        QVERIFY(std::abs((up - down) / (2 * step) - square) < 0.03 * square + 1e-4);
    }
}

void TestLora::dropout_dependsOnKey()
{
    const NamedTensors inputs = tensors("lora-logits");
    const at::Tensor &ids = inputs.at("input_ids"), &mask = inputs.at("attention_mask");
    Qwen3 policy = model("dense");
    Adapter adapter = valueOf(readAdapter(folder() / "lora-adapter", policy.shape()));
    adapter.options.dropout = 0.4;
    policy.attach(std::move(adapter));
    ForwardOptions one, other;
    one.dropout_key = 1;
    other.dropout_key = 2;
    QVERIFY(policy.forward(ids, mask, one).equal(policy.forward(ids, mask, one)));
    QVERIFY(!policy.forward(ids, mask, one).equal(policy.forward(ids, mask, other)));
    QVERIFY(
        largestError(policy.logits(policy.forward(ids, mask)), inputs.at("logits"), mask) < 2e-4);
}

void TestLora::bf16Weights_gradientsStayClose()
{
    const NamedTensors inputs = tensors("lora-logits"), expected = tensors("lora-grads");
    LoadOptions load;
    load.weight_type = at::kBFloat16;
    const Qwen3 policy = adapted(load);
    meanNll(policy, inputs.at("input_ids"), inputs.at("attention_mask"), {}).backward();
    for (std::size_t i = 0; i < policy.trainableParameters().size(); ++i) {
        std::string name
            = policy.trainableNames()[i].substr(std::string("base_model.model.").size());
        name.insert(name.rfind("weight"), "default.");
        const at::Tensor& wanted = expected.at(name);
        const double error
            = (policy.trainableParameters()[i].grad() - wanted).norm().item<double>();
        QVERIFY2(error < 0.1 * wanted.norm().item<double>(), name.c_str());
    }
}

void TestLora::unknownTarget_isRefused()
{
    LoraOptions options;
    options.targets = { "q_proj", "w_proj" };
    const auto adapter = newAdapter(model("dense").shape(), options, 1);
    QVERIFY(!adapter);
    QVERIFY(adapter.error().message.find("w_proj") != std::string::npos);
}

QTEST_GUILESS_MAIN(TestLora)
#include "tst_lora.moc"
