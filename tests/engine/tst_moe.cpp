#include "core/rollout/generator.h"
#include "finite_differences.h"
#include "reference_case.h"
#include "tiny_run.h"

#include <QTemporaryDir>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

using namespace zen;
using namespace reference;
using zen::test::gradientProblem;

namespace {

Qwen3Shape mixture(bool norm_topk_prob = true)
{
    Qwen3Shape shape;
    shape.vocab_size = 97;
    shape.hidden_size = 24;
    shape.intermediate_size = 40;
    shape.num_layers = 3;
    shape.num_heads = 4;
    shape.num_kv_heads = 2;
    shape.head_dim = 10;
    shape.max_position_embeddings = 128;
    shape.tied_embeddings = true;
    shape.num_experts = 5;
    shape.experts_per_token = 2;
    shape.moe_intermediate_size = 20;
    shape.mlp_only_layers = { 1 };
    shape.norm_topk_prob = norm_topk_prob;
    return shape;
}

Qwen3 trainable(const Qwen3Shape& shape, std::uint64_t seed)
{
    LoadOptions load;
    load.trainable = true;
    Qwen3 policy = Qwen3::random(shape, seed, load);
    const at::NoGradGuard off;
    for (at::Tensor& parameter : policy.trainableParameters()) // so that every part counts
        parameter.mul_(parameter.dim() > 1 ? 10.0 : 1.1);
    return policy;
}

Qwen3 withAdapter(Qwen3 policy, const std::vector<std::string>& targets)
{
    LoraOptions options;
    options.rank = 3;
    options.alpha = 6;
    options.targets = targets;
    policy.attach(valueOf(newAdapter(policy.shape(), options, 7)));
    return policy;
}

/// B is 0 in a new adapter: give it numbers.
void fillB(const Qwen3& policy)
{
    const at::NoGradGuard off;
    std::uint64_t seed = 1;
    for (at::Tensor& parameter : policy.trainableParameters())
        if (parameter.abs().max().item<double>() == 0)
            parameter.copy_(at::sin(at::arange(parameter.numel(), at::kFloat) * 0.7
                                + static_cast<double>(seed++))
                                .view(parameter.sizes())
                * 0.05);
}

at::Tensor someIds()
{
    return (at::arange(0, 39, at::kLong) * 31 % 97).view({ 3, 13 });
}

at::Tensor someMask()
{
    at::Tensor mask = at::ones({ 3, 13 }, at::kLong);
    mask[1].narrow(0, 0, 5).fill_(0);
    return mask;
}

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
        const Qwen3 policy = trainable(mixture(norm_topk_prob), 3);
        at::tanh(policy.forward(someIds(), someMask())).sum().backward();
        const QString problem = gradientProblem(
            policy.trainableParameters(), policy.trainableNames(), [&] { return lossOf(policy); });
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void expertAdapters_gradientsMatchFiniteDifferences()
    {
        const Qwen3 policy = withAdapter(
            Qwen3::random(mixture(), 4, {}), { "q_proj", "gate_proj", "up_proj", "down_proj" });
        {
            const at::NoGradGuard off;
            policy.forEachWeight([](const std::string&, const at::Tensor& weight) {
                if (weight.dim() > 1)
                    at::Tensor(weight).mul_(10);
            });
        }
        fillB(policy);
        at::tanh(policy.forward(someIds(), someMask())).sum().backward();
        const QString problem = gradientProblem(
            policy.trainableParameters(), policy.trainableNames(), [&] { return lossOf(policy); },
            0.003);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void routerLoss_gradientsMatchFiniteDifferences()
    {
        const Qwen3 policy = trainable(mixture(), 5);
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
        const Qwen3 policy = Qwen3::random(mixture(), 6, {});
        for (const LayerWeights& layer : policy.weights().layers)
            if (layer.isSparse())
                at::Tensor(layer.router_XD).zero_();
        QVERIFY(std::abs(routerLossOf(policy).item<double>() - 2.0) < 1e-5);
        QVERIFY(!routerLossOf(Qwen3::random(zen::test::tinyShape(97), 1, {})).defined());
    }

    void gradientCheckpointing_givesSameBits()
    {
        std::vector<at::Tensor> gradients;
        for (const bool checkpointing : { false, true }) {
            const Qwen3 policy = trainable(mixture(), 5);
            ForwardOptions options;
            options.gradient_checkpointing = checkpointing;
            at::Tensor balance;
            options.router_loss = &balance;
            const at::Tensor hidden = policy.forward(someIds(), someMask(), options);
            (hidden.pow(2).sum() + balance).backward();
            std::vector<at::Tensor> flat;
            for (const at::Tensor& parameter : policy.trainableParameters())
                flat.push_back(parameter.grad().reshape({ -1 }));
            gradients.push_back(at::cat(flat));
        }
        QVERIFY(gradients[0].equal(gradients[1]));
    }

    void threads_doNotChangeBits()
    {
        const int before = at::get_num_threads();
        std::vector<at::Tensor> gradients;
        for (const int threads : { 1, 2, 3 }) {
            at::set_num_threads(threads);
            const Qwen3 policy = trainable(mixture(), 5);
            policy.forward(someIds(), someMask()).pow(3).sum().backward();
            std::vector<at::Tensor> flat;
            for (const at::Tensor& parameter : policy.trainableParameters())
                flat.push_back(parameter.grad().reshape({ -1 }));
            gradients.push_back(at::cat(flat));
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
        const Qwen3 policy = trainable(mixture(), 8);
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
        const Qwen3 plain = Qwen3::random(mixture(), 4, {});
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
            = withAdapter(Qwen3::random(mixture(), 4, {}), { "v_proj", "down_proj" });
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

    void writing_agreesWithTraining_data()
    {
        QTest::addColumn<bool>("bf16");
        QTest::addColumn<double>("most");
        QTest::addColumn<double>("mean_at_most");
        QTest::newRow("float32") << false << 1e-4 << 1e-5;
        // rounded, a token near a tie may go to another expert: few differ much
        QTest::newRow("bf16") << true << 1.0 << 0.03;
    }

    void writing_agreesWithTraining()
    {
        QFETCH(bool, bf16);
        QFETCH(double, most);
        QFETCH(double, mean_at_most);
        LoadOptions load;
        load.weight_type = bf16 ? at::kBFloat16 : at::kFloat;
        const Qwen3 policy = withAdapter(model("moe", load), { "all", "gate_proj", "down_proj" });
        fillB(policy);
        GenerationOptions options;
        options.completions_per_prompt = 20; // more rows than the kernel for few takes
        options.max_new_tokens = 12;
        options.sampling.temperature = 1;
        options.seed = 3;
        const std::vector<std::vector<std::int64_t>> prompts
            = { { 3, 50, 7 }, { 9, 200, 31, 12, 5 } };
        const auto groups = generate(policy, prompts, options);
        const at::NoGradGuard off;
        double sum = 0;
        std::int64_t tokens = 0;
        for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
            for (const Completion& completion : groups[prompt]) {
                std::vector<std::int64_t> ids = prompts[prompt];
                ids.insert(ids.end(), completion.ids.begin(), completion.ids.end());
                const at::Tensor row = at::tensor(ids, at::kLong).unsqueeze(0);
                const auto count = static_cast<std::int64_t>(completion.ids.size());
                const at::Tensor wanted
                    = policy.logits(policy.forward(row, at::ones_like(row)))[0]
                          .narrow(0, row.size(1) - count - 1, count)
                          .log_softmax(-1)
                          .gather(1, at::tensor(completion.ids, at::kLong).unsqueeze(1))
                          .squeeze(1);
                const at::Tensor written = at::tensor(completion.logprobs);
                const double error = largestError(written, wanted);
                QVERIFY2(error < most, qPrintable(QString::number(error)));
                sum += (written - wanted).abs().sum().item<double>();
                tokens += count;
            }
        }
        const double mean = sum / static_cast<double>(tokens);
        QVERIFY2(mean < mean_at_most, qPrintable(QString::number(mean)));
    }

    void missingExpert_isNamed()
    {
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        QVERIFY(Qwen3::random(mixture(), 8, {}).save(path, at::kFloat));
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
        QCOMPARE(zen::test::writeTinyModel(root / "model", 1, true), std::string());
        if (!full)
            QCOMPARE(zen::test::enlargeEmbedding(root / "model"), std::string());
        zen::test::writeRows(root / "rows.jsonl", 24);
        TrainingConfig config = zen::test::learningConfig(root);
        config.algorithm.router_aux_loss_coef = 0.001;
        if (full) {
            config.adapter.finetuning_type = FinetuningType::full;
            config.optimizer.learning_rate = 1e-2;
        }
        zen::test::RecordingSink sink;
        QCOMPARE(zen::test::runTiny(config, sink), std::string());
        const auto [first, last] = zen::test::rewardsOf(sink);
        QVERIFY2(last > first + 0.1, qPrintable(QString("%1 to %2").arg(first).arg(last)));
        QVERIFY(sink.all<StepFinished>().back().metrics.at("aux_loss") > 1.9);
    }
};

QTEST_GUILESS_MAIN(TestMoe)
#include "tst_moe.moc"
