#include "limited_memory.h"
#include "reference_case.h"
#include "tiny_run.h"

#include <QTemporaryDir>

#include <malloc.h>

#include <cmath>
#include <fstream>
#include <optional>

using namespace zen;
using namespace reference;

namespace {

Qwen3Shape shapeOf(std::int64_t hidden, std::int64_t layers, bool mixture = false)
{
    Qwen3Shape shape;
    shape.vocab_size = 512;
    shape.hidden_size = hidden;
    shape.intermediate_size = 3 * hidden;
    shape.num_layers = layers;
    shape.num_heads = 4;
    shape.num_kv_heads = 2;
    shape.head_dim = hidden / 4;
    shape.max_position_embeddings = 128;
    shape.eos_ids = { 2 };
    if (mixture) {
        shape.num_experts = 4;
        shape.experts_per_token = 2;
        shape.moe_intermediate_size = hidden;
    }
    return shape;
}

std::map<std::string, at::Tensor> weightsOf(const Qwen3& policy)
{
    std::map<std::string, at::Tensor> weights;
    policy.forEachWeight(
        [&](const std::string& name, const at::Tensor& weight) { weights[name] = weight; });
    return weights;
}

/// Bytes of a line of /proc/self/status.
double statusBytes(const std::string& key)
{
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key))
            return 1024.0 * std::stod(line.substr(key.size()));
    return 0;
}

} // namespace

class TestLoad : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void shards_loadEqual_data()
    {
        QTest::addColumn<bool>("mixture");
        QTest::newRow("dense") << false;
        QTest::newRow("mixture") << true;
    }

    void shards_loadEqual()
    {
        QFETCH(bool, mixture);
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        LoadOptions bf16;
        bf16.weight_type = at::kBFloat16;
        const Qwen3 policy = Qwen3::random(shapeOf(64, 3, mixture), 5, bf16);
        QVERIFY(policy.save(path, at::kBFloat16, 100'000));
        const CheckpointFolder checkpoint = valueOf(openCheckpoint(path));
        QVERIFY(checkpoint.shards.size() > 3);
        std::vector<double> progress;
        bf16.on_progress = [&](double fraction) { progress.push_back(fraction); };
        const Qwen3 again = valueOf(Qwen3::load(checkpoint, bf16));
        QVERIFY(again.shape().num_experts == policy.shape().num_experts);
        const auto expected = weightsOf(policy);
        auto found = weightsOf(again);
        QCOMPARE(found.size(), expected.size());
        for (const auto& [name, weight] : expected)
            QVERIFY2(
                found[name].equal(weight.to(at::kBFloat16).to(weight.scalar_type())), name.c_str());
        QVERIFY(progress.size() > 20 && std::is_sorted(progress.begin(), progress.end()));
        QCOMPARE(progress.back(), 1.0);
    }

    void sourceTypes_areConverted_data()
    {
        QTest::addColumn<int>("type");
        QTest::newRow("float64") << static_cast<int>(at::kDouble);
        QTest::newRow("float16") << static_cast<int>(at::kHalf);
        QTest::newRow("bfloat16") << static_cast<int>(at::kBFloat16);
    }

    void sourceTypes_areConverted()
    {
        QFETCH(int, type);
        const auto stored = static_cast<at::ScalarType>(type);
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        const Qwen3 policy = Qwen3::random(shapeOf(64, 1), 6, {});
        QVERIFY(policy.save(path, stored));
        const CheckpointFolder checkpoint = valueOf(openCheckpoint(path));
        const auto expected = weightsOf(policy);
        for (const auto& [name, weight] : weightsOf(valueOf(Qwen3::load(checkpoint, {}))))
            QVERIFY2(weight.equal(expected.at(name).to(stored).to(at::kFloat)), name.c_str());
        LoadOptions nf4;
        nf4.nf4 = Nf4Options{};
        const Qwen3 packed = valueOf(Qwen3::load(checkpoint, nf4));
        const WeightMatrix& up = packed.weights().layers[0].projections[5];
        const auto wanted = packNf4(
            expected.at("model.layers.0.mlp.up_proj.weight").to(stored).to(at::kFloat), {});
        QVERIFY(up.packed->codes.equal(wanted->codes));
    }

    /// The file's numbers never exist all at once: what is read goes straight into 4 bits.
    void peakMemory_isTheWeightsAndAPiece()
    {
        QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        LoadOptions load;
        {
            const Qwen3 policy = Qwen3::random(shapeOf(1024, 4), 7, {});
            QVERIFY(policy.weightBytes() > 200'000'000);
            QVERIFY(policy.save(path, at::kFloat, 60'000'000));
        }
        const CheckpointFolder checkpoint = valueOf(openCheckpoint(path));
        load.nf4 = Nf4Options{};
        load.weight_type = at::kBFloat16;
        malloc_trim(0); // what is free goes back, so that it is not used again unseen
        std::ofstream("/proc/self/clear_refs") << "5"; // VmHWM starts anew, where a kernel does so
        const double before = statusBytes("VmRSS:");
        const bool starts_anew = statusBytes("VmHWM:") <= before + 5e6;
        const zen::test::LimitedMemory counted;
        std::optional<Qwen3> packed;
        const auto tensors = static_cast<double>(zen::test::LimitedMemory::peakOf(
            [&] { packed = valueOf(Qwen3::load(checkpoint, load)); }));
        const double resident = statusBytes("VmHWM:") - before;
        const double final = static_cast<double>(packed->weightBytes());
        const QString measured = QString("tensors %1 MB, resident %2 MB for %3 MB")
                                     .arg(tensors / 1e6)
                                     .arg(resident / 1e6)
                                     .arg(final / 1e6);
        qInfo() << qPrintable(measured);
        QVERIFY2(tensors >= final, qPrintable(measured)); // they are counted
        QVERIFY2(tensors < final + 45e6, qPrintable(measured));
        if (starts_anew)
            QVERIFY2(resident < final + 45e6, qPrintable(measured));
    }

    void randomWeights_areMadeInTheTargetFormat_data()
    {
        QTest::addColumn<int>("format");
        QTest::newRow("float32") << 0;
        QTest::newRow("bf16") << 1;
        QTest::newRow("4 bits") << 2;
    }

    void randomWeights_areMadeInTheTargetFormat()
    {
        QFETCH(int, format);
        LoadOptions load;
        load.weight_type = format == 0 ? at::kFloat : at::kBFloat16;
        if (format == 2)
            load.nf4 = Nf4Options{ at::kBFloat16, true };
        const Qwen3Shape shape = shapeOf(256, 2);
        const Qwen3 one = Qwen3::random(shape, 9, load), same = Qwen3::random(shape, 9, load),
                    other = Qwen3::random(shape, 10, load);
        const auto numbers = [](const Qwen3& policy, std::size_t projection) {
            const WeightMatrix& matrix = policy.weights().layers[1].projections[projection];
            return matrix.packed ? unpackNf4(*matrix.packed) : matrix.dense_OI.to(at::kFloat);
        };
        QCOMPARE(one.weights().layers[1].projections[0].packed != nullptr, format == 2);
        QVERIFY(numbers(one, 4).equal(numbers(same, 4)));
        QVERIFY(!numbers(one, 4).equal(numbers(other, 4)));
        QVERIFY(!numbers(one, 4).equal(numbers(one, 5)));
        QVERIFY(std::abs(numbers(one, 4).mean().item<double>()) < 2e-4);
        QVERIFY(std::abs(numbers(one, 4).std().item<double>() - 0.02) < 2e-4);
        QVERIFY(one.weights().layers[1].input_norm_D.eq(1).all().item<bool>());
        const double bits = 8.0 * static_cast<double>(one.weightBytes())
            / static_cast<double>(shape.parameters());
        const double expected = format == 0 ? 32 : format == 1 ? 16 : 4.13 + 0.13 * 12;
        QVERIFY2(std::abs(bits - expected) < 0.1 * expected, qPrintable(QString::number(bits)));
    }
};

QTEST_GUILESS_MAIN(TestLoad)
#include "tst_load.moc"
