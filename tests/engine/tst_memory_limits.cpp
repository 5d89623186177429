#include "core/runs/run_folder.h"
#include "core/train/checkpoint_store.h"
#include "core/train/policy_objective.h"
#include "limited_memory.h"
#include "tiny_run.h"

#include <QTemporaryDir>
#include <QTest>

#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>
#include <new>

using namespace zen;
using namespace zen::test;

namespace {

TrainingConfig updateConfig()
{
    TrainingConfig config;
    config.adapter.lora_rank = 4;
    config.data.cutoff_len = 64;
    config.batch.per_device_train_batch_size = 8;
    config.batch.num_generations = 8;
    config.batch.steps_per_generation = 2;
    config.memory.dtype = WeightType::float32;
    config.memory.num_threads = 1;
    return resolve(config);
}

/// A policy with an adapter that already says something, and what an update needs around it.
struct Bench {
    explicit Bench(const TrainingConfig& config, const Qwen3Shape& shape = tinyShape(300))
        : reporter(sink)
        , context{ config, std::move(*randomPolicy(config, shape)), {}, {}, false, control,
            reporter }
    {
        std::uint64_t seed = 3;
        for (at::Tensor parameter : context.policy.model.trainableParameters()) {
            const at::NoGradGuard no_grad;
            at::manual_seed(seed++);
            parameter.copy_(at::randn_like(parameter).mul(0.1));
        }
    }

    /// Gradients of a step on these rows, end to end.
    at::Tensor gradients(const std::vector<RolloutRow>& rows)
    {
        for (at::Tensor parameter : context.policy.model.trainableParameters())
            parameter.mutable_grad() = at::Tensor();
        PolicyObjective objective(context, {});
        outcome = objective.learn(rows, 1);
        std::vector<at::Tensor> flat;
        for (const at::Tensor& parameter : context.policy.model.trainableParameters())
            flat.push_back(parameter.grad().reshape({ -1 }).clone());
        return at::cat(flat);
    }

    std::string warnings() const
    {
        std::string text;
        for (const LogLine& line : sink.all<LogLine>())
            text += line.text + "\n";
        return text;
    }

    RecordingSink sink;
    Reporter reporter;
    RunControl control;
    RunContext context;
    StepOutcome outcome;
};

/// Rows of made-up ids; the old policy differs a little from the new one.
std::vector<RolloutRow> madeUpRows(const std::vector<std::pair<int, int>>& lengths)
{
    std::vector<RolloutRow> rows;
    std::int64_t next = 0;
    for (const auto& [prompt, completion] : lengths) {
        RolloutRow row;
        for (int i = 0; i < prompt; ++i)
            row.prompt_ids.push_back(++next * 37 % 300);
        for (int i = 0; i < completion; ++i) {
            row.completion_ids.push_back(++next * 53 % 300);
            row.old_logprobs.push_back(-5.7F + 0.01F * static_cast<float>(i % 5));
            row.reference_logprobs.push_back(-5.6F);
        }
        row.advantage = rows.size() % 2 == 0 ? 1.25 : -0.5;
        row.masked = rows.size() == 4;
        rows.push_back(std::move(row));
    }
    return rows;
}

double largest(const at::Tensor& tensor)
{
    return tensor.abs().max().item<double>();
}

const std::vector<std::pair<int, int>> kUneven = { { 5, 20 }, { 9, 3 }, { 2, 50 }, { 30, 8 },
    { 7, 7 }, { 14, 31 }, { 3, 1 }, { 20, 40 }, { 6, 12 }, { 8, 25 }, { 4, 4 }, { 11, 16 } };
const std::vector<std::pair<int, int>> kEven(8, { 24, 40 });

} // namespace

class TestMemoryLimits : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    fs::path m_root;

    TrainingConfig runInto(const char* name)
    {
        TrainingConfig config = tinyConfig(m_root);
        config.run.output_dir = (m_root / name).string();
        config.batch.steps_per_generation = 2; // so that a generation batch is under way
        config.run.save_steps = 0;
        return config;
    }
    /// With four rows held out, each with a reference answer.
    TrainingConfig evaluated(const char* name)
    {
        TrainingConfig config = runInto(name);
        config.data.val_size = 4;
        config.optimizer.max_steps = 3;
        return config;
    }
    /// Nearly all memory is taken from the phase of the step on, until the run saves: what the
    /// phase held is free again then.
    static auto noneLeftIn(Phase where, std::int64_t step)
    {
        return [where, step](const Event& event, RunControl&) {
            const auto* phase = std::get_if<PhaseChanged>(&event);
            if (phase == nullptr)
                return;
            if (phase->phase == where && phase->step == step)
                memoryCount().limit = memoryCount().live + 2000;
            if (phase->phase == Phase::saving)
                LimitedMemory::lift();
        };
    }
    static std::string adapterOf(const TrainingConfig& config)
    {
        return bytesOf(fs::path(config.run.output_dir) / "adapter" / "adapter_model.safetensors");
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_root = m_folder.path().toStdString();
        const std::string problem = writeTinyModel(m_root / "model");
        QVERIFY2(problem.empty(), problem.c_str());
        writeRows(m_root / "rows.jsonl", 64);
    }
    void cleanup() { LimitedMemory::lift(); }

    void parts_holdTheBudgetWithPadding()
    {
        using Ends = std::vector<std::size_t>;
        const std::vector<std::int64_t> lengths = { 3, 4, 5, 10, 2, 30, 1 };
        QCOMPARE(cutByTokens(lengths, 1000, 100), (Ends{ 7 }));
        QCOMPARE(cutByTokens(lengths, 1000, 3), (Ends{ 3, 6, 7 }));
        QCOMPARE(cutByTokens(lengths, 15, 100), (Ends{ 3, 4, 5, 6, 7 })); // 30 stands alone
        QCOMPARE(cutByTokens(lengths, 20, 100), (Ends{ 3, 5, 6, 7 }));
        QCOMPARE(cutByTokens(lengths, 1, 100), (Ends{ 1, 2, 3, 4, 5, 6, 7 }));
        QCOMPARE(cutByTokens({}, 10, 10), Ends{});
    }

    void parts_giveTheSameLossAndGradients_data()
    {
        QTest::addColumn<int>("loss_type");
        QTest::addColumn<int>("level");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<double>("dropout");
        const auto add = [](const char* name, LossType type, ImportanceLevel level, int tokens,
                             double dropout = 0) {
            QTest::newRow(name) << static_cast<int>(type) << static_cast<int>(level) << tokens
                                << dropout;
        };
        add("grpo by token", LossType::grpo, ImportanceLevel::token, 100);
        add("gspo", LossType::grpo, ImportanceLevel::sequence, 100);
        add("gspo, row by row", LossType::grpo, ImportanceLevel::sequence, 1);
        add("dapo", LossType::dapo, ImportanceLevel::token, 130);
        add("dr_grpo", LossType::dr_grpo, ImportanceLevel::token, 70);
        add("bnpo", LossType::bnpo, ImportanceLevel::token, 100);
        add("dropout", LossType::grpo, ImportanceLevel::token, 100, 0.25);
        add("dropout, row by row", LossType::bnpo, ImportanceLevel::sequence, 1, 0.25);
    }

    void parts_giveTheSameLossAndGradients()
    {
        QFETCH(int, loss_type);
        QFETCH(int, level);
        QFETCH(int, tokens);
        QFETCH(double, dropout);
        TrainingConfig config = updateConfig();
        config.adapter.lora_dropout = dropout;
        config.algorithm.loss_type = static_cast<LossType>(loss_type);
        config.algorithm.importance_sampling_level = static_cast<ImportanceLevel>(level);
        config.algorithm.epsilon = config.algorithm.epsilon_high = 0.2;
        config.algorithm.beta = 0.04;
        const std::vector<RolloutRow> rows = madeUpRows(kUneven);
        Bench whole(config);
        const at::Tensor expected = whole.gradients(rows);
        config.memory.micro_batch_tokens = tokens;
        Bench parts(config);
        const at::Tensor gradients = parts.gradients(rows);

        QVERIFY(largest(expected) > 1e-4);
        const double error = largest(gradients - expected) / largest(expected);
        QVERIFY2(error < 1e-5, qPrintable(QString::number(error)));
        QVERIFY(std::abs(parts.outcome.loss - whole.outcome.loss) < 1e-6);
        QCOMPARE(parts.outcome.update_tokens, whole.outcome.update_tokens);
        for (const auto& [name, value] : whole.outcome.metrics)
            QVERIFY2(std::abs(parts.outcome.metrics.at(name) - value) < 1e-4 * std::max(1.0, value),
                name.c_str());
    }

    void parts_needLessMemory()
    {
        const std::vector<RolloutRow> rows = madeUpRows(kEven);
        const LimitedMemory memory;
        std::map<std::int64_t, std::int64_t> peaks;
        for (const std::int64_t tokens : { 512, 128 }) {
            TrainingConfig config = updateConfig();
            config.memory.micro_batch_tokens = tokens;
            Bench bench(config);
            bench.gradients(rows); // also the gradients' own memory
            peaks[tokens] = LimitedMemory::peakOf([&] { bench.gradients(rows); });
        }
        QVERIFY2(peaks[128] < peaks[512] / 2,
            qPrintable(QStringLiteral("%1, %2").arg(peaks[128]).arg(peaks[512])));
    }

    void checkpointing_givesTheSameBits_data()
    {
        QTest::addColumn<double>("dropout");
        QTest::newRow("plain") << 0.0;
        QTest::newRow("dropout") << 0.25;
    }

    void checkpointing_givesTheSameBits()
    {
        QFETCH(double, dropout);
        TrainingConfig config = updateConfig();
        config.adapter.lora_dropout = dropout;
        const std::vector<RolloutRow> rows = madeUpRows(kUneven);
        const LimitedMemory memory;
        std::vector<at::Tensor> gradients;
        std::vector<std::int64_t> peaks;
        for (const bool checkpointing : { false, true }) {
            config.memory.gradient_checkpointing = checkpointing;
            Bench bench(config);
            peaks.push_back(
                LimitedMemory::peakOf([&] { gradients.push_back(bench.gradients(rows)); }));
        }
        QVERIFY(largest(gradients[0]) > 1e-4);
        QVERIFY(gradients[0].equal(gradients[1]));
        QVERIFY(peaks[1] < peaks[0]);
    }

    void outOfMemory_isRecognised()
    {
        const auto recognised = [](const auto& work) {
            try {
                work();
            } catch (const std::exception& error) {
                return isOutOfMemory(error);
            }
            return false;
        };
        // more than the address space has
        QVERIFY(recognised([] { (void)at::empty({ std::int64_t{ 1 } << 50 }, at::kFloat); }));
        QVERIFY(recognised([] { throw std::bad_alloc(); }));
        QVERIFY(recognised([] { throw c10::OutOfMemoryError(c10::SourceLocation{}, "on a GPU"); }));
        QVERIFY(!recognised([] { (void)at::mm(at::ones({ 2, 3 }), at::ones({ 2, 3 })); }));
        QVERIFY(!recognised([] { throw std::runtime_error("disk full"); }));
    }

    void outOfMemory_isRetriedWithHalf()
    {
        const std::vector<RolloutRow> rows = madeUpRows(kEven);
        TrainingConfig config = updateConfig();
        const LimitedMemory memory;
        config.memory.micro_batch_tokens = 256;
        Bench half(config);
        at::Tensor expected;
        half.gradients(rows);
        const std::int64_t needed = LimitedMemory::peakOf([&] { expected = half.gradients(rows); });

        config.memory.micro_batch_tokens.reset();
        Bench full(resolve(config));
        full.gradients(rows); // succeeds without a limit
        QVERIFY(full.warnings().empty());
        QVERIFY(LimitedMemory::peakOf([&] { full.gradients(rows); }) > needed * 3 / 2);
        memoryCount().limit = memoryCount().live + needed * 5 / 4;
        const at::Tensor gradients = full.gradients(rows);
        LimitedMemory::lift();

        QVERIFY(gradients.equal(expected));
        QCOMPARE(full.outcome.loss, half.outcome.loss);
        QCOMPARE(full.outcome.update_tokens, half.outcome.update_tokens);
        QVERIFY2(full.warnings().find("at most 256 tokens") != std::string::npos,
            full.warnings().c_str());
    }

    void outOfMemory_inTheMiddleOfARun_changesNothingElse()
    {
        const TrainingConfig undisturbed = runInto("undisturbed");
        RecordingSink sink;
        QCOMPARE(runTiny(undisturbed, sink), std::string());

        const TrainingConfig config = runInto("short-of-memory");
        RecordingSink disturbed;
        const LimitedMemory memory;
        bool done = false;
        const std::string problem
            = runTiny(config, disturbed, [&](const Event& event, RunControl&) {
                  const auto* phase = std::get_if<PhaseChanged>(&event);
                  if (phase != nullptr && phase->phase == Phase::generating && phase->step == 3
                      && !done) {
                      memoryCount().refuse = 1;
                      done = true;
                  }
              });
        QCOMPARE(problem, std::string());
        const auto lines = disturbed.all<LogLine>();
        QVERIFY(std::any_of(lines.begin(), lines.end(), [](const LogLine& line) {
            return line.text.find("memory ran out in the rollout") != std::string::npos;
        }));
        QCOMPARE(disturbed.all<StepFinished>().size(), sink.all<StepFinished>().size());
        QCOMPARE(adapterOf(config), adapterOf(undisturbed));
    }

    void dropoutOfAMixture_dependsOnTheRowNotOnThePart()
    {
        TrainingConfig config = updateConfig();
        config.adapter.lora_dropout = 0.25;
        config.adapter.lora_target = { "all", "gate_proj", "up_proj", "down_proj" };
        const std::vector<RolloutRow> rows = madeUpRows(kUneven);
        Bench whole(config, tinyMixture(300));
        const at::Tensor expected = whole.gradients(rows);
        config.memory.micro_batch_tokens = 100;
        Bench parts(config, tinyMixture(300));
        const double error = largest(parts.gradients(rows) - expected) / largest(expected);
        QVERIFY2(error < 1e-5, qPrintable(QString::number(error)));
    }

    void outOfMemoryWhileEvaluating_isRetriedWithHalf_data()
    {
        QTest::addColumn<int>("stage"); // without rewards only the reference texts are read
        QTest::addColumn<QString>("says");
        QTest::newRow("answers") << static_cast<int>(Stage::grpo)
                                 << QStringLiteral("completions at a time");
        QTest::newRow("reference texts")
            << static_cast<int>(Stage::sft) << QStringLiteral("tokens at a time");
    }

    void outOfMemoryWhileEvaluating_isRetriedWithHalf()
    {
        QFETCH(int, stage);
        QFETCH(QString, says);
        TrainingConfig config = evaluated("evaluated");
        config.run.overwrite_output_dir = true;
        config.algorithm.stage = static_cast<Stage>(stage);
        if (config.algorithm.stage == Stage::sft)
            config.algorithm.rewards.clear();
        RecordingSink undisturbed;
        QCOMPARE(runTiny(config, undisturbed), std::string());
        RecordingSink disturbed;
        const LimitedMemory memory;
        bool done = false;
        const std::string problem
            = runTiny(config, disturbed, [&](const Event& event, RunControl&) {
                  const auto* phase = std::get_if<PhaseChanged>(&event);
                  if (phase != nullptr && phase->phase == Phase::evaluating && !done) {
                      memoryCount().refuse = 1;
                      done = true;
                  }
              });
        QCOMPARE(problem, std::string());
        const auto lines = disturbed.all<LogLine>();
        QVERIFY(std::any_of(lines.begin(), lines.end(), [&](const LogLine& line) {
            const QString text = QString::fromStdString(line.text);
            return text.contains(QStringLiteral("memory ran out in the evaluation after step 0"))
                && text.contains(says);
        }));
        const auto before = undisturbed.all<EvaluationFinished>(),
                   after = disturbed.all<EvaluationFinished>();
        QCOMPARE(after.size(), before.size());
        QVERIFY(before[0].metrics.contains("eval/loss"));
        QCOMPARE(before[0].metrics.contains("eval/reward"), stage == static_cast<int>(Stage::grpo));
        QCOMPARE(after[0].metrics.size(), before[0].metrics.size());
        for (const auto& [name, value] : before[0].metrics)
            QVERIFY2(std::abs(after[0].metrics.at(name) - value) < 1e-5 * std::max(1.0, value),
                name.c_str());
        QVERIFY(after.back().metrics == before.back().metrics);
    }

    void outOfMemoryWhileEvaluating_belowOneRow_stopsWithTableAndCheckpoint()
    {
        TrainingConfig config = evaluated("evaluation-too-large");
        config.run.eval_strategy = EvalStrategy::steps;
        config.run.eval_steps = 2;
        RecordingSink sink;
        const LimitedMemory memory;
        const std::string problem = runTiny(config, sink, noneLeftIn(Phase::evaluating, 2));
        for (const char* part : { "memory ran out in the evaluation after step 2",
                 "even with one completion at a time", "planned", "cutoff_len" })
            QVERIFY2(problem.find(part) != std::string::npos, problem.c_str());
        const auto snapshot = readCheckpoint(sink.all<RunFailed>().front().checkpoint);
        QVERIFY(snapshot);
        QCOMPARE(snapshot->state.step, std::int64_t{ 2 });
    }

    void outOfMemoryWhileSavingToo_keepsTheTable()
    {
        RecordingSink sink;
        const LimitedMemory memory;
        const std::string problem
            = runTiny(runInto("nothing-left"), sink, [](const Event& event, RunControl&) {
                  const auto* phase = std::get_if<PhaseChanged>(&event);
                  if (phase != nullptr && phase->phase == Phase::updating && phase->step == 2)
                      memoryCount().limit = memoryCount().live.load(); // and it stays so
              });
        for (const char* part : { "memory ran out in the update of step 2", "planned" })
            QVERIFY2(problem.find(part) != std::string::npos, problem.c_str());
        const auto lines = sink.all<LogLine>();
        QVERIFY(std::any_of(lines.begin(), lines.end(), [](const LogLine& line) {
            return line.text.find("no checkpoint could be saved") != std::string::npos;
        }));
    }

    void outOfMemoryBelowOneRow_stopsWithTableAndCheckpoint_data()
    {
        QTest::addColumn<int>("stage");
        QTest::newRow("grpo") << static_cast<int>(Stage::grpo);
        QTest::newRow("sft") << static_cast<int>(Stage::sft);
    }

    void outOfMemoryBelowOneRow_stopsWithTableAndCheckpoint()
    {
        QFETCH(int, stage);
        const bool sft = static_cast<Stage>(stage) == Stage::sft;
        TrainingConfig undisturbed = runInto(sft ? "whole-sft" : "whole");
        undisturbed.algorithm.stage = static_cast<Stage>(stage);
        RecordingSink whole;
        QCOMPARE(runTiny(undisturbed, whole), std::string());

        TrainingConfig config = undisturbed;
        config.run.output_dir = (m_root / (sft ? "stopped-sft" : "stopped")).string();
        RecordingSink sink;
        {
            const LimitedMemory memory;
            const std::string problem = runTiny(config, sink, noneLeftIn(Phase::updating, 4));
            QVERIFY2(problem.find("memory ran out in the update of step 4") != std::string::npos,
                problem.c_str());
            for (const char* part :
                { "planned", "activations", "together", "cutoff_len", "gradient_checkpointing" })
                QVERIFY2(problem.find(part) != std::string::npos, problem.c_str());
        }
        const RunFailed failed = sink.all<RunFailed>().front();
        QVERIFY(!failed.checkpoint.empty());
        const auto snapshot = readCheckpoint(failed.checkpoint);
        QVERIFY(snapshot);
        QCOMPARE(snapshot->state.step, std::int64_t{ 3 });

        config.run.resume_from_checkpoint = "latest";
        RecordingSink resumed;
        QCOMPARE(runTiny(config, resumed), std::string());
        QCOMPARE(adapterOf(config), adapterOf(undisturbed));
    }
};

QTEST_GUILESS_MAIN(TestMemoryLimits)
#include "tst_memory_limits.moc"
