#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"
#include "tiny_run.h"

#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>

#include <cmath>
#include <csignal>

using namespace zen;
using namespace zen::test;

namespace {

double meanReward(const std::vector<StepFinished>& steps, std::size_t begin, std::size_t end)
{
    double sum = 0;
    for (std::size_t index = begin; index < end; ++index)
        sum += steps[index].metrics.at("reward");
    return sum / static_cast<double>(end - begin);
}

} // namespace

class TestTrainer : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    fs::path m_root;
    int m_runs = 0;

    /// A run of its own folder on the shared model and rows.
    TrainingConfig fresh()
    {
        TrainingConfig config = tinyConfig(m_root);
        config.run.output_dir = (m_root / ("run" + std::to_string(m_runs++))).string();
        return config;
    }

    /// Enough rollouts a step for the learning test.
    TrainingConfig learning(Stage stage)
    {
        TrainingConfig config = fresh();
        config.algorithm.stage = stage;
        config.adapter.finetuning_type = FinetuningType::full;
        config.batch.per_device_train_batch_size = 32;
        config.batch.num_generations = 8;
        config.batch.steps_per_generation = stage == Stage::gspo ? 2 : 1;
        config.optimizer.max_steps = stage == Stage::gspo ? 40 : 20;
        config.optimizer.learning_rate = 1e-2;
        config.optimizer.lr_scheduler_type = SchedulerType::constant;
        if (stage == Stage::gspo) {
            config.algorithm.epsilon = 0.05;
            config.algorithm.epsilon_high = 0.05;
        }
        return config;
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_root = m_folder.path().toStdString();
        const std::string problem = writeTinyModel(m_root / "model");
        QVERIFY2(problem.empty(), problem.c_str());
        writeRows(m_root / "rows.jsonl", 64);
    }

    void reward_risesWithTraining_data()
    {
        QTest::addColumn<int>("stage");
        QTest::newRow("grpo") << static_cast<int>(Stage::grpo);
        QTest::newRow("gspo") << static_cast<int>(Stage::gspo);
    }

    void reward_risesWithTraining()
    {
        QFETCH(int, stage);
        RecordingSink sink;
        const std::string problem = runTiny(learning(static_cast<Stage>(stage)), sink);
        QVERIFY2(problem.empty(), problem.c_str());
        const auto steps = sink.all<StepFinished>();
        const std::size_t tail = steps.size() / 5;
        const double first = meanReward(steps, 0, tail);
        const double last = meanReward(steps, steps.size() - tail, steps.size());
        QVERIFY2(first < 0.5, std::to_string(first).c_str());
        QVERIFY2(last > 0.8, (std::to_string(first) + " -> " + std::to_string(last)).c_str());
        const RunFinished finished = sink.all<RunFinished>().front();
        QVERIFY(*finished.reward_last > *finished.reward_first);
    }

    void shuffledRewards_doNotTeach()
    {
        RecordingSink sink;
        const std::string problem = runTiny(learning(Stage::grpo), sink, {}, true);
        QVERIFY2(problem.empty(), problem.c_str());
        const auto steps = sink.all<StepFinished>();
        const double first = meanReward(steps, 0, 4);
        const double last = meanReward(steps, steps.size() - 4, steps.size());
        QVERIFY2(
            last < first + 0.2, (std::to_string(first) + " -> " + std::to_string(last)).c_str());
    }

    void step_carriesTheMetrics()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 2;
        config.algorithm.beta = 0.01;
        RecordingSink sink;
        const std::string problem = runTiny(config, sink);
        QVERIFY2(problem.empty(), problem.c_str());
        const Metrics metrics = sink.all<StepFinished>().front().metrics;
        for (const char* name :
            { "loss", "grad_norm", "learning_rate", "reward", "reward_std", "frac_reward_zero_std",
                "rewards/letter/mean", "rewards/letter/std", "completions/mean_length",
                "completions/min_length", "completions/max_length", "completions/clipped_ratio",
                "completions/mean_terminated_length", "entropy", "kl", "clip_ratio/region_mean",
                "clip_ratio/low_mean", "clip_ratio/high_mean", "policy/nll", "policy/ppl",
                "num_tokens", "step_time", "speed/rollout_tokens_per_second",
                "speed/update_tokens_per_second", "memory/peak_bytes" })
            QVERIFY2(metrics.contains(name), name);
        QVERIFY(std::abs(metrics.at("policy/ppl") - std::exp(metrics.at("policy/nll"))) < 1e-9);
        QVERIFY(std::abs(metrics.at("kl")) < 1e-6); // the adapter starts as nothing
        // On-policy at temperature 1 with a fresh random model: nearly uniform over the vocabulary.
        QVERIFY(std::abs(metrics.at("entropy") - std::log(282)) < 0.2);
        QCOMPARE(metrics.at("clip_ratio/region_mean"), 0.0);
        QCOMPARE(metrics.at("learning_rate"), 1e-2);
        QCOMPARE(sink.all<StepFinished>().back().metrics.at("learning_rate"), 5e-3);
    }

    void runFolder_holdsEverything()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 2;
        config.data.val_size = 4;
        RecordingSink sink;
        TrainerOptions options;
        options.config = config;
        options.config_yaml = "# my comment\nstage: grpo\n";
        auto job = createTrainer(options);
        QVERIFY2(job.has_value(), job ? "" : job.error().message.c_str());
        RunControl control;
        (*job)->run(control, sink);
        QVERIFY2(sink.failure().empty(), sink.failure().c_str());
        const fs::path folder = config.run.output_dir;
        QCOMPARE(bytesOf(folder / "config.yaml"), options.config_yaml);
        for (const char* name : { "events.jsonl", "completions.jsonl", "console.log",
                 "summary.json", "checkpoints/step-00000002/manifest.json",
                 "adapter/adapter_config.json", "adapter/adapter_model.safetensors" })
            QVERIFY2(fs::exists(folder / name), name);
        const auto logged = readEvents(folder / "events.jsonl");
        std::size_t steps = 0;
        for (const Event& event : logged)
            steps += std::holds_alternative<StepFinished>(event) ? 1 : 0;
        QCOMPARE(steps, std::size_t{ 2 });
        QVERIFY(std::holds_alternative<RunFinished>(logged.back()));
        QVERIFY(std::holds_alternative<RunFinished>(sink.events.back()));
        const auto summary = readSummary({ folder });
        QVERIFY(summary.has_value());
        QCOMPARE(summary->steps, 2);
        QCOMPARE(summary->status, std::string("completed"));
        const auto evaluations = sink.all<EvaluationFinished>();
        QCOMPARE(evaluations.size(), std::size_t{ 2 });
        QCOMPARE(evaluations[0].step, 0);
        QCOMPARE(evaluations[1].step, 2);
        QCOMPARE(evaluations[0].metrics.at("eval/rows"), 4.0);
        QVERIFY(evaluations[0].metrics.contains("eval/ppl_base"));
        QVERIFY(!evaluations[1].metrics.contains("eval/ppl_base"));
        QCOMPARE(evaluations[0].metrics.at("eval/ppl"), evaluations[0].metrics.at("eval/ppl_base"));
    }

    void sameSeed_sameRun_otherSeed_otherRun()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 3;
        RecordingSink first, second, other;
        QVERIFY(runTiny(config, first).empty());
        const std::string bytes
            = bytesOf(fs::path(config.run.output_dir) / "adapter/adapter_model.safetensors");
        config.run.output_dir += "-again";
        QVERIFY(runTiny(config, second).empty());
        QVERIFY(bytes
            == bytesOf(fs::path(config.run.output_dir) / "adapter/adapter_model.safetensors"));
        config.run.output_dir += "-other";
        config.run.seed = 8;
        QVERIFY(runTiny(config, other).empty());
        QVERIFY(bytes
            != bytesOf(fs::path(config.run.output_dir) / "adapter/adapter_model.safetensors"));
    }

    void accumulation_doesNotChangeTheStep()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 2;
        RecordingSink whole, parts;
        QVERIFY(runTiny(config, whole).empty());
        config.run.output_dir += "-parts";
        config.batch.per_device_train_batch_size = 2;
        config.batch.gradient_accumulation_steps = 4;
        config.batch.steps_per_generation = 4;
        QVERIFY(runTiny(config, parts).empty());
        const auto a = whole.all<StepFinished>(), b = parts.all<StepFinished>();
        for (const char* name : { "loss", "grad_norm", "reward", "entropy", "policy/nll" })
            QVERIFY2(std::abs(a[0].metrics.at(name) - b[0].metrics.at(name))
                    < 1e-4 * (1 + std::abs(a[0].metrics.at(name))),
                name);
    }

    void pauseAndResume_changeNothing()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 3;
        RecordingSink plain, paused;
        QVERIFY(runTiny(config, plain).empty());
        config.run.output_dir += "-paused";
        bool was_paused = false;
        const std::string problem
            = runTiny(config, paused, [&](const Event& event, RunControl& control) {
                  if (const auto* step = std::get_if<StepFinished>(&event); step && step->step == 1)
                      control.pause();
                  const auto* phase = std::get_if<PhaseChanged>(&event);
                  if (phase != nullptr && phase->phase == Phase::paused) {
                      was_paused = true;
                      control.resume();
                  }
              });
        QVERIFY2(problem.empty(), problem.c_str());
        QVERIFY(was_paused);
        QCOMPARE(repeatable(paused.all<StepFinished>().back().metrics),
            repeatable(plain.all<StepFinished>().back().metrics));
    }

    void saveNowAndSampleNow_areObeyed()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 3;
        config.run.log_completions = 0;
        RecordingSink sink;
        const std::string problem = runTiny(
            config, sink, [](const Event& event, RunControl& control) {
                if (const auto* step = std::get_if<StepFinished>(&event); step && step->step == 1) {
                    control.saveNow();
                    control.sampleNow();
                }
            });
        QVERIFY2(problem.empty(), problem.c_str());
        QCOMPARE(sink.all<CheckpointSaved>().front().step, 1);
        const auto samples = sink.all<CompletionsSampled>();
        QCOMPARE(samples.size(), std::size_t{ 1 });
        QCOMPARE(samples[0].step, 2);
        QCOMPARE(samples[0].groups.size(), std::size_t{ 2 });
        QCOMPARE(samples[0].groups[0].completions.size(), std::size_t{ 4 });
        QVERIFY(!samples[0].groups[0].prompt.empty());
        QCOMPARE(samples[0].reward_names, std::vector<std::string>{ "letter" });
    }

    void abort_endsWithoutSaving()
    {
        TrainingConfig config = fresh();
        RecordingSink sink;
        const std::string problem
            = runTiny(config, sink, [](const Event& event, RunControl& control) {
                  if (std::holds_alternative<StepFinished>(event))
                      control.abort();
              });
        QVERIFY2(problem.empty(), problem.c_str());
        QCOMPARE(sink.all<CheckpointSaved>().size(), std::size_t{ 0 });
        QVERIFY(std::holds_alternative<RunFinished>(sink.events.back()));
        QCOMPARE(sink.all<RunFinished>().size(), std::size_t{ 1 });
    }

    void nonFinite_skipsThenStops()
    {
        TrainingConfig config = fresh();
        config.optimizer.learning_rate = 1e30; // the first update destroys the adapter
        config.optimizer.max_grad_norm = 0;
        config.optimizer.max_steps = 12;
        config.run.save_steps = 1;
        RecordingSink sink;
        const std::string problem = runTiny(config, sink);
        QVERIFY2(problem.find("not finite") != std::string::npos, problem.c_str());
        QVERIFY(problem.find("learning_rate") != std::string::npos);
        const auto last = sink.all<RunFailed>();
        QCOMPARE(last.size(), std::size_t{ 1 });
        QVERIFY(std::holds_alternative<RunFailed>(sink.events.back()));
    }

    void fullDisk_warnsAndGoesOn()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 3;
        config.run.save_steps = 1;
        RecordingSink sink;
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        ::signal(SIGXFSZ, SIG_IGN);
        const std::string problem = runTiny(config, sink, [&](const Event& event, RunControl&) {
            if (const auto* phase
                = std::get_if<PhaseChanged>(&event)) { // no file may grow beyond 8 KB while saving
                rlimit limit = before;
                if (phase->phase == Phase::saving && phase->step == 2)
                    limit.rlim_cur = 8192;
                ::setrlimit(RLIMIT_FSIZE, &limit);
            }
        });
        ::setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY2(problem.empty(), problem.c_str());
        bool warned = false;
        for (const LogLine& line : sink.all<LogLine>())
            warned |= line.level == "warning" && line.text.find("checkpoint") != std::string::npos;
        QVERIFY(warned);
        const auto saved = sink.all<CheckpointSaved>();
        QCOMPARE(saved.front().step, 1);
        QCOMPARE(saved.back().step, 3);
        QCOMPARE(sink.all<RunFinished>().front().steps, 3);
    }

    void usedFolder_isRefusedUnlessOverwritten()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 1;
        RecordingSink first, second, third;
        QVERIFY(runTiny(config, first).empty());
        QVERIFY(!runTiny(config, second).empty());
        config.run.overwrite_output_dir = true;
        const std::string problem = runTiny(config, third);
        QVERIFY2(problem.empty(), problem.c_str());
    }

    void tooFewPrompts_areNamed()
    {
        TrainingConfig config = fresh();
        config.data.max_samples = 1;
        RecordingSink sink;
        const std::string problem = runTiny(config, sink);
        QVERIFY2(problem.find("usable prompts") != std::string::npos, problem.c_str());
    }

    void missingModel_isRefusedBeforeTheRun()
    {
        TrainingConfig config = fresh();
        config.model.model_name_or_path = (m_root / "nowhere").string();
        TrainerOptions options;
        options.config = config;
        const auto job = createTrainer(options);
        QVERIFY(!job.has_value());
        QVERIFY(job.error().message.find("nowhere") != std::string::npos);
        QVERIFY(!fs::exists(config.run.output_dir));
    }

    void sft_learnsTheDemonstrations()
    {
        TrainingConfig config = fresh();
        config.algorithm.stage = Stage::sft;
        config.algorithm.rewards.clear();
        config.adapter.finetuning_type = FinetuningType::full;
        config.batch.per_device_train_batch_size = 16;
        config.optimizer.max_steps = 60;
        config.optimizer.learning_rate = 1e-2;
        config.data.val_size = 8;
        RecordingSink sink;
        const std::string problem = runTiny(config, sink);
        QVERIFY2(problem.empty(), problem.c_str());
        const auto steps = sink.all<StepFinished>();
        QVERIFY(steps.front().metrics.at("loss") > 3);
        QVERIFY2(steps.back().metrics.at("loss") < 0.5,
            std::to_string(steps.back().metrics.at("loss")).c_str());
        const auto evaluations = sink.all<EvaluationFinished>();
        QVERIFY(evaluations.back().metrics.at("eval/ppl")
            < evaluations.front().metrics.at("eval/ppl") / 3);
        QVERIFY(fs::exists(fs::path(config.run.output_dir) / "model/config.json"));
        QVERIFY(fs::exists(fs::path(config.run.output_dir) / "model/tokenizer.json"));
    }

    void continuedAdapter_startsWhereItWas()
    {
        TrainingConfig config = fresh();
        config.optimizer.max_steps = 3;
        RecordingSink first;
        QVERIFY(runTiny(config, first).empty());
        TrainingConfig again = fresh();
        again.optimizer.max_steps = 1;
        again.algorithm.beta = 0.1;
        again.model.adapter_name_or_path = config.run.output_dir + "/adapter";
        RecordingSink second;
        const std::string problem = runTiny(again, second);
        QVERIFY2(problem.empty(), problem.c_str());
        // The reference is the adapter as it was continued, not the bare model: no divergence at
        // the start.
        QVERIFY(std::abs(second.all<StepFinished>().front().metrics.at("kl")) < 1e-6);
    }
};

QTEST_GUILESS_MAIN(TestTrainer)
#include "tst_trainer.moc"
