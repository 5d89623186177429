#include "core/base/machine.h"
#include "core/model/counter_random.h"
#include "core/text/tokenizer.h"
#include "core/train/export_weights.h"
#include "core/train/policy.h"
#include "reference_case.h"
#include "tiny_run.h"

#include <QTemporaryDir>

#include <c10/core/GradMode.h>

#include <fstream>

using namespace zen;
using namespace zen::test;

/// The starter with a random adapter, exported and read back by this program.
class TestExportedModel : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    at::Tensor m_ids_BT, m_mask_BT;
    at::Tensor m_expected; ///< logits of base and adapter, float32

    fs::path root() const { return m_folder.path().toStdString(); }

    fs::path exported(WeightTarget target, const char* dtype) const
    {
        WeightExportOptions options;
        options.source = (root() / "run").string();
        options.target = target;
        options.dtype = dtype;
        options.output
            = root() / (std::string(target == WeightTarget::gguf ? "gguf-" : "merged-") + dtype);
        if (!fs::exists(options.output))
            reference::valueOf(exportWeights(options));
        if (target == WeightTarget::merged)
            return options.output;
        WeightExportOptions unpack;
        unpack.source = (options.output / (std::string("run-") + dtype + ".gguf")).string();
        unpack.output = root() / (std::string("unpacked-") + dtype);
        if (!fs::exists(unpack.output))
            reference::valueOf(exportWeights(unpack));
        return unpack.output;
    }

    at::Tensor logitsOf(const Qwen3& model) const
    {
        const at::NoGradGuard no_grad;
        return model.logits(model.forward(m_ids_BT, m_mask_BT));
    }
    at::Tensor logitsOf(const fs::path& folder) const
    {
        return logitsOf(reference::valueOf(
            Qwen3::load(reference::valueOf(openCheckpoint(folder)), LoadOptions{})));
    }

private Q_SLOTS:
    void initTestCase()
    {
        Qwen3 model = reference::valueOf(Qwen3::load(
            reference::valueOf(openCheckpoint(resourceFolder() / "starter")), LoadOptions{}));
        LoraOptions lora;
        lora.rank = 4;
        lora.alpha = 8;
        lora.targets = { "all" };
        lora.base_model = "zen/starter";
        Adapter adapter = reference::valueOf(newAdapter(model.shape(), lora, 5));
        std::uint64_t stream = 0;
        {
            const at::NoGradGuard no_grad;
            for (at::Tensor parameter : adapter.parameters()) {
                float* numbers = parameter.data_ptr<float>();
                for (std::int64_t i = 0; i < parameter.numel(); ++i)
                    numbers[i] = static_cast<float>(
                        0.05 * normalAt(9, stream, static_cast<std::uint64_t>(i)));
                ++stream;
            }
        }
        fs::create_directories(root() / "run/adapter");
        QVERIFY(writeAdapter(root() / "run/adapter", adapter).has_value());
        std::ofstream(root() / "run/config.yaml")
            << "model_name_or_path: zen/starter\nstage: grpo\ndataset: d\n";
        std::vector<std::int64_t> ids;
        for (std::int64_t i = 0; i < 2 * 24; ++i)
            ids.push_back((i * i * 7 + 3 * i) % 560);
        m_ids_BT = at::tensor(ids, at::kLong).reshape({ 2, 24 });
        m_mask_BT = at::ones({ 2, 24 }, at::kLong);
        const at::Tensor base = logitsOf(model);
        model.attach(std::move(adapter));
        m_expected = logitsOf(model);
        QVERIFY(reference::largestError(base, m_expected) > 0.1); // the adapter does something
    }

    void mergedModel_hasTheSameLogits()
    {
        const double error
            = reference::largestError(logitsOf(exported(WeightTarget::merged, "f32")), m_expected);
        QVERIFY2(error < 2e-4, std::to_string(error).c_str());
    }

    void gguf_hasTheSameLogits()
    {
        const double error
            = reference::largestError(logitsOf(exported(WeightTarget::gguf, "f32")), m_expected);
        QVERIFY2(error < 2e-4, std::to_string(error).c_str());
    }

    void narrowFormats_stayClose_data()
    {
        QTest::addColumn<QByteArray>("dtype");
        QTest::addColumn<double>("allowed");
        QTest::newRow("f16") << QByteArray("f16") << 0.002;
        QTest::newRow("bf16") << QByteArray("bf16") << 0.005;
        QTest::newRow("q8_0") << QByteArray("q8_0") << 0.02;
    }

    void narrowFormats_stayClose()
    {
        QFETCH(QByteArray, dtype);
        QFETCH(double, allowed);
        const at::Tensor logits = logitsOf(exported(WeightTarget::gguf, dtype.constData()));
        const double error = (logits - m_expected).abs().mean().item<double>();
        qInfo("%s: mean error of a logit %.4f", dtype.constData(), error);
        QVERIFY2(error < allowed && error > 0, std::to_string(error).c_str());
    }

    void ggufOfBf16_equalsMergedBf16()
    {
        const at::Tensor gguf = logitsOf(exported(WeightTarget::gguf, "bf16"));
        // norms are float32 in the one and bfloat16 in the other; the adapter does not touch them
        QVERIFY(
            reference::largestError(gguf, logitsOf(exported(WeightTarget::merged, "bf16"))) < 2e-4);
    }

    void unpackedTokenizer_encodesTheSame()
    {
        const auto before
            = reference::valueOf(Tokenizer::load(resourceFolder() / "starter/tokenizer.json"));
        const auto after = reference::valueOf(
            Tokenizer::load(exported(WeightTarget::gguf, "f32") / "tokenizer.json"));
        for (const char* text : { "Tom has 12 apples, and 7 more; how many?\n", "naïve — 3 × 4",
                 "<|im_start|>user\nx<|im_end|>\n<think>\n" }) {
            QCOMPARE(after.encode(text), before.encode(text));
            QCOMPARE(after.decode(after.encode(text)), before.decode(before.encode(text)));
        }
        QVERIFY(after.isSpecial(*after.idOf("<|im_end|>")));
        QVERIFY(!after.isSpecial(*after.idOf("<think>")));
    }

    void runThatReports_writesEveryFileAndGoesOn()
    {
        const fs::path folder = root() / "tiny";
        QCOMPARE(writeTinyModel(folder / "model"), std::string());
        writeRows(folder / "rows.jsonl", 16);
        TrainingConfig config = tinyConfig(folder);
        config.run.report_to = { "all" };
        config.run.save_steps = 2;
        config.optimizer.max_steps = 4;
        RecordingSink first;
        QCOMPARE(runTiny(config, first, stopAfter(2)), std::string());
        config.run.resume_from_checkpoint = "latest";
        RecordingSink second;
        QCOMPARE(runTiny(config, second), std::string());
        std::ifstream csv(folder / "run/metrics.csv");
        std::vector<std::string> lines;
        for (std::string line; std::getline(csv, line);)
            lines.push_back(line);
        QCOMPARE(lines.size(), std::size_t{ 5 });
        QVERIFY(lines[0].find("rewards/letter/mean") != std::string::npos);
        QVERIFY(fs::file_size(folder / "run/trainer_log.jsonl") > 0);
        QVERIFY(fs::file_size(folder / "run/metrics.jsonl") > 0);
        QCOMPARE(std::distance(
                     fs::directory_iterator(folder / "run/tensorboard"), fs::directory_iterator()),
            2);
    }
};

QTEST_GUILESS_MAIN(TestExportedModel)
#include "tst_exported_model.moc"
