#include "finite_differences.h"
#include "reference_case.h"
#include "small_model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

using namespace zen;
using namespace reference;
using namespace zen::test;

namespace {

constexpr double kLogitTolerance = 2e-4;

/// Ids and mask with `extra` columns of padding on the right, and the left padding moved there too.
std::pair<at::Tensor, at::Tensor> rightPadded(const at::Tensor& ids_BT, const at::Tensor& mask_BT)
{
    at::Tensor ids = at::zeros_like(ids_BT), mask = at::zeros_like(mask_BT);
    for (std::int64_t b = 0; b < ids_BT.size(0); ++b) {
        const std::int64_t real = mask_BT[b].sum().item<std::int64_t>();
        ids[b].narrow(0, 0, real).copy_(ids_BT[b].narrow(0, ids_BT.size(1) - real, real));
        mask[b].narrow(0, 0, real).fill_(1);
    }
    return { ids, mask };
}

at::Tensor lossOf(const Qwen3& policy)
{
    return at::tanh(policy.forward(someIds(), someMask())).sum();
}

} // namespace

class TestQwen3 : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void logits_matchReference_data();
    void logits_matchReference();
    void hiddenStates_matchReference();
    void logprobs_matchReference();
    void padding_matchesReferenceToo();
    void rightPadding_givesSameValues();
    void paddingWidth_doesNotChangeTokens();
    void bf16Weights_stayClose();
    void allWeights_gradientsMatchFiniteDifferences();
    void gradientCheckpointing_givesSameBits();
    void threads_doNotChangeBits();
    void savedModel_loadsEqual();
    void wrongTensors_areListed();
    void longRows_matchShortBlocks();
};

void TestQwen3::logits_matchReference_data()
{
    QTest::addColumn<QString>("model_name");
    QTest::addColumn<QString>("case_name");
    QTest::addColumn<double>("tolerance");
    QTest::newRow("dense") << "dense"
                           << "dense-logits" << kLogitTolerance;
    QTest::newRow("sharded") << "dense-sharded"
                             << "dense-logits" << kLogitTolerance;
    // That case was computed in bfloat16, activations too: its largest logit, 3.7, is known to 1/64
    // only.
    QTest::newRow("bf16 checkpoint in float32") << "dense-bf16"
                                                << "dense-bf16-logits" << 0.1;
}

void TestQwen3::logits_matchReference()
{
    QFETCH(QString, model_name);
    QFETCH(QString, case_name);
    QFETCH(double, tolerance);
    const NamedTensors expected = tensors(qPrintable(case_name));
    const Qwen3 policy = model(qPrintable(model_name));
    const at::Tensor& mask = expected.at("attention_mask");
    const at::Tensor logits = policy.logits(policy.forward(expected.at("input_ids"), mask));
    const double error = largestError(logits, expected.at("logits"), mask);
    QVERIFY2(error < tolerance, qPrintable(QString::number(error)));
}

void TestQwen3::hiddenStates_matchReference()
{
    const NamedTensors expected = tensors("dense-logits");
    const Qwen3 policy = model("dense");
    const at::Tensor& mask = expected.at("attention_mask");
    std::vector<at::Tensor> layers;
    ForwardOptions options;
    options.layer_outputs = &layers;
    const at::Tensor last = policy.forward(expected.at("input_ids"), mask, options);
    QCOMPARE(layers.size(), std::size_t{ 4 });
    QVERIFY(largestError(layers[0], expected.at("hidden_0"), mask) < 1e-6);
    QVERIFY(largestError(layers[1], expected.at("hidden_1"), mask) < 1e-4);
    QVERIFY(largestError(last, expected.at("hidden_last"), mask) < 1e-4);
}

void TestQwen3::logprobs_matchReference()
{
    const NamedTensors expected = tensors("dense-logits");
    const Qwen3 policy = model("dense");
    const at::Tensor& mask = expected.at("attention_mask");
    const at::Tensor& ids = expected.at("input_ids");
    const at::Tensor logits = policy.logits(policy.forward(ids, mask));
    const std::int64_t next = ids.size(1) - 1;
    const at::Tensor logprobs = logits.narrow(1, 0, next)
                                    .log_softmax(-1)
                                    .gather(2, ids.narrow(1, 1, next).unsqueeze(-1))
                                    .squeeze(-1);
    const at::Tensor both = mask.narrow(1, 0, next) * mask.narrow(1, 1, next);
    QVERIFY(largestError(logprobs, expected.at("logprobs"), both) < kLogitTolerance);
}

void TestQwen3::padding_matchesReferenceToo()
{
    const NamedTensors expected = tensors("dense-logits");
    const Qwen3 policy = model("dense");
    ForwardOptions options;
    options.compute_padding = true;
    const at::Tensor hidden
        = policy.forward(expected.at("input_ids"), expected.at("attention_mask"), options);
    QVERIFY(largestError(hidden, expected.at("hidden_last")) < 1e-4);
}

void TestQwen3::rightPadding_givesSameValues()
{
    const NamedTensors expected = tensors("dense-logits");
    const Qwen3 policy = model("dense");
    const at::Tensor &ids = expected.at("input_ids"), &mask = expected.at("attention_mask");
    const auto [right_ids, right_mask] = rightPadded(ids, mask);
    const at::Tensor left = policy.forward(ids, mask),
                     right = policy.forward(right_ids, right_mask);
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
        const std::int64_t real = mask[b].sum().item<std::int64_t>();
        QVERIFY(left[b].narrow(0, ids.size(1) - real, real).equal(right[b].narrow(0, 0, real)));
    }
}

void TestQwen3::paddingWidth_doesNotChangeTokens()
{
    const Qwen3 policy = model("dense");
    const at::Tensor row = at::arange(3, 20, at::kLong).unsqueeze(0);
    const at::Tensor alone = policy.forward(row, at::ones_like(row));
    const at::Tensor wide = at::cat({ at::zeros({ 1, 9 }, at::kLong), row }, 1);
    const at::Tensor mask = at::cat({ at::zeros({ 1, 9 }, at::kLong), at::ones_like(row) }, 1);
    QVERIFY(policy.forward(wide, mask).narrow(1, 9, 17).equal(alone));
}

void TestQwen3::bf16Weights_stayClose()
{
    const NamedTensors expected = tensors("dense-bf16-logits");
    LoadOptions options;
    options.weight_type = at::kBFloat16;
    const Qwen3 policy = model("dense-bf16", options);
    const at::Tensor& mask = expected.at("attention_mask");
    const at::Tensor logits = policy.logits(policy.forward(expected.at("input_ids"), mask));
    const double spread = expected.at("logits").std().item<double>();
    QVERIFY(largestError(logits, expected.at("logits"), mask) < 0.1 * spread);
}

void TestQwen3::allWeights_gradientsMatchFiniteDifferences()
{
    const Qwen3 policy = trainable(smallShape(), 3);
    const std::vector<at::Tensor> parameters = policy.trainableParameters();
    QCOMPARE(parameters.size(), policy.trainableNames().size());
    lossOf(policy).backward();
    const QString problem = gradientProblem(
        parameters, policy.trainableNames(), [&] { return lossOf(policy).item<double>(); }, 0.02);
    QVERIFY2(problem.isEmpty(), qPrintable(problem));
}

void TestQwen3::gradientCheckpointing_givesSameBits()
{
    std::vector<at::Tensor> gradients;
    const at::Tensor ids = at::arange(0, 40, at::kLong).view({ 2, 20 });
    for (const bool checkpointing : { false, true }) {
        LoadOptions load;
        load.trainable = true;
        const Qwen3 policy = Qwen3::random(smallShape(), 5, load);
        ForwardOptions options;
        options.gradient_checkpointing = checkpointing;
        policy.forward(ids, at::ones_like(ids), options).pow(2).sum().backward();
        gradients.push_back(flatGradients(policy));
    }
    QVERIFY(gradients[0].equal(gradients[1]));
}

void TestQwen3::threads_doNotChangeBits()
{
    const int before = at::get_num_threads();
    std::vector<at::Tensor> gradients;
    const at::Tensor ids = at::arange(0, 90, at::kLong).view({ 6, 15 });
    for (const int threads : { 1, 2, 3 }) {
        at::set_num_threads(threads);
        LoadOptions load;
        load.trainable = true;
        const Qwen3 policy = Qwen3::random(smallShape(), 5, load);
        policy.forward(ids, at::ones_like(ids)).pow(3).sum().backward();
        gradients.push_back(flatGradients(policy));
    }
    at::set_num_threads(before);
    QVERIFY(gradients[0].equal(gradients[1]));
    QVERIFY(gradients[0].equal(gradients[2]));
}

void TestQwen3::savedModel_loadsEqual()
{
    QTemporaryDir folder;
    const Qwen3 policy = Qwen3::random(smallShape(), 8, {});
    QVERIFY(policy.save(folder.path().toStdString(), at::kFloat));
    const Qwen3 again
        = valueOf(Qwen3::load(valueOf(openCheckpoint(folder.path().toStdString())), {}));
    QCOMPARE(again.shape().parameters(), policy.shape().parameters());
    const at::Tensor ids = at::arange(0, 12, at::kLong).view({ 2, 6 });
    QVERIFY(policy.forward(ids, at::ones_like(ids)).equal(again.forward(ids, at::ones_like(ids))));
    QCOMPARE(again.weightBytes(), static_cast<std::uint64_t>(4 * policy.shape().parameters()));
}

void TestQwen3::wrongTensors_areListed()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    QVERIFY(Qwen3::random(smallShape(), 8, {}).save(path, at::kFloat));
    NamedTensors tensors = valueOf(readTensors(path / "model.safetensors"));
    tensors.erase("model.norm.weight");
    tensors["model.layers.1.mlp.up_proj.weight"] = at::zeros({ 3, 3 });
    tensors["model.extra.weight"] = at::zeros({ 1 });
    tensors["model.layers.0.self_attn.q_norm.weight"] = at::zeros({ 10 }, at::kInt);
    std::filesystem::remove(path / "model.safetensors");
    QVERIFY(writeTensors(path / "model.safetensors", tensors, {}));
    const auto loaded = Qwen3::load(valueOf(openCheckpoint(path)), {});
    QVERIFY(!loaded);
    for (const char* part : { "model.norm.weight is missing", "up_proj.weight is [3, 3]",
             "model.extra.weight is not", "q_norm.weight holds I32" })
        QVERIFY2(
            loaded.error().message.find(part) != std::string::npos, loaded.error().message.c_str());
}

void TestQwen3::longRows_matchShortBlocks()
{
    // Rows longer than a block of queries, against the definition of attention written with library
    // calls.
    const Qwen3 policy = model("dense");
    const at::Tensor ids = at::randint(3, 300, { 1, 150 },
        at::make_generator<at::CPUGeneratorImpl>(std::uint64_t{ 9 }), at::kLong);
    const at::Tensor whole = policy.forward(ids, at::ones_like(ids));
    const at::Tensor part = policy.forward(ids.narrow(1, 0, 61), at::ones({ 1, 61 }, at::kLong));
    QVERIFY(largestError(whole.narrow(1, 0, 61), part) < 1e-5);
}

QTEST_GUILESS_MAIN(TestQwen3)
#include "tst_qwen3.moc"
