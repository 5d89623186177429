#include "core/rollout/generator.h"
#include "core/train/policy.h"
#include "reference_case.h"
#include "small_model.h"
#include "tiny_run.h"

#include <QTemporaryDir>

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace zen;
using namespace reference;

namespace {

/// Sizes that are whole blocks.
Qwen3Shape packableShape(bool mixture)
{
    Qwen3Shape shape = test::smallShape();
    shape.hidden_size = 64;
    shape.intermediate_size = 128;
    shape.head_dim = 32;
    if (mixture) {
        shape.num_experts = 4;
        shape.experts_per_token = 2;
        shape.moe_intermediate_size = 96;
        shape.mlp_only_layers = { 0 };
    }
    return shape;
}

Qwen3 adapted(Qwen3 policy)
{
    Qwen3 with
        = test::withAdapter(std::move(policy), { "all", "gate_proj", "up_proj", "down_proj" }, 4);
    test::fillB(with);
    return with;
}

void forMatrices(const Qwen3& from, const Qwen3& to,
    const std::function<void(const WeightMatrix&, const WeightMatrix&)>& visit)
{
    for (std::size_t layer = 0; layer < from.weights().layers.size(); ++layer) {
        const LayerWeights &a = from.weights().layers[layer], &b = to.weights().layers[layer];
        for (std::size_t p = 0; p < kProjections; ++p)
            if (!a.isSparse() || !isInMlp(static_cast<Projection>(p)))
                visit(a.projections[p], b.projections[p]);
        for (std::size_t expert = 0; expert < a.experts.size(); ++expert)
            for (std::size_t p = 0; p < kExpertProjections; ++p)
                visit(a.experts[expert][p], b.experts[expert][p]);
    }
}

/// A checkpoint of random weights, loaded in 4 bits, and once more with the numbers that the codes
/// stand for.
struct Pair {
    QTemporaryDir folder;
    Qwen3 packed, plain;

    Pair(bool mixture, const Nf4Options& options, at::ScalarType plain_type)
    {
        const std::filesystem::path path = folder.path().toStdString();
        const Qwen3 random = Qwen3::random(packableShape(mixture), 3, {});
        test::enlarge(random, 4);
        if (auto saved = random.save(path, at::kFloat); !saved)
            qFatal("%s", saved.error().message.c_str());
        const CheckpointFolder checkpoint = valueOf(openCheckpoint(path));
        LoadOptions load;
        load.weight_type = plain_type;
        plain = adapted(valueOf(Qwen3::load(checkpoint, load)));
        load.nf4 = options;
        packed = adapted(valueOf(Qwen3::load(checkpoint, load)));
        forMatrices(packed, plain, [](const WeightMatrix& from, const WeightMatrix& to) {
            if (!from.packed)
                qFatal("a projection is not packed");
            const at::NoGradGuard off;
            at::Tensor(to.dense_OI).copy_(unpackNf4(*from.packed));
        });
    }
};

at::Tensor someIds()
{
    return (at::arange(0, 84, at::kLong) * 31 % 97).view({ 3, 28 });
}

void backwardOf(const Qwen3& policy)
{
    at::tanh(policy.forward(someIds(), at::ones({ 3, 28 }, at::kLong))).sum().backward();
}

double relativeError(const at::Tensor& ours, const at::Tensor& wanted)
{
    return ((ours - wanted).abs().max() / wanted.abs().max()).item<double>();
}

/// Rewrites a checkpoint as transformers saves a model that bitsandbytes packed.
void packLikeBitsandbytes(const std::filesystem::path& path, bool nested)
{
    nlohmann::json config = nlohmann::json::parse(test::bytesOf(path / "config.json"));
    config["quantization_config"] = { { "quant_method", "bitsandbytes" }, { "load_in_4bit", true },
        { "bnb_4bit_quant_type", "nf4" }, { "bnb_4bit_use_double_quant", nested } };
    QVERIFY(writeDurably(path / "config.json", config.dump()).has_value());
    NamedTensors tensors = valueOf(readTensors(path / "model.safetensors"));
    NamedTensors written;
    for (const auto& [name, tensor] : tensors) {
        if (name.find("_proj.weight") == std::string::npos) {
            written[name] = tensor;
            continue;
        }
        const Nf4Options options = { at::kFloat, nested };
        const auto matrix = packNf4(tensor, options);
        written[name] = matrix->codes.view({ -1, 1 });
        written[name + ".absmax"] = matrix->scales;
        written[name + ".quant_map"]
            = at::from_blob(const_cast<float*>(kNf4Values.data()), { 16 }, at::kFloat);
        nlohmann::json state = { { "quant_type", "nf4" }, { "blocksize", 64 },
            { "dtype", "bfloat16" }, { "shape", tensor.sizes().vec() } };
        if (nested) {
            written[name + ".nested_absmax"] = matrix->nested_scales;
            written[name + ".nested_quant_map"] = matrix->nested_values;
            state.update({ { "nested_blocksize", 256 }, { "nested_dtype", "float32" },
                { "nested_offset", static_cast<double>(matrix->nested_offset) } });
        }
        const std::string text = state.dump();
        at::Tensor bytes = at::empty({ static_cast<std::int64_t>(text.size()) }, at::kByte);
        std::copy(text.begin(), text.end(), bytes.data_ptr<std::uint8_t>());
        written[name + ".quant_state.bitsandbytes__nf4"] = bytes;
    }
    std::filesystem::remove(path / "model.safetensors");
    QVERIFY(writeTensors(path / "model.safetensors", written, {}).has_value());
}

} // namespace

class TestNf4Model : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void forwardAndGradients_equalThoseOfTheNumbers_data()
    {
        QTest::addColumn<bool>("mixture");
        QTest::addColumn<bool>("nested");
        QTest::addColumn<bool>("bf16");
        QTest::newRow("dense, float32") << false << false << false;
        QTest::newRow("dense, double, float32") << false << true << false;
        QTest::newRow("mixture, float32") << true << false << false;
        QTest::newRow("dense, bf16") << false << false << true;
    }

    void forwardAndGradients_equalThoseOfTheNumbers()
    {
        QFETCH(bool, mixture);
        QFETCH(bool, nested);
        QFETCH(bool, bf16);
        const at::ScalarType type = bf16 ? at::kBFloat16 : at::kFloat;
        const Pair pair(mixture, { type, nested }, type);
        // bfloat16 products of tiles are rounded as those of whole matrices are
        const double tolerance = bf16 ? 0.02 : 1e-4;
        const at::Tensor mask = at::ones({ 3, 28 }, at::kLong);
        QVERIFY(relativeError(pair.packed.forward(someIds(), mask).detach(),
                    pair.plain.forward(someIds(), mask).detach())
            < tolerance);
        backwardOf(pair.packed);
        backwardOf(pair.plain);
        const auto ours = pair.packed.trainableParameters(),
                   theirs = pair.plain.trainableParameters();
        QCOMPARE(ours.size(), theirs.size());
        for (std::size_t i = 0; i < ours.size(); ++i) {
            QVERIFY(theirs[i].grad().abs().max().item<double>() > 0);
            const double error = relativeError(ours[i].grad(), theirs[i].grad());
            QVERIFY2(error < tolerance,
                (pair.packed.trainableNames()[i] + ": " + std::to_string(error)).c_str());
        }
    }

    void checkpointing_givesSameBits()
    {
        const Pair pair(true, { at::kBFloat16, true }, at::kFloat);
        std::vector<at::Tensor> gradients;
        for (const bool checkpointing : { false, true }) {
            ForwardOptions options;
            options.gradient_checkpointing = checkpointing;
            for (at::Tensor& parameter : pair.packed.trainableParameters())
                parameter.mutable_grad() = at::Tensor();
            pair.packed.forward(someIds(), at::ones({ 3, 28 }, at::kLong), options)
                .pow(2)
                .sum()
                .backward();
            gradients.push_back(test::flatGradients(pair.packed));
        }
        QVERIFY(gradients[0].equal(gradients[1]));
    }

    void writing_agreesWithTraining_data()
    {
        QTest::addColumn<bool>("mixture");
        QTest::addColumn<bool>("bf16");
        QTest::addColumn<double>("tolerance");
        QTest::newRow("dense, float32") << false << false << 1e-4;
        QTest::newRow("mixture, float32") << true << false << 1e-4;
        QTest::newRow("dense, bf16") << false << true << 0.0055;
    }

    void writing_agreesWithTraining()
    {
        QFETCH(bool, mixture);
        QFETCH(bool, bf16);
        QFETCH(double, tolerance);
        const Pair pair(mixture, { bf16 ? at::kBFloat16 : at::kFloat, true }, at::kFloat);
        GenerationOptions options;
        options.completions_per_prompt = 20; // more rows than the kernel for few takes
        options.max_new_tokens = 10;
        options.seed = 3;
        const std::vector<std::int64_t> prompt = { 3, 50, 7, 21 };
        const auto groups = generate(pair.packed, { prompt }, options);
        const test::WrittenError error = test::writtenError(pair.packed, { prompt }, groups);
        qInfo() << qPrintable(error.words());
        QVERIFY2(error.largest < tolerance, qPrintable(error.words()));
    }

    void tablesNormsAndRouter_areNotPacked()
    {
        const Pair pair(true, {}, at::kBFloat16);
        std::vector<std::string> names;
        pair.packed.forEachWeight([&](const std::string& name, const at::Tensor& weight) {
            names.push_back(name);
            const bool table = name == "model.embed_tokens.weight";
            QVERIFY(weight.scalar_type() == (table ? at::kBFloat16 : at::kFloat));
        });
        QCOMPARE(names.size(), std::size_t{ 1 + 2 * 4 + 1 + 1 });
        const Qwen3Shape shape = packableShape(true);
        const std::int64_t linear = shape.linearParameters();
        QCOMPARE(pair.packed.weightBytes(),
            static_cast<std::uint64_t>(
                linear * 9 / 16 + 97 * 64 * 2 + 4 * (shape.parameters() - linear - 97 * 64)));
        QTemporaryDir to;
        QVERIFY(!pair.packed.save(to.path().toStdString(), at::kFloat));
    }

    void packedCheckpoint_isReadBitByBit_data()
    {
        QTest::addColumn<bool>("nested");
        QTest::newRow("one scale a block") << false;
        QTest::newRow("double") << true;
    }

    void packedCheckpoint_isReadBitByBit()
    {
        QFETCH(bool, nested);
        const Nf4Options options = { at::kFloat, nested };
        const Pair pair(true, options, at::kFloat);
        const std::filesystem::path path = pair.folder.path().toStdString();
        packLikeBitsandbytes(path, nested);
        LoadOptions load;
        load.nf4 = Nf4Options{ at::kFloat, false }; // the file decides about its scales
        const Qwen3 read = valueOf(Qwen3::load(valueOf(openCheckpoint(path)), load));
        forMatrices(pair.packed, read, [](const WeightMatrix& ours, const WeightMatrix& theirs) {
            QVERIFY(theirs.packed != nullptr);
            QVERIFY(ours.packed->codes.equal(theirs.packed->codes));
            QVERIFY(ours.packed->scales.equal(theirs.packed->scales));
        });
        const at::Tensor ids = someIds(), mask = at::ones_like(ids);
        ForwardOptions alone;
        alone.use_adapter = false;
        const at::Tensor wanted = pair.packed.forward(ids, mask, alone);
        QVERIFY(read.forward(ids, mask).equal(wanted));
        const Qwen3 unpacked = valueOf(Qwen3::load(valueOf(openCheckpoint(path)), {}));
        QVERIFY(relativeError(unpacked.forward(ids, mask), wanted) < 1e-5);
    }

    void damagedPackedCheckpoint_isRefused_data()
    {
        QTest::addColumn<QString>("part");
        QTest::addColumn<QString>("message");
        QTest::newRow("no scales") << ".absmax"
                                   << "absmax is missing";
        QTest::newRow("no map") << ".quant_map"
                                << "quant_map is missing";
        QTest::newRow("no nested map") << ".nested_quant_map"
                                       << "nested_quant_map is missing";
        QTest::newRow("no state") << ".quant_state.bitsandbytes__nf4"
                                  << "q_proj.weight";
    }

    void damagedPackedCheckpoint_isRefused()
    {
        QFETCH(QString, part);
        QFETCH(QString, message);
        const Pair pair(false, { at::kFloat, true }, at::kFloat);
        const std::filesystem::path path = pair.folder.path().toStdString();
        packLikeBitsandbytes(path, true);
        NamedTensors tensors = valueOf(readTensors(path / "model.safetensors"));
        tensors.erase("model.layers.1.self_attn.q_proj.weight" + part.toStdString());
        std::filesystem::remove(path / "model.safetensors");
        QVERIFY(writeTensors(path / "model.safetensors", tensors, {}).has_value());
        const auto loaded = Qwen3::load(valueOf(openCheckpoint(path)), {});
        QVERIFY(!loaded);
        QVERIFY2(loaded.error().message.find(message.toStdString()) != std::string::npos,
            loaded.error().message.c_str());
    }

    void tinyRun_learns_data()
    {
        QTest::addColumn<bool>("mixture");
        QTest::addColumn<bool>("stored");
        QTest::newRow("dense") << false << false;
        QTest::newRow("mixture") << true << false;
        QTest::newRow("stored in 4 bits") << false << true;
    }

    void tinyRun_learns()
    {
        QFETCH(bool, mixture);
        QFETCH(bool, stored);
        const QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        QCOMPARE(test::writeTinyModel(root / "model", 1, mixture), std::string());
        QCOMPARE(test::enlargeEmbedding(root / "model"), std::string());
        test::writeRows(root / "rows.jsonl", 24);
        TrainingConfig config = test::learningConfig(root);
        config.memory.dtype = WeightType::automatic;
        if (stored)
            packLikeBitsandbytes(root / "model", true);
        else
            config.memory.load_in_4bit = true;
        config.memory.bnb_4bit_use_double_quant = !stored;
        const Policy policy = valueOf(loadPolicy(resolve(config), {}));
        QVERIFY(policy.model.weights().layers.front().projections[0].packed != nullptr);
        test::RecordingSink sink;
        QCOMPARE(test::runTiny(config, sink), std::string());
        const auto [first, last] = test::rewardsOf(sink);
        QVERIFY2(last > first + 0.1, qPrintable(QString("%1 to %2").arg(first).arg(last)));
    }
};

QTEST_GUILESS_MAIN(TestNf4Model)
#include "tst_nf4_model.moc"
