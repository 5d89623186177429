#include "core/plan/fit.h"
#include "tests/core/plan_samples.h"

#include <QTest>

#include <algorithm>
#include <functional>
#include <vector>

using namespace zen;
using namespace zen::test;

class TestMemoryFit : public QObject {
    Q_OBJECT

private Q_SLOTS:
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

    void everyLeverPulled_needsTheLeast_data() { moreNeverNeedsLess_data(); }

    /// proposalsFor() gives up where the plan with every lever pulled does not fit.
    void everyLeverPulled_needsTheLeast()
    {
        QFETCH(QString, config);
        const Qwen3Shape shape = shapeOf(shippedTier(QTest::currentDataTag()));
        const TrainingConfig start = shippedConfig(config.toStdString());
        const TrainingConfig resolved = resolve(start);
        // each lever from where it stands to its end, in steps
        const std::vector<std::function<void(TrainingConfig&)>> tokens{ [](TrainingConfig&) {},
            [&](TrainingConfig& to) {
                to.memory.micro_batch_tokens = std::max<std::int64_t>(
                    resolved.data.cutoff_len, *resolved.memory.micro_batch_tokens / 2);
            },
            [&](TrainingConfig& to) { to.memory.micro_batch_tokens = resolved.data.cutoff_len; } };
        const std::vector<std::function<void(TrainingConfig&)>> rows{ [](TrainingConfig&) {},
            [&](TrainingConfig& to) {
                to.batch.rollout_rows = std::max<std::int64_t>(
                    1, std::min(generationBatchSize(resolved), rowsAtOnce(resolved)) / 2);
            },
            [](TrainingConfig& to) { to.batch.rollout_rows = 1; } };
        const std::vector<std::function<void(TrainingConfig&)>> logits{ [](TrainingConfig&) {},
            [](TrainingConfig& to) { to.memory.logprob_chunk_tokens = 64; } };
        const std::vector<std::function<void(TrainingConfig&)>> again{ [](TrainingConfig&) {},
            [](TrainingConfig& to) { to.memory.gradient_checkpointing = true; } };
        const auto pack = [&](TrainingConfig& to, bool nested) {
            if (to.memory.quantization != Quantization::nf4
                && to.memory.bnb_4bit_compute_dtype == WeightType::automatic)
                to.memory.bnb_4bit_compute_dtype = WeightType::bfloat16;
            to.memory.quantization = Quantization::nf4;
            to.memory.load_in_4bit = true;
            to.memory.bnb_4bit_use_double_quant |= nested;
        };
        const std::vector<std::function<void(TrainingConfig&)>> bits{ [](TrainingConfig&) {},
            [&](TrainingConfig& to) { pack(to, false); },
            [&](TrainingConfig& to) { pack(to, true); } };
        std::uint64_t floor = ~std::uint64_t{ 0 };
        for (const auto& packed : bits) { // these may need more than they save, in a small model
            TrainingConfig least = start;
            for (const auto* lever : { &tokens, &rows, &logits, &again })
                lever->back()(least);
            packed(least);
            const std::uint64_t peak = planMemory(least, shape).peak();
            floor = std::min(floor, peak);
            for (const auto& a : tokens)
                for (const auto& b : rows)
                    for (const auto& c : logits)
                        for (const auto& d : again) {
                            TrainingConfig changed = start;
                            for (const auto* pull : { &a, &b, &c, &d, &packed })
                                (*pull)(changed);
                            QVERIFY(planMemory(changed, shape).peak() >= peak);
                        }
        }
        QVERIFY(proposalsFor(start, shape, floor - 1).empty());
        if (planMemory(start, shape).peak() > floor) {
            const auto proposals = proposalsFor(start, shape, floor);
            QVERIFY(!proposals.empty());
            QVERIFY(proposals.front().peak <= floor);
        }
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
};

QTEST_GUILESS_MAIN(TestMemoryFit)
#include "tst_memory_fit.moc"
