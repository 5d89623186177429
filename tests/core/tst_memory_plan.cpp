#include "core/plan/memory_plan.h"
#include "core/plan/workload.h"
#include "tests/core/plan_samples.h"

#include <QTest>

#include <algorithm>

using namespace zen;
using namespace zen::test;

namespace {

const PhaseMemory& update(const MemoryPlan& plan)
{
    return plan.in(PlanPhase::update);
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
        QCOMPARE(
            update(planMemory(config, shape)).weights, static_cast<std::uint64_t>(parameters) * 2);
        config.memory.dtype = WeightType::float32;
        QCOMPARE(
            update(planMemory(config, shape)).weights, static_cast<std::uint64_t>(parameters) * 4);
        config.memory.dtype = WeightType::bfloat16; // of the embedding
        config.memory.quantization = Quantization::nf4;
        config.memory.bnb_4bit_use_double_quant = true;
        config.memory.bnb_4bit_compute_dtype = WeightType::bfloat16;
        const double gib
            = static_cast<double>(update(planMemory(config, shape)).weights) / (1 << 30);
        QVERIFY2(std::abs(gib - gib_in_4bit) < 0.006 * std::max(1.0, gib_in_4bit),
            qPrintable(QString::number(gib)));
    }

    void adapter_countsItsTargets()
    {
        AdapterSection adapter; // rank 16, all
        QCOMPARE(adapterParameters(adapter, publicShape("8B")), std::int64_t{ 43646976 });
        QCOMPARE(adapterParameters(adapter, publicShape("0.6B")), std::int64_t{ 10092544 });
        QCOMPARE(adapterParameters(adapter, publicShape("4B")), std::int64_t{ 33030144 });
        const PhaseMemory phase = update(planMemory(bf16Config(), publicShape("8B")));
        QCOMPARE(phase.adapter, std::uint64_t{ 4 } * 43646976);
        QCOMPARE(phase.optimizer, std::uint64_t{ 12 } * 43646976); // gradients and two moments
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

    // The buffer that tensors go through is 2^21 doubles; what is packed is float32 on the way.
    void loading_holdsAPieceBesideTheWeights()
    {
        TrainingConfig config = bf16Config();
        for (const char* model : { "0.6B", "32B" }) {
            const PhaseMemory load = planMemory(config, publicShape(model)).in(PlanPhase::load);
            QCOMPARE(load.overhead, std::uint64_t{ 8 } << 21);
        }
        config.memory.quantization = Quantization::nf4;
        const PhaseMemory load = planMemory(config, publicShape("32B")).in(PlanPhase::load);
        QCOMPARE(load.overhead, std::uint64_t{ 12 } << 21);
    }

    // 0.6B: 440,401,920 weights in 4 bits and a scale for every 64, the other 155,648,000 in dtype
    void fourBits_leaveTheRestAndTheCacheInDtype_data()
    {
        QTest::addColumn<int>("dtype");
        QTest::addColumn<int>("compute");
        QTest::addColumn<quint64>("number");
        const auto row = [](const char* name, WeightType dtype, WeightType compute, quint64 bytes) {
            QTest::newRow(name) << static_cast<int>(dtype) << static_cast<int>(compute) << bytes;
        };
        row("auto, float32", WeightType::automatic, WeightType::float32, 2);
        row("auto, bfloat16", WeightType::automatic, WeightType::bfloat16, 2);
        row("bfloat16, float32", WeightType::bfloat16, WeightType::float32, 2);
        row("float32, bfloat16", WeightType::float32, WeightType::bfloat16, 4);
    }

    void fourBits_leaveTheRestAndTheCacheInDtype()
    {
        QFETCH(int, dtype);
        QFETCH(int, compute);
        QFETCH(quint64, number);
        TrainingConfig config;
        config.memory.quantization = Quantization::nf4;
        config.memory.dtype = static_cast<WeightType>(dtype);
        config.memory.bnb_4bit_compute_dtype = static_cast<WeightType>(compute);
        config.data.cutoff_len = 1024;
        config.batch.max_completion_length = 768;
        config.batch.per_device_train_batch_size = 64;
        config.batch.steps_per_generation = 1;
        const Qwen3Shape shape = publicShape("0.6B");
        const MemoryPlan plan = planMemory(config, shape);
        QCOMPARE(
            update(plan).weights, 440401920ULL / 2 + 440401920ULL / 64 * 4 + 155648000 * number);
        QCOMPARE(plan.in(PlanPhase::rollout).cache, 57344 * number * (64 * 768 + 8 * 256));
        QCOMPARE(plannedWeightType(config, shape), static_cast<WeightType>(compute));
        Qwen3Shape stored = shape; // the same where the model's own files hold 4 bits
        stored.is_packed = true;
        config.memory.quantization = Quantization::none;
        QVERIFY(planMemory(config, stored) == plan);
    }

    // 0.6B: 114,688 bytes a token in bfloat16, twice that in float32
    void cache_holdsTheRowsWrittenAtOnce_aGroupSharesItsPrompt()
    {
        const auto cache = [](const TrainingConfig& config) {
            return planMemory(config, publicShape("0.6B")).in(PlanPhase::rollout).cache;
        };
        TrainingConfig config = bf16Config();
        config.data.cutoff_len = 1024;
        config.batch.max_completion_length = 768;
        config.batch.per_device_train_batch_size = 64;
        config.batch.steps_per_generation = 1;
        config.batch.num_generations = 8;
        // 64 completions of 768 tokens, 8 prompts of 256
        QCOMPARE(cache(config), std::uint64_t{ 114688 } * (64 * 768 + 8 * 256));
        config.batch.steps_per_generation = 4;
        const auto at_256 = cache(config);
        QCOMPARE(at_256, std::uint64_t{ 114688 } * (256 * 768 + 32 * 256));
        // more take turns; one more prompt may still be in use
        config.batch.steps_per_generation = 16;
        QCOMPARE(cache(config), at_256 + 114688 * 256);
        config.batch.rollout_rows = 8;
        QCOMPARE(cache(config), std::uint64_t{ 114688 } * (8 * 768 + 2 * 256));
        config.memory.dtype = WeightType::float32;
        QCOMPARE(cache(config), std::uint64_t{ 229376 } * (8 * 768 + 2 * 256));
    }

    void sft_generatesOnlyToEvaluate()
    {
        TrainingConfig config = bf16Config();
        config.algorithm.stage = Stage::sft;
        const MemoryPlan without = planMemory(config, publicShape("0.6B"));
        QCOMPARE(without.in(PlanPhase::rollout).total(), std::uint64_t{ 0 });
        QCOMPARE(without.in(PlanPhase::evaluation).total(), std::uint64_t{ 0 });
        config.data.val_size = 0.1;
        config.batch.max_completion_length = 2048;
        const MemoryPlan with = planMemory(config, publicShape("0.6B"));
        QCOMPARE(with.in(PlanPhase::evaluation).cache, std::uint64_t{ 114688 } * 32 * 2048);
    }

    void evaluation_cachesNoMoreThanTheRollout()
    {
        for (const char* tier : { "nano", "eco", "coder", "omni", "next", "moe" }) {
            const Tier each = shippedTier(tier);
            const MemoryPlan plan = planMemory(shippedConfig(each.config_file), shapeOf(each));
            QVERIFY2(
                plan.in(PlanPhase::evaluation).cache <= plan.in(PlanPhase::rollout).cache, tier);
            QVERIFY2(plan.in(PlanPhase::evaluation).cache > 0, tier);
        }
    }

    // 0.6B, by hand: a layer keeps 2 x 1024 + 2 x (16 + 8) x 128 + 16 + 2 x 3072 = 14,352 numbers a
    // token, and has gradients of 2 x 1024 + 2 x (16 + 8) x 128 = 8,192 more when it goes backward
    void activations_followTheFormula()
    {
        TrainingConfig config = bf16Config();
        config.data.cutoff_len = 2048;
        config.batch.per_device_train_batch_size = 4;
        const std::uint64_t tokens = 4 * 2048;
        const auto activations
            = [&] { return update(planMemory(config, publicShape("0.6B"))).activations; };
        QCOMPARE(activations(), tokens * 4 * (28 * 14352 + 8192));
        config.memory.gradient_checkpointing = true; // each input, and one layer but its input
        QCOMPARE(activations(), tokens * 4 * (28 * 1024 + 14352 - 1024 + 8192));
        config.memory.micro_batch_tokens = 4096; // half of the rows at a time
        QCOMPARE(activations(), 4096ULL * 4 * (28 * 1024 + 14352 - 1024 + 8192));
        config.memory.micro_batch_tokens = 100; // a row is never cut
        QVERIFY(activations() >= 2048ULL * 4 * 28 * 1024);
    }

    // 30B-A3B: 2 x 2048 + 2 x (32 + 4) x 128 + 32 of attention, 8 experts x 768 x 2, a softmax over
    // 128 experts, 8 numbers for each of 8 slots
    void activationsOfAMixture_countTheExpertsOfEachToken()
    {
        TrainingConfig config = bf16Config();
        config.data.cutoff_len = 4096;
        config.batch.per_device_train_batch_size = 2;
        const std::uint64_t layer = 2 * 2048 + 2 * 36 * 128 + 32 + 2 * 8 * 768 + 128 + 64;
        const std::uint64_t backward = 2 * 2048 + 2 * 36 * 128;
        QCOMPARE(update(planMemory(config, publicShape("30B-A3B"))).activations,
            8192ULL * 4 * (48 * layer + backward));
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

    // Few tokens: the logits of a chunk are more than a layer's gradients. 256 x 151,936 x 4 bytes.
    void logits_existForOneChunk()
    {
        TrainingConfig config = bf16Config();
        config.memory.logprob_chunk_tokens = 256;
        config.data.cutoff_len = 1024;
        config.batch.per_device_train_batch_size = 1;
        config.memory.gradient_checkpointing = true;
        QCOMPARE(update(planMemory(config, publicShape("0.6B"))).logits,
            std::uint64_t{ 4 } * 256 * 151936);
        config.memory.logprob_chunk_tokens = 4096; // no more than there are targets
        QCOMPARE(update(planMemory(config, publicShape("0.6B"))).logits,
            std::uint64_t{ 4 } * 512 * 151936);
    }

    void fullFinetuning_holdsMomentsOfEveryWeight()
    {
        TrainingConfig config = bf16Config();
        config.adapter.finetuning_type = FinetuningType::full;
        const PhaseMemory phase = update(planMemory(config, publicShape("0.6B")));
        QCOMPARE(phase.weights + phase.adapter + phase.optimizer, std::uint64_t{ 16 } * 596049920);
        config.algorithm.beta = 0.04; // the reference is a second model
        QCOMPARE(update(planMemory(config, publicShape("0.6B"))).weights,
            std::uint64_t{ 8 } * 596049920);
    }

    void continuedAdapterWithKl_keepsACopy()
    {
        TrainingConfig config = bf16Config();
        const auto one = update(planMemory(config, publicShape("0.6B"))).adapter;
        config.model.adapter_name_or_path = "runs/one/adapter";
        QCOMPARE(update(planMemory(config, publicShape("0.6B"))).adapter, one);
        config.algorithm.beta = 0.04;
        QCOMPARE(update(planMemory(config, publicShape("0.6B"))).adapter, 2 * one);
    }

    void peak_isTheLargestPhase()
    {
        MemoryPlan plan;
        plan.in(PlanPhase::rollout).weights = 100;
        plan.in(PlanPhase::rollout).cache = 50;
        plan.in(PlanPhase::update).weights = 100;
        plan.in(PlanPhase::update).activations = 20;
        QCOMPARE(plan.peak(), std::uint64_t{ 150 });
        QCOMPARE(plan.largestPhase(), PlanPhase::rollout);
        plan.in(PlanPhase::update).activations = 70;
        QCOMPARE(plan.peak(), std::uint64_t{ 170 });
        QCOMPARE(plan.largestPhase(), PlanPhase::update);
        QVERIFY(planText(plan).find("together") != std::string::npos);
    }

    // Counted outside of the program from tiers.yaml and the files: linear weights and the rest at
    // 2, 4 or 0.5625 bytes; LoRA pairs; keys and values of the rows written at once, in blocks.
    void shippedConfigurations_haveTheTermsCountedByHand_data()
    {
        QTest::addColumn<quint64>("weights");
        QTest::addColumn<quint64>("adapter_parameters");
        QTest::addColumn<quint64>("cache");
        const auto row = [](const char* tier, quint64 weights, quint64 adapter, quint64 cache) {
            QTest::newRow(tier) << weights << adapter << cache;
        };
        row("starter", 4'463'360, 97'280, 105'512'960);
        row("nano", 1'192'099'840, 2'523'136, 1'056'964'608);
        row("eco", 8'044'936'192, 16'515'072, 2'717'908'992);
        row("coder", 16'381'470'720, 43'646'976, 2'717'908'992);
        row("omni", 29'536'614'400, 128'450'560, 3'019'898'880);
        row("next", 20'666'165'248, 536'870'912, 9'663'676'416);
        row("moe", 42'261'196'800, 320'864'256, 22'951'231'488);
    }

    void shippedConfigurations_haveTheTermsCountedByHand()
    {
        QFETCH(quint64, weights);
        QFETCH(quint64, adapter_parameters);
        QFETCH(quint64, cache);
        const Tier tier = shippedTier(QTest::currentDataTag());
        const MemoryPlan plan = planMemory(shippedConfig(tier.config_file), shapeOf(tier));
        QCOMPARE(plan.in(PlanPhase::rollout).cache, cache);
        for (const PlanPhase phase : { PlanPhase::rollout, PlanPhase::update }) {
            QCOMPARE(plan.in(phase).weights, weights);
            QCOMPARE(plan.in(phase).adapter, 4 * adapter_parameters);
            QCOMPARE(plan.in(phase).optimizer, 12 * adapter_parameters);
            QVERIFY(plan.in(phase).program > 150'000'000);
        }
        QCOMPARE(plan.in(PlanPhase::load).optimizer, std::uint64_t{ 0 });
        QVERIFY(plan.in(PlanPhase::load).total() < plan.peak());
        QCOMPARE(plan.in(PlanPhase::update).cache, std::uint64_t{ 0 });
    }

    void nextAndMixture_fitTheFiguresOfTheirTiers()
    {
        for (const char* id : { "next", "moe" }) {
            const Tier tier = shippedTier(id);
            const TrainingConfig config = shippedConfig(tier.config_file);
            const MemoryPlan plan = planMemory(config, shapeOf(tier));
            QVERIFY2(
                static_cast<double>(plan.peak()) <= tier.memory_gb * 1e9, planText(plan).c_str());
            TrainingConfig whole = config;
            whole.memory.quantization = Quantization::none;
            whole.memory.load_in_4bit = false;
            QVERIFY(static_cast<double>(planMemory(whole, shapeOf(tier)).peak())
                > tier.memory_gb * 1e9);
        }
    }

    void lengthsOfTheData_bringThePlanDown()
    {
        TrainingConfig config = shippedConfig("starter_gspo.yaml");
        config.data.dataset_dir = ZEN_SOURCE_DIR;
        const auto lengths = measureLengths(config);
        QVERIFY2(lengths, lengths ? "" : lengths.error().message.c_str());
        QCOMPARE(lengths->rows, std::int64_t{ 2000 });
        QVERIFY(lengths->prompt.mean > 25 && lengths->prompt.longest < 128);
        QVERIFY(lengths->answer && lengths->answer->mean > 20 && lengths->answer->mean < 80);
        const Qwen3Shape shape = shapeOf(shippedTier("starter"));
        PlanBasis basis;
        basis.lengths = *lengths;
        const MemoryPlan full = planMemory(config, shape), real = planMemory(config, shape, basis);
        QVERIFY(real.peak() < full.peak() / 2);
        QCOMPARE(update(real).weights, update(full).weights);
        // a row of the batch keeps 4 x (2 x 128 + 2 x 192 + 4 + 2 x 384) bytes a token and layer
        const double row_bytes = 5 * 5648.0 * (lengths->prompt.mean + lengths->answer->mean) * 128;
        QVERIFY(static_cast<double>(update(real).activations) > row_bytes);
        QVERIFY(static_cast<double>(update(real).activations) < 1.25 * row_bytes);

        // answers that are not written as the model writes say nothing about its own
        config.data.answer_column = "answer"; // bare numbers, and the model thinks
        const auto bare = measureLengths(config);
        QVERIFY(bare && !bare->answer);
        config.model.model_name_or_path = "nobody/has-this";
        QVERIFY(!measureLengths(config));
    }
};

QTEST_GUILESS_MAIN(TestMemoryPlan)
#include "tst_memory_plan.moc"
