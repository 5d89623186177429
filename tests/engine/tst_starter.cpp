#include "core/base/machine.h"
#include "core/config/read_config.h"
#include "core/train/engine.h"

#include <QtTest>

#include <filesystem>

using namespace zen;

/// Keeps how a run ended and its reward curve.
class EndingSink final : public EventSink {
public:
    void publish(const Event& event) override
    {
        if (const auto* end = std::get_if<RunFinished>(&event))
            finished = *end;
        else if (const auto* failed = std::get_if<RunFailed>(&event))
            failure = failed->message;
        else if (const auto* step = std::get_if<StepFinished>(&event))
            rewards.push_back(step->metrics.at("reward"));
    }
    std::optional<RunFinished> finished;
    std::string failure;
    std::vector<double> rewards;
};

/// The shipped starter model and configurations, as a newcomer runs them.
class TestStarter : public QObject {
    Q_OBJECT

private:
    static void train(const std::string& file, int seed, bool shuffle, EndingSink& sink)
    {
        QTemporaryDir folder;
        const std::filesystem::path root(ZEN_SOURCE_DIR);
        std::filesystem::current_path(root);
        auto document = YamlDocument::load(root / "configs" / file);
        QVERIFY2(document.has_value(), document ? "" : document.error().message.c_str());
        const std::vector<std::string> arguments{ "seed=" + std::to_string(seed),
            "output_dir=" + folder.filePath("run").toStdString() };
        const ReadConfig read = readConfig(*document, parseOverrides(arguments));
        for (const Diagnostic& one : read.diagnostics)
            QVERIFY2(one.severity != Severity::error, toText(one).c_str());
        auto engine = loadEngine();
        QVERIFY2(engine.has_value(), engine ? "" : engine.error().message.c_str());
        TrainerOptions options;
        options.config = read.config;
        options.shuffle_rewards = shuffle;
        auto job = (*engine)->createTrainer(options);
        QVERIFY2(job.has_value(), job ? "" : job.error().message.c_str());
        RunControl control;
        (*job)->run(control, sink);
        QVERIFY2(sink.finished.has_value(), sink.failure.c_str());
    }

    static void recipes()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<int>("seed");
    }

    static void learns()
    {
        QFETCH(QString, file);
        QFETCH(int, seed);
        EndingSink sink;
        train(file.toStdString(), seed, false, sink);
        if (QTest::currentTestFailed())
            return;
        const double before = sink.finished->eval_accuracy_before.value_or(-1);
        const double after = sink.finished->eval_accuracy_after.value_or(-1);
        qInfo("%s, seed %d: %.3f -> %.3f in %.0f s", qPrintable(file), seed, before, after,
            sink.finished->seconds);
        QVERIFY(before >= 0.15 && before <= 0.40);
        QVERIFY(after >= 0.90);
    }

private Q_SLOTS:
    void gspo_findsTheCarefulMinority_data()
    {
        recipes();
        QTest::newRow("seed1") << "starter_gspo.yaml" << 1;
        QTest::newRow("seed2") << "starter_gspo.yaml" << 2;
        QTest::newRow("seed3") << "starter_gspo.yaml" << 3;
    }
    void gspo_findsTheCarefulMinority() { learns(); }

    void grpo_findsTheCarefulMinority_data()
    {
        recipes();
        QTest::newRow("seed1") << "starter_grpo.yaml" << 1;
        QTest::newRow("seed2") << "starter_grpo.yaml" << 2;
        QTest::newRow("seed3") << "starter_grpo.yaml" << 3;
    }
    void grpo_findsTheCarefulMinority() { learns(); }

    void shuffledRewards_teachNothing_data()
    {
        recipes();
        QTest::newRow("gspo") << "starter_gspo.yaml" << 1;
        QTest::newRow("grpo") << "starter_grpo.yaml" << 1;
    }
    void shuffledRewards_teachNothing()
    {
        QFETCH(QString, file);
        QFETCH(int, seed);
        EndingSink sink;
        train(file.toStdString(), seed, true, sink);
        if (QTest::currentTestFailed())
            return;
        const double before = sink.finished->eval_accuracy_before.value_or(-1);
        const double after = sink.finished->eval_accuracy_after.value_or(-1);
        qInfo("shuffled %s: %.3f -> %.3f", qPrintable(file), before, after);
        QVERIFY(std::abs(after - before) <= 0.10);
    }
};

QTEST_GUILESS_MAIN(TestStarter)
#include "tst_starter.moc"
