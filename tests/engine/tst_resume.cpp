#include "core/train/checkpoint_store.h"
#include "tiny_run.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace zen;
using namespace zen::test;

class TestResume : public QObject {
    Q_OBJECT

private:
    static fs::path prepared(const QTemporaryDir& folder, bool mixture = false)
    {
        const fs::path root = folder.path().toStdString();
        const std::string problem = writeTinyModel(root / "model", 1, mixture);
        if (!problem.empty())
            qFatal("%s", problem.c_str());
        writeRows(root / "rows.jsonl", 24);
        return root;
    }

    static TrainingConfig variant(const fs::path& root, const QString& name)
    {
        TrainingConfig config = tinyConfig(root);
        config.optimizer.max_steps = 12;
        config.run.logging_steps = 1;
        if (name == "buffer") { // one generation feeds four steps: every stop but each fourth is
                                // inside a buffer
            config.algorithm.stage = Stage::gspo;
            config.batch.steps_per_generation = 4;
        }
        if (name == "iterations") {
            config.batch.num_iterations = 2;
            config.algorithm.beta = 0.05;
        }
        if (name == "window")
            config.run.logging_steps = 3;
        if (name == "dropout")
            config.adapter.lora_dropout = 0.1;
        if (name == "bfloat16")
            config.memory.dtype = WeightType::bfloat16;
        if (name == "threads")
            config.memory.num_threads = 2;
        if (name == "full")
            config.adapter.finetuning_type = FinetuningType::full;
        if (name.startsWith("nf4"))
            config.memory.quantization = Quantization::nf4;
        if (name == "nf4, double, float32") {
            config.memory.bnb_4bit_use_double_quant = true;
            config.memory.bnb_4bit_compute_dtype = WeightType::float32;
        } else if (name.startsWith("nf4")) {
            config.memory.bnb_4bit_compute_dtype = WeightType::bfloat16;
        }
        if (name.contains("mixture")) {
            config.adapter.lora_target = { "all", "gate_proj", "down_proj" };
            config.algorithm.router_aux_loss_coef = 0.01;
        }
        if (name == "sft") {
            config.algorithm.stage = Stage::sft;
            config.algorithm.rewards.clear();
            config.adapter.finetuning_type = FinetuningType::full;
        }
        return config;
    }

private Q_SLOTS:
    void stoppedAndResumed_equalsStraight_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("cut");
        for (const char* name :
            { "plain", "buffer", "iterations", "window", "dropout", "bfloat16", "threads", "full",
                "sft", "nf4", "nf4, double, float32", "mixture", "nf4 mixture" })
            QTest::addRow("%s", name) << name << 5;
        QTest::newRow("buffer, cut after its last use") << "buffer" << 8;
        QTest::newRow("iterations, cut between them") << "iterations" << 1;
    }

    void stoppedAndResumed_equalsStraight()
    {
        QFETCH(QString, name);
        QFETCH(int, cut);
        const QTemporaryDir folder;
        const fs::path root = prepared(folder, name.contains("mixture"));
        TrainingConfig config = variant(root, name);

        RecordingSink straight;
        config.run.output_dir = (root / "straight").string();
        const std::string first = runTiny(config, straight);
        QVERIFY2(first.empty(), first.c_str());

        RecordingSink before, after;
        config.run.output_dir = (root / "cut").string();
        const std::string second = runTiny(config, before, stopAfter(cut));
        QVERIFY2(second.empty(), second.c_str());
        QCOMPARE(before.all<RunFinished>().front().status, std::string("stopped"));
        QCOMPARE(before.all<RunFinished>().front().steps, cut);
        config.run.resume_from_checkpoint = "latest";
        const std::string third = runTiny(config, after);
        QVERIFY2(third.empty(), third.c_str());
        QCOMPARE(after.all<RunStarted>().front().first_step, cut);

        const char* weights = config.adapter.finetuning_type == FinetuningType::full
            ? "model/model.safetensors"
            : "adapter/adapter_model.safetensors";
        QVERIFY(fs::exists(root / "straight" / weights));
        QVERIFY(bytesOf(root / "straight" / weights) == bytesOf(root / "cut" / weights));

        const auto expected = straight.all<StepFinished>();
        std::vector<StepFinished> resumed = before.all<StepFinished>();
        for (const StepFinished& one : after.all<StepFinished>())
            resumed.push_back(one);
        QCOMPARE(resumed.size(), expected.size());
        for (std::size_t index = 0; index < expected.size(); ++index) {
            QCOMPARE(resumed[index].step, expected[index].step);
            QCOMPARE(resumed[index].epoch, expected[index].epoch);
            const Metrics ours = repeatable(resumed[index].metrics),
                          theirs = repeatable(expected[index].metrics);
            for (const auto& [key, value] : theirs)
                QVERIFY2(ours.contains(key) && ours.at(key) == value,
                    ("step " + std::to_string(expected[index].step) + ": " + key).c_str());
        }
        QVERIFY(expected.back().metrics.at("loss") != expected.front().metrics.at("loss"));
    }

    void damagedNewest_isPassedOverAndNamed()
    {
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        config.run.save_steps = 2;
        config.run.save_total_limit = 0;
        RecordingSink sink;
        QVERIFY(runTiny(config, sink, stopAfter(6)).empty());
        const fs::path newest = fs::path(config.run.output_dir) / "checkpoints/step-00000006";
        QVERIFY(fs::exists(newest));
        std::string bytes = bytesOf(newest / "adapter_model.safetensors");
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        QVERIFY(writeDurably(newest / "adapter_model.safetensors", bytes).has_value());

        config.run.resume_from_checkpoint = "latest";
        RecordingSink after;
        const std::string problem = runTiny(config, after);
        QVERIFY2(problem.empty(), problem.c_str());
        QCOMPARE(after.all<RunStarted>().front().first_step, 4);
        bool named = false;
        for (const LogLine& line : after.all<LogLine>())
            named |= line.level == "warning"
                && line.text.find("step-00000006/adapter_model.safetensors") != std::string::npos;
        QVERIFY(named);
    }

    void changedField_isRefusedByName_data()
    {
        QTest::addColumn<QString>("key");
        for (const char* key : { "learning_rate", "lora_rank", "temperature", "num_generations",
                 "seed", "beta", "max_steps", "rewards", "max_completion_length" })
            QTest::addRow("%s", key) << key;
    }

    void changedField_isRefusedByName()
    {
        QFETCH(QString, key);
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        RecordingSink sink;
        QVERIFY(runTiny(config, sink, stopAfter(1)).empty());
        config.run.resume_from_checkpoint = "latest";
        if (key == "learning_rate")
            config.optimizer.learning_rate = 2e-2;
        if (key == "lora_rank")
            config.adapter.lora_rank = 8;
        if (key == "temperature")
            config.sampling.temperature = 0.5;
        if (key == "num_generations")
            config.batch.num_generations = 2;
        if (key == "seed")
            config.run.seed = 8;
        if (key == "beta")
            config.algorithm.beta = 0.1;
        if (key == "max_steps")
            config.optimizer.max_steps = 13;
        if (key == "rewards")
            config.algorithm.rewards.front().weight = 2;
        if (key == "max_completion_length")
            config.batch.max_completion_length = 7;
        RecordingSink after;
        const std::string problem = runTiny(config, after);
        QVERIFY2(problem.find(key.toStdString() + " was ") != std::string::npos, problem.c_str());
        QCOMPARE(after.all<StepFinished>().size(), std::size_t{ 0 });
        QVERIFY(!after.all<RunFailed>().front().checkpoint.empty());
    }

    void changedModelOrData_isRefused()
    {
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        RecordingSink sink;
        QVERIFY(runTiny(config, sink, stopAfter(1)).empty());
        config.run.resume_from_checkpoint = "latest";
        writeRows(root / "rows.jsonl", 25);
        RecordingSink after;
        QVERIFY(runTiny(config, after).find("training data") != std::string::npos);
        writeRows(root / "rows.jsonl", 24);
        const std::string config_json = bytesOf(root / "model/config.json");
        QVERIFY(writeDurably(root / "model/config.json", config_json + "\n").has_value());
        RecordingSink again;
        QVERIFY(runTiny(config, again).find("model's files") != std::string::npos);
    }

    void freeField_mayChange()
    {
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        RecordingSink sink;
        QVERIFY(runTiny(config, sink, stopAfter(2)).empty());
        config.run.resume_from_checkpoint = "latest";
        config.run.save_steps = 3;
        config.run.run_name = "another name";
        RecordingSink after;
        const std::string problem = runTiny(config, after);
        QVERIFY2(problem.empty(), problem.c_str());
        QCOMPARE(after.all<RunFinished>().front().steps, 12);
    }

    void olderCheckpoints_arePrunedToTheLimit()
    {
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        config.run.save_steps = 1;
        config.run.save_total_limit = 2;
        config.optimizer.max_steps = 5;
        RecordingSink sink;
        QVERIFY(runTiny(config, sink).empty());
        QCOMPARE(sink.all<CheckpointSaved>().size(), std::size_t{ 5 });
        std::vector<std::string> left;
        for (const auto& entry :
            fs::directory_iterator(fs::path(config.run.output_dir) / "checkpoints"))
            left.push_back(entry.path().filename().string());
        std::sort(left.begin(), left.end());
        QCOMPARE(left, (std::vector<std::string>{ "step-00000004", "step-00000005" }));
    }

    void nothingSavedYet_startsFromTheBeginning()
    {
        const QTemporaryDir folder;
        const fs::path root = prepared(folder);
        TrainingConfig config = variant(root, "plain");
        config.optimizer.max_steps = 2;
        RecordingSink sink;
        QVERIFY(runTiny(config, sink, [](const Event& event, RunControl& control) {
            if (std::holds_alternative<StepFinished>(event))
                control.abort();
        }).empty());
        QVERIFY(!fs::exists(fs::path(config.run.output_dir) / "adapter"));
        config.run.resume_from_checkpoint = "latest";
        RecordingSink after;
        const std::string problem = runTiny(config, after);
        QVERIFY2(problem.empty(), problem.c_str());
        QCOMPARE(after.all<RunStarted>().front().first_step, 0);
        QCOMPARE(after.all<RunFinished>().front().steps, 2);
    }
};

QTEST_GUILESS_MAIN(TestResume)
#include "tst_resume.moc"
