#include "core/config/read_config.h"
#include "core/plan/fit.h"

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

TrainingConfig shippedConfig(const std::string& file)
{
    const auto document = YamlDocument::load(ZEN_SOURCE_DIR "/configs/" + file);
    if (!document)
        qFatal("no such configuration");
    return readConfig(*document).config;
}

Tier shippedTier(const std::string& id)
{
    const auto tiers = loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
    for (const Tier& tier : *tiers)
        if (tier.id == id)
            return tier;
    qFatal("no such tier");
}

constexpr std::uint64_t operator""_GB(unsigned long long number)
{
    return number * 1'000'000'000;
}

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

    void figuresOfTheSmallerTiers_areMetWithWhatIsProposed()
    {
        for (const char* id : { "nano", "eco", "coder", "omni" }) {
            const Tier tier = shippedTier(id);
            const auto figure = static_cast<std::uint64_t>(tier.memory_gb * 1e9);
            const TrainingConfig config = shippedConfig(tier.config_file);
            const auto proposals = proposalsFor(config, shapeOf(tier), figure);
            QVERIFY2(!proposals.empty(), id);
            const TrainingConfig changed = withEdits(config, proposals.front().fix.edits);
            QCOMPARE(planMemory(changed, shapeOf(tier)).peak(), proposals.front().peak);
            QVERIFY2(proposals.front().peak <= figure, id);
            QCOMPARE(completionsPerStep(changed), completionsPerStep(config));
            QCOMPARE(generationBatchSize(changed), generationBatchSize(config));
            QCOMPARE(changed.data, config.data);
            QCOMPARE(changed.adapter, config.adapter);
        }
    }

    void moreNeverNeedsLess_data()
    {
        QTest::addColumn<QString>("config");
        for (const char* id : { "starter", "nano", "eco", "coder", "omni", "next", "moe" })
            QTest::newRow(id) << QString::fromStdString(shippedTier(id).config_file);
    }

    void moreNeverNeedsLess()
    {
        QFETCH(QString, config);
        const Qwen3Shape shape = shapeOf(shippedTier(QTest::currentDataTag()));
        const TrainingConfig start = shippedConfig(config.toStdString());
        const auto grows = [&](const char* what, const auto& change) {
            std::uint64_t last = 0;
            for (std::int64_t factor = 1; factor <= 64; factor *= 2) {
                TrainingConfig larger = start;
                change(larger, factor);
                const std::uint64_t peak = planMemory(larger, shape).peak();
                QVERIFY2(peak >= last, what);
                last = peak;
            }
        };
        grows("context", [](TrainingConfig& to, std::int64_t f) { to.data.cutoff_len = 129 * f; });
        grows("batch", [](TrainingConfig& to, std::int64_t f) {
            to.batch.per_device_train_batch_size = 8 * f;
        });
        grows("rank", [](TrainingConfig& to, std::int64_t f) { to.adapter.lora_rank = 4 * f; });
        grows("rows", [](TrainingConfig& to, std::int64_t f) { to.batch.rollout_rows = f; });
        grows("chunk",
            [](TrainingConfig& to, std::int64_t f) { to.memory.logprob_chunk_tokens = 64 * f; });
        grows("tokens at a time",
            [](TrainingConfig& to, std::int64_t f) { to.memory.micro_batch_tokens = 512 * f; });
        TrainingConfig packed = start;
        packed.memory.gradient_checkpointing = true;
        QVERIFY(planMemory(packed, shape).peak() <= planMemory(start, shape).peak());
    }

    void largestFit_isTheLastThatFits_data() { moreNeverNeedsLess_data(); }

    void largestFit_isTheLastThatFits()
    {
        QFETCH(QString, config);
        const Qwen3Shape shape = shapeOf(shippedTier(QTest::currentDataTag()));
        const TrainingConfig start = shippedConfig(config.toStdString());
        const std::uint64_t memory = planMemory(start, shape).peak() * 3 / 2;
        const LargestFit largest = largestFit(start, shape, memory);
        const auto peak = [&](const auto& change) {
            TrainingConfig changed = start;
            change(changed);
            return planMemory(changed, shape).peak();
        };
        QVERIFY(largest.batch && largest.context && largest.rank);
        QVERIFY(*largest.batch >= start.batch.per_device_train_batch_size);
        const auto batch = [](std::int64_t value) {
            return [value](TrainingConfig& to) { to.batch.per_device_train_batch_size = value; };
        };
        QVERIFY(peak(batch(*largest.batch)) <= memory);
        TrainingConfig whole = start;
        whole.batch.per_device_train_batch_size = *largest.batch;
        QCOMPARE(generationBatchSize(whole) % start.batch.num_generations, std::int64_t{ 0 });
        QVERIFY(*largest.batch >= 4089 || peak(batch(*largest.batch + 8)) > memory);
        const auto context = [](std::int64_t value) {
            return [value](TrainingConfig& to) { to.data.cutoff_len = value; };
        };
        QVERIFY(peak(context(*largest.context)) <= memory);
        QVERIFY(*largest.context == shape.max_position_embeddings
            || peak(context(*largest.context + 1)) > memory);
        const auto rank = [](std::int64_t value) {
            return [value](TrainingConfig& to) { to.adapter.lora_rank = value; };
        };
        QVERIFY(peak(rank(*largest.rank)) <= memory);
        QVERIFY(*largest.rank == 1024 || peak(rank(*largest.rank + 1)) > memory);
        const LargestFit none = largestFit(start, shape, 1000);
        QVERIFY(!none.batch && !none.context && !none.rank);
    }

    void proposals_areTheGentlestThatFit()
    {
        const Tier tier = shippedTier("nano");
        const Qwen3Shape shape = shapeOf(tier);
        const TrainingConfig config = shippedConfig(tier.config_file);
        const std::uint64_t need = planMemory(config, shape).peak();
        QVERIFY(proposalsFor(config, shape, need).empty());
        QVERIFY(proposalsFor(config, shape, 1000).empty());
        const auto slightly = proposalsFor(config, shape, need - 1);
        QVERIFY(!slightly.empty());
        QCOMPARE(slightly.front().fix.edits.size(), std::size_t{ 1 }); // fewer tokens at a time
        QCOMPARE(slightly.front().fix.edits.front(), (Edit{ "micro_batch_tokens", "2048" }));
        QVERIFY(slightly.front().cost.find("same result") != std::string::npos);
        for (const Proposal& proposal : slightly) {
            QVERIFY(proposal.peak < need);
            QVERIFY(!proposal.fix.label.empty() && !proposal.cost.empty());
            QCOMPARE(
                planMemory(withEdits(config, proposal.fix.edits), shape).peak(), proposal.peak);
        }
        // below the bfloat16 weights only 4 bits help
        const auto packed = proposalsFor(config, shape, 1'300'000'000);
        QVERIFY(!packed.empty());
        QVERIFY(std::ranges::count(packed.front().fix.edits, Edit{ "quantization", "4bit" }) == 1);
        TrainingConfig full = config;
        full.adapter.finetuning_type = FinetuningType::full;
        for (const Proposal& proposal : proposalsFor(full, shape, 12_GB))
            QVERIFY(std::ranges::count(proposal.fix.edits, Edit{ "quantization", "4bit" }) == 0);
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

    void fit_saysWhatItTakes()
    {
        MemoryPlan plan;
        plan.in(PlanPhase::update).weights = 8_GB;
        const Qwen3Shape small = publicShape("0.6B");
        const Qwen3Shape large = publicShape("4B");
        QCOMPARE(fitOf(plan, {}, small, 8_GB), Fit::runs);
        QCOMPARE(fitOf(plan, {}, large, 8_GB), Fit::runs_slowly);
        QCOMPARE(fitOf(plan, {}, large, 8_GB - 1), Fit::too_large);
        Proposal proposal;
        proposal.fix.edits = { { "gradient_checkpointing", "true" } };
        QCOMPARE(fitOf(plan, { proposal }, large, 8_GB - 1), Fit::with_changes);
        proposal.fix.edits.push_back({ "quantization", "4bit" });
        QCOMPARE(fitOf(plan, { proposal }, large, 8_GB - 1), Fit::four_bit_only);
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

    void amounts_areReadAsPeopleWriteThem_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<quint64>("bytes"); // 0: refused
        QTest::newRow("8GB") << "8GB" << quint64(8'000'000'000);
        QTest::newRow("spaces") << " 8 GB " << quint64(0);
        QTest::newRow("space") << "8 GB" << quint64(8'000'000'000);
        QTest::newRow("lower") << "1.5gb" << quint64(1'500'000'000);
        QTest::newRow("binary") << "2GiB" << quint64(2'147'483'648);
        QTest::newRow("short") << "800M" << quint64(800'000'000);
        QTest::newRow("bytes") << "123456" << quint64(123'456);
        QTest::newRow("words") << "lots" << quint64(0);
        QTest::newRow("negative") << "-8GB" << quint64(0);
        QTest::newRow("unit") << "8QB" << quint64(0);
        QTest::newRow("huge") << "1e30GB" << quint64(0);
        QTest::newRow("nan") << "nan" << quint64(0);
        QTest::newRow("empty") << "" << quint64(0);
    }

    void amounts_areReadAsPeopleWriteThem()
    {
        QFETCH(QString, text);
        QFETCH(quint64, bytes);
        QCOMPARE(quint64(parseBytes(text.toStdString()).value_or(0)), bytes);
    }
};

QTEST_GUILESS_MAIN(TestMemoryPlan)
#include "tst_memory_plan.moc"
