#include "core/rollout/generator.h"
#include "finite_differences.h"
#include "reference_case.h"
#include "small_model.h"
#include "tiny_run.h"

#include <QTemporaryDir>

#include <ATen/Parallel.h>

#include <algorithm>

using namespace zen;
using namespace reference;
using namespace zen::test;

namespace {

double lossOf(const Qwen3& policy)
{
    return at::tanh(policy.forward(someIds(), someMask())).sum().item<double>();
}

at::Tensor routerLossOf(const Qwen3& policy)
{
    at::Tensor loss;
    ForwardOptions options;
    options.router_loss = &loss;
    policy.forward(someIds(), someMask(), options);
    return loss;
}

/// Writes 40 completions and compares.
WrittenError errorOf(const Qwen3& policy)
{
    GenerationOptions options;
    options.completions_per_prompt = 20; // more rows than the kernel for few takes
    options.max_new_tokens = 12;
    options.sampling.temperature = 1;
    options.seed = 3;
    const std::vector<std::vector<std::int64_t>> prompts = { { 3, 50, 7 }, { 9, 90, 31, 12, 5 } };
    return writtenError(policy, prompts, generate(policy, prompts, options));
}

} // namespace

class TestMoe : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void allWeights_gradientsMatchFiniteDifferences_data()
    {
        QTest::addColumn<bool>("norm_topk_prob");
        QTest::newRow("weights normed to 1") << true;
        QTest::newRow("weights as they are") << false;
    }

    void allWeights_gradientsMatchFiniteDifferences()
    {
        QFETCH(bool, norm_topk_prob);
        const Qwen3 policy = trainable(smallMixture(norm_topk_prob), 3);
        at::tanh(policy.forward(someIds(), someMask())).sum().backward();
        const QString problem = gradientProblem(
            policy.trainableParameters(), policy.trainableNames(), [&] { return lossOf(policy); });
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void expertAdapters_gradientsMatchFiniteDifferences()
    {
        const Qwen3 policy = withAdapter(Qwen3::random(smallMixture(), 4, {}),
            { "q_proj", "gate_proj", "up_proj", "down_proj" });
        enlarge(policy, 10);
        fillB(policy);
        at::tanh(policy.forward(someIds(), someMask())).sum().backward();
        const QString problem = gradientProblem(
            policy.trainableParameters(), policy.trainableNames(), [&] { return lossOf(policy); },
            0.003);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void routerLoss_gradientsMatchFiniteDifferences()
    {
        const Qwen3 policy = trainable(smallMixture(), 5);
        const at::Tensor loss = routerLossOf(policy);
        QVERIFY(loss.item<double>() >= 2 * 0.99); // two experts a token, evenly spread
        loss.backward();
        // what comes after the last router has no part in it
        std::vector<at::Tensor> parameters;
        std::vector<std::string> names;
        for (std::size_t i = 0; i < policy.trainableNames().size(); ++i) {
            const std::string name = policy.trainableNames()[i];
            const at::Tensor parameter = policy.trainableParameters()[i];
            const bool before = name.find("layers.0.self_attn") != std::string::npos
                || name.find("layers.1.") != std::string::npos
                || name.find("mlp.gate.weight") != std::string::npos
                || name.find("layers.2.self_attn") != std::string::npos;
            if (before) {
                parameters.push_back(parameter);
                names.push_back(name);
            } else if (name.find("layers.2.mlp.experts") != std::string::npos) {
                QVERIFY2(parameter.grad().abs().max().item<double>() == 0, name.c_str());
            }
        }
        const QString problem = gradientProblem(
            parameters, names, [&] { return routerLossOf(policy).item<double>(); }, 1e-4);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void evenRouter_hasTheLeastLoss()
    {
        const Qwen3 policy = Qwen3::random(smallMixture(), 6, {});
        for (const LayerWeights& layer : policy.weights().layers)
            if (layer.isSparse())
                at::Tensor(layer.router_XD).zero_();
        QVERIFY(std::abs(routerLossOf(policy).item<double>() - 2.0) < 1e-5);
        QVERIFY(!routerLossOf(Qwen3::random(tinyShape(97), 1, {})).defined());
    }

    void gradientCheckpointing_givesSameBits()
    {
        std::vector<at::Tensor> gradients;
        for (const bool checkpointing : { false, true }) {
            const Qwen3 policy = trainable(smallMixture(), 5);
            ForwardOptions options;
            options.gradient_checkpointing = checkpointing;
            at::Tensor balance;
            options.router_loss = &balance;
            const at::Tensor hidden = policy.forward(someIds(), someMask(), options);
            (hidden.pow(2).sum() + balance).backward();
            gradients.push_back(flatGradients(policy));
        }
        QVERIFY(gradients[0].equal(gradients[1]));
    }

    void threads_doNotChangeBits()
    {
        const int before = at::get_num_threads();
        std::vector<at::Tensor> gradients;
        for (const int threads : { 1, 2, 3 }) {
            at::set_num_threads(threads);
            const Qwen3 policy = trainable(smallMixture(), 5);
            policy.forward(someIds(), someMask()).pow(3).sum().backward();
            gradients.push_back(flatGradients(policy));
        }
        at::set_num_threads(before);
        QVERIFY(gradients[0].equal(gradients[1]));
        QVERIFY(gradients[0].equal(gradients[2]));
    }

    void rows_doNotDependOnTheirBatch()
    {
        const Qwen3 policy = model("moe");
        const at::Tensor ids = (at::arange(0, 60, at::kLong) * 17 % 300 + 3).view({ 4, 15 });
        const at::Tensor whole = policy.forward(ids, at::ones_like(ids));
        const at::Tensor one = policy.forward(ids.narrow(0, 2, 1), at::ones({ 1, 15 }, at::kLong));
        QVERIFY(whole.narrow(0, 2, 1).equal(one));
    }

    void unusedExperts_getNoGradient()
    {
        // One token: three of the five experts of each layer see nothing.
        const Qwen3 policy = trainable(smallMixture(), 8);
        const at::Tensor ids = at::full({ 1, 1 }, 9, at::kLong);
        policy.forward(ids, at::ones_like(ids)).sum().backward();
        int unused = 0;
        for (std::size_t i = 0; i < policy.trainableNames().size(); ++i)
            if (policy.trainableNames()[i].find("up_proj") != std::string::npos
                && policy.trainableNames()[i].find("experts") != std::string::npos)
                unused += policy.trainableParameters()[i].grad().abs().max().item<double>() == 0;
        QCOMPARE(unused, 2 * 3);
    }

    void newAdapter_coversAttentionUnlessExpertsAreNamed()
    {
        const Qwen3 plain = Qwen3::random(smallMixture(), 4, {});
        QCOMPARE(withAdapter(plain, { "all" }).trainableNames().size(), std::size_t{ 3 * 4 * 2 });
        const Qwen3 named = withAdapter(plain, { "all", "up_proj" });
        QCOMPARE(named.trainableNames().size(), std::size_t{ 3 * 4 * 2 + (2 * 5 + 1) * 2 });
        const auto names = named.trainableNames();
        QVERIFY(std::find(names.begin(), names.end(),
                    "base_model.model.model.layers.2.mlp.experts.4.up_proj.lora_A.weight")
            != names.end());
        QVERIFY(named.forward(someIds(), someMask()).equal(plain.forward(someIds(), someMask())));
    }

    void expertAdapter_isReadAsWritten()
    {
        QTemporaryDir to;
        const Qwen3 policy
            = withAdapter(Qwen3::random(smallMixture(), 4, {}), { "v_proj", "down_proj" });
        fillB(policy);
        QVERIFY(writeAdapter(to.path().toStdString(), *policy.adapter()));
        const Adapter again = valueOf(readAdapter(to.path().toStdString(), policy.shape()));
        QCOMPARE(again.parameterNames(), policy.adapter()->parameterNames());
        for (std::size_t i = 0; i < again.parameters().size(); ++i)
            QVERIFY(again.parameters()[i].equal(policy.adapter()->parameters()[i]));
        QCOMPARE(again.options.targets, (std::vector<std::string>{ "v_proj", "down_proj" }));

        // An expert's pair is missing.
        NamedTensors tensors
            = valueOf(readTensors(to.path().toStdString() + "/adapter_model.safetensors"));
        const std::string gone = "base_model.model.model.layers.2.mlp.experts.3.down_proj.lora_";
        tensors.erase(gone + "A.weight");
        tensors.erase(gone + "B.weight");
        QFile::remove(to.path() + "/adapter_model.safetensors");
        QVERIFY(writeTensors(to.path().toStdString() + "/adapter_model.safetensors", tensors, {}));
        QVERIFY(!readAdapter(to.path().toStdString(), policy.shape()));
    }

    /// Every token goes to every expert: rounding has no choice to tip, so all tokens must agree.
    void writingWithAllExperts_agreesWithTraining_data()
    {
        QTest::addColumn<bool>("bf16");
        QTest::addColumn<double>("most");
        QTest::newRow("float32") << false << 1e-4;
        QTest::newRow("bf16") << true << 0.037;
    }

    void writingWithAllExperts_agreesWithTraining()
    {
        QFETCH(bool, bf16);
        QFETCH(double, most);
        Qwen3Shape shape = smallMixture();
        shape.experts_per_token = shape.num_experts;
        LoadOptions load;
        load.weight_type = bf16 ? at::kBFloat16 : at::kFloat;
        const Qwen3 plain = Qwen3::random(shape, 12, load);
        enlarge(plain, 6);
        const Qwen3 policy = withAdapter(plain, { "all", "gate_proj", "up_proj", "down_proj" });
        fillB(policy);
        const WrittenError error = errorOf(policy);
        qInfo() << qPrintable(error.words());
        QVERIFY2(error.largest < most, qPrintable(error.words()));
    }

    void writing_agreesWithTraining_data()
    {
        QTest::addColumn<bool>("bf16");
        QTest::addColumn<double>("median");
        QTest::addColumn<double>("ninth_decile");
        QTest::addColumn<double>("mean");
        QTest::addColumn<double>("most");
        QTest::newRow("float32") << false << 1e-5 << 1e-5 << 1e-5 << 1e-4;
        // rounded, a token near a tie may go to another expert: few differ much
        QTest::newRow("bf16") << true << 0.013 << 0.038 << 0.018 << 0.6;
    }

    void writing_agreesWithTraining()
    {
        QFETCH(bool, bf16);
        QFETCH(double, median);
        QFETCH(double, ninth_decile);
        QFETCH(double, mean);
        QFETCH(double, most);
        LoadOptions load;
        load.weight_type = bf16 ? at::kBFloat16 : at::kFloat;
        const Qwen3 policy = withAdapter(model("moe", load), { "all", "gate_proj", "down_proj" });
        fillB(policy);
        const WrittenError error = errorOf(policy);
        qInfo() << qPrintable(error.words());
        QVERIFY2(error.median < median, qPrintable(error.words()));
        QVERIFY2(error.ninth_decile < ninth_decile, qPrintable(error.words()));
        QVERIFY2(error.mean < mean, qPrintable(error.words()));
        QVERIFY2(error.largest < most, qPrintable(error.words()));
    }

    void missingExpert_isNamed()
    {
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        QVERIFY(Qwen3::random(smallMixture(), 8, {}).save(path, at::kFloat));
        NamedTensors tensors = valueOf(readTensors(path / "model.safetensors"));
        tensors.erase("model.layers.2.mlp.experts.3.up_proj.weight");
        tensors["model.layers.0.mlp.up_proj.weight"] = at::zeros({ 40, 24 });
        std::filesystem::remove(path / "model.safetensors");
        QVERIFY(writeTensors(path / "model.safetensors", tensors, {}));
        const auto loaded = Qwen3::load(valueOf(openCheckpoint(path)), {});
        QVERIFY(!loaded);
        for (const char* part : { "layers.2.mlp.experts.3.up_proj.weight is missing",
                 "layers.0.mlp.up_proj.weight is not part" })
            QVERIFY2(loaded.error().message.find(part) != std::string::npos,
                loaded.error().message.c_str());
    }

    void tinyRun_learns_data()
    {
        QTest::addColumn<bool>("full");
        QTest::newRow("adapter on attention") << false;
        QTest::newRow("all weights") << true;
    }

    void tinyRun_learns()
    {
        QFETCH(bool, full);
        const QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        QCOMPARE(writeTinyModel(root / "model", 1, true), std::string());
        if (!full)
            QCOMPARE(enlargeEmbedding(root / "model"), std::string());
        writeRows(root / "rows.jsonl", 24);
        TrainingConfig config = learningConfig(root);
        config.algorithm.router_aux_loss_coef = 0.001;
        if (full) {
            config.adapter.finetuning_type = FinetuningType::full;
            config.optimizer.learning_rate = 1e-2;
        }
        RecordingSink sink;
        QCOMPARE(runTiny(config, sink), std::string());
        const auto [first, last] = rewardsOf(sink);
        QVERIFY2(last > first + 0.1, qPrintable(QString("%1 to %2").arg(first).arg(last)));
        QVERIFY(sink.all<StepFinished>().back().metrics.at("aux_loss") > 1.9);
    }
};

QTEST_GUILESS_MAIN(TestMoe)
#include "tst_moe.moc"
