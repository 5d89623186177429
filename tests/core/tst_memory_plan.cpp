#include "core/plan/memory_plan.h"

#include <QTest>

#include <algorithm>

using namespace zen;

namespace {

/// The public configurations of the Qwen3 models.
Qwen3Shape publicShape(const QString& name)
{
    struct Row {
        const char* name;
        std::int64_t hidden, layers, heads, kv_heads, intermediate, experts, per_token, expert_size;
        bool tied;
    };
    static constexpr Row kRows[] = { { "0.6B", 1024, 28, 16, 8, 3072, 0, 0, 0, true },
        { "1.7B", 2048, 28, 16, 8, 6144, 0, 0, 0, true },
        { "4B", 2560, 36, 32, 8, 9728, 0, 0, 0, true },
        { "8B", 4096, 36, 32, 8, 12288, 0, 0, 0, false },
        { "14B", 5120, 40, 40, 8, 17408, 0, 0, 0, false },
        { "32B", 5120, 64, 64, 8, 25600, 0, 0, 0, false },
        { "30B-A3B", 2048, 48, 32, 4, 6144, 128, 8, 768, false },
        { "235B-A22B", 4096, 94, 64, 4, 12288, 128, 8, 1536, false } };
    for (const Row& row : kRows)
        if (name == row.name) {
            Tier tier;
            tier.hidden_size = row.hidden;
            tier.num_layers = row.layers;
            tier.num_heads = row.heads;
            tier.num_kv_heads = row.kv_heads;
            tier.head_dim = 128;
            tier.intermediate_size = row.intermediate;
            tier.num_experts = row.experts;
            tier.experts_per_token = row.per_token;
            tier.moe_intermediate_size = row.expert_size;
            tier.tied_embeddings = row.tied;
            return shapeOf(tier);
        }
    qFatal("no such shape");
}

TrainingConfig bf16Config()
{
    TrainingConfig config;
    config.memory.dtype = WeightType::bfloat16;
    return config;
}

} // namespace

class TestMemoryPlan : public QObject {
    Q_OBJECT

private Q_SLOTS:
    // Parameters as published; 4-bit GiB with double quantisation and a bf16 embedding.
    void weights_equalThePublishedSizes_data()
    {
        QTest::addColumn<qint64>("parameters");
        QTest::addColumn<double>("gib_in_4bit");
        QTest::addColumn<qint64>("cache_bytes");
        QTest::newRow("0.6B") << qint64(596049920) << 0.50 << qint64(114688);
        QTest::newRow("1.7B") << qint64(1720574976) << 1.26 << qint64(114688);
        QTest::newRow("4B") << qint64(4022468096) << 2.47 << qint64(147456);
        QTest::newRow("8B") << qint64(8190735360) << 5.66 << qint64(147456);
        QTest::newRow("14B") << qint64(14768307200) << 9.25 << qint64(163840);
        QTest::newRow("32B") << qint64(32762123264) << 17.89 << qint64(262144);
        QTest::newRow("30B-A3B") << qint64(30532122624) << 15.55 << qint64(98304);
        QTest::newRow("235B-A22B") << qint64(235093634560) << 114.7 << qint64(192512);
    }

    void weights_equalThePublishedSizes()
    {
        QFETCH(qint64, parameters);
        QFETCH(double, gib_in_4bit);
        QFETCH(qint64, cache_bytes);
        const Qwen3Shape shape = publicShape(QTest::currentDataTag());
        QCOMPARE(shape.parameters(), parameters);
        QCOMPARE(cacheBytesPerToken(shape, 2), cache_bytes);

        TrainingConfig config = bf16Config();
        QCOMPARE(planMemory(config, shape).weights, static_cast<std::uint64_t>(parameters) * 2);
        config.memory.dtype = WeightType::float32;
        QCOMPARE(planMemory(config, shape).weights, static_cast<std::uint64_t>(parameters) * 4);
        config.memory.quantization = Quantization::nf4;
        config.memory.bnb_4bit_use_double_quant = true;
        const double gib = static_cast<double>(planMemory(config, shape).weights) / (1 << 30);
        QVERIFY2(std::abs(gib - gib_in_4bit) < 0.006 * std::max(1.0, gib_in_4bit),
            qPrintable(QString::number(gib)));
    }

    void adapter_countsItsTargets()
    {
        AdapterSection adapter; // rank 16, all
        QCOMPARE(adapterParameters(adapter, publicShape("8B")), std::int64_t{ 43646976 });
        QCOMPARE(adapterParameters(adapter, publicShape("0.6B")), std::int64_t{ 10092544 });
        QCOMPARE(adapterParameters(adapter, publicShape("4B")), std::int64_t{ 33030144 });
        QCOMPARE(
            planMemory(bf16Config(), publicShape("8B")).adapter, std::uint64_t{ 16 } * 43646976);
        adapter.lora_target = { "q_proj", "v_proj" };
        adapter.lora_rank = 8;
        // 36 x 8 x (4096 + 4096 + 4096 + 1024)
        QCOMPARE(adapterParameters(adapter, publicShape("8B")), std::int64_t{ 3833856 });
    }

    void adapterOfAMixture_leavesExpertsOutUnlessNamed()
    {
        AdapterSection adapter;
        const double attention
            = static_cast<double>(adapterParameters(adapter, publicShape("30B-A3B")));
        QVERIFY(std::abs(attention - 13.4e6) < 0.05e6);
        adapter.lora_target = { "gate_proj", "up_proj", "down_proj" };
        const double experts
            = static_cast<double>(adapterParameters(adapter, publicShape("30B-A3B")));
        QVERIFY(std::abs(experts - 830e6) < 1e6);
    }

    // 0.6B: 229,376 bytes a token in float32 (twice the published bfloat16 figure)
    void cache_growsWithRowsUpTo256_promptsAreShared()
    {
        TrainingConfig config = bf16Config();
        config.data.cutoff_len = 1024;
        config.batch.max_completion_length = 768;
        config.batch.per_device_train_batch_size = 64;
        config.batch.steps_per_generation = 1;
        config.batch.num_generations = 8;
        // 64 completions of 768 tokens, 8 prompts of 256
        QCOMPARE(planMemory(config, publicShape("0.6B")).kv_cache,
            std::uint64_t{ 229376 } * (64 * 768 + 8 * 256));
        config.batch.steps_per_generation = 4;
        const auto at_256 = planMemory(config, publicShape("0.6B")).kv_cache;
        QCOMPARE(at_256, std::uint64_t{ 229376 } * (256 * 768 + 32 * 256));
        config.batch.steps_per_generation = 16;
        QCOMPARE(planMemory(config, publicShape("0.6B")).kv_cache, at_256);
        config.memory.dtype = WeightType::float32;
        QCOMPARE(planMemory(config, publicShape("0.6B")).kv_cache, at_256);
    }

    void sft_generatesOnlyToEvaluate()
    {
        TrainingConfig config = bf16Config();
        config.algorithm.stage = Stage::sft;
        QCOMPARE(planMemory(config, publicShape("0.6B")).kv_cache, std::uint64_t{ 0 });
        config.data.val_size = 0.1;
        config.batch.max_completion_length = 2048;
        QCOMPARE(
            planMemory(config, publicShape("0.6B")).kv_cache, std::uint64_t{ 229376 } * 32 * 2048);
    }

    // 0.6B, by hand: a layer keeps 2 x 1024 + 2 x (16 + 8) x 128 + 16 + 2 x 3072 = 14,352 numbers a
    // token, and works on 3 x 1024 + 6144 = 9,216 more when it goes backward; three hidden states
    // of 1024
    void activations_followTheFormula()
    {
        TrainingConfig config = bf16Config();
        config.data.cutoff_len = 512;
        config.batch.per_device_train_batch_size = 4;
        const std::uint64_t tokens = 4 * 512;
        const std::uint64_t live = 4 * (9216 + 3 * 1024);
        QCOMPARE(
            planMemory(config, publicShape("0.6B")).activations, tokens * (28 * 4 * 14352 + live));
        config.memory.gradient_checkpointing = true;
        QCOMPARE(planMemory(config, publicShape("0.6B")).activations,
            tokens * (28 * 4 * 1024 + 4 * 14352 + live));
    }

    void automaticType_isFloat32ForSmallModelsAndFullFinetuning()
    {
        TrainingConfig config;
        Qwen3Shape small = publicShape("0.6B");
        small.hidden_size = 128;
        small.intermediate_size = 512;
        QCOMPARE(plannedWeightType(config, small), WeightType::float32);
        config.memory.dtype = WeightType::bfloat16;
        QCOMPARE(plannedWeightType(config, small), WeightType::bfloat16);
        config.adapter.finetuning_type = FinetuningType::full;
        QCOMPARE(plannedWeightType(config, small), WeightType::float32);
    }

    // 256 tokens x 151,936 words x 12 bytes = 0.47 GB
    void logits_existForOneChunk()
    {
        TrainingConfig config = bf16Config();
        config.memory.logprob_chunk_tokens = 256;
        QCOMPARE(planMemory(config, publicShape("8B")).logits, std::uint64_t{ 12 } * 256 * 151936);
    }

    void fullFinetuning_holdsMomentsOfEveryWeight()
    {
        TrainingConfig config = bf16Config();
        config.adapter.finetuning_type = FinetuningType::full;
        const MemoryPlan plan = planMemory(config, publicShape("0.6B"));
        QCOMPARE(plan.weights + plan.adapter, std::uint64_t{ 16 } * 596049920);
    }

    void peak_isTheLargerPhase()
    {
        MemoryPlan plan;
        plan.weights = 100;
        plan.kv_cache = 50;
        plan.activations = 20;
        QCOMPARE(plan.peak(), std::uint64_t{ 150 });
        plan.activations = 70;
        QCOMPARE(plan.peak(), std::uint64_t{ 170 });
    }

    void fit_comparesBothPlans()
    {
        MemoryPlan plan, in_4bit;
        plan.weights = 8'000'000'000;
        in_4bit.weights = 3'000'000'000;
        const Qwen3Shape small = publicShape("0.6B");
        const Qwen3Shape large = publicShape("4B");
        QCOMPARE(fitOf(plan, in_4bit, small, 8'000'000'000), Fit::runs);
        QCOMPARE(fitOf(plan, in_4bit, large, 8'000'000'000), Fit::runs_slowly);
        QCOMPARE(fitOf(plan, in_4bit, large, 7'999'999'999), Fit::four_bit_only);
        QCOMPARE(fitOf(plan, in_4bit, large, 2'999'999'999), Fit::too_large);
    }

    void bytes_areWrittenInDecimalUnits_data()
    {
        QTest::addColumn<quint64>("bytes");
        QTest::addColumn<QString>("text");
        QTest::newRow("0") << quint64(0) << "0 B";
        QTest::newRow("999") << quint64(999) << "999 B";
        QTest::newRow("1,500") << quint64(1500) << "1.5 kB";
        QTest::newRow("12 MB") << quint64(12'345'678) << "12 MB";
        QTest::newRow("below 1 GB") << quint64(999'000'000) << "999 MB";
        QTest::newRow("rounded up to 1 GB") << quint64(999'900'000) << "1.0 GB";
        QTest::newRow("1.9 GB") << quint64(1'940'000'000) << "1.9 GB";
        QTest::newRow("9.96 GB") << quint64(9'960'000'000) << "10 GB";
        QTest::newRow("470 GB") << quint64(470'190'000'000) << "470 GB";
        QTest::newRow("all") << ~quint64(0) << "18447 PB";
    }

    void bytes_areWrittenInDecimalUnits()
    {
        QFETCH(quint64, bytes);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(formatBytes(bytes)), text);
    }
};

QTEST_GUILESS_MAIN(TestMemoryPlan)
#include "tst_memory_plan.moc"
