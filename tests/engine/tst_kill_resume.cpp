#include "tiny_run.h"

#include <QTemporaryDir>
#include <QTest>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <random>

using namespace zen;
using namespace zen::test;

// The test's program in two roles: the test, and the run that it kills (--train ROOT).

namespace {

constexpr int kKills = 20;

TrainingConfig killedConfig(const fs::path& root)
{
    TrainingConfig config = tinyConfig(root);
    config.algorithm.stage = Stage::gspo;
    config.batch.steps_per_generation = 4;
    config.optimizer.max_steps = 200;
    config.run.save_steps = 1;
    config.run.log_completions = 0;
    config.memory.num_threads = 1;
    return config;
}

int trainRole(const fs::path& root)
{
    TrainingConfig config = killedConfig(root);
    config.run.output_dir = (root / "killed").string();
    config.run.resume_from_checkpoint = "latest";
    RecordingSink sink;
    const std::string problem = runTiny(config, sink, [](const Event& event, RunControl&) {
        if (std::holds_alternative<RunStarted>(event))
            (void)!::write(STDOUT_FILENO, "s", 1);
    });
    if (!problem.empty())
        std::fprintf(stderr, "%s\n", problem.c_str());
    return problem.empty() ? 0 : 1;
}

/// The run in a process of its own; its standard output tells when it has started.
struct Child {
    pid_t process = -1;
    int output = -1;

    static Child start(const fs::path& root)
    {
        int ends[2];
        if (::pipe(ends) != 0)
            return {};
        Child child;
        child.output = ends[0];
        child.process = ::fork();
        if (child.process == 0) {
            ::dup2(ends[1], STDOUT_FILENO);
            ::close(ends[0]);
            ::execl("/proc/self/exe", "tst_kill_resume", "--train", root.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        return child;
    }

    void waitForStart() const
    {
        char mark = 0;
        (void)!::read(output, &mark, 1);
    }

    /// The exit status as waitpid gives it.
    int wait() const
    {
        int status = 0;
        ::waitpid(process, &status, 0);
        ::close(output);
        return status;
    }
};

} // namespace

class TestKillResume : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void killedTwentyTimes_endsWithTheSameBytes()
    {
        const QTemporaryDir folder;
        const fs::path root = folder.path().toStdString();
        const std::string problem = writeTinyModel(root / "model");
        QVERIFY2(problem.empty(), problem.c_str());
        writeRows(root / "rows.jsonl", 24);

        TrainingConfig config = killedConfig(root);
        config.run.output_dir = (root / "straight").string();
        config.run.save_steps = 0;
        RecordingSink straight;
        const std::string failed = runTiny(config, straight);
        QVERIFY2(failed.empty(), failed.c_str());

        std::mt19937 random(20);
        int killed = 0;
        for (; killed < kKills; ++killed) {
            const Child child = Child::start(root);
            QVERIFY(child.process > 0);
            if (killed % 5 != 4) // else somewhere while it loads
                child.waitForStart();
            ::usleep(random() % 80000);
            ::kill(child.process, SIGKILL);
            const int status = child.wait();
            QVERIFY2(WIFSIGNALED(status), "the run ended before it was killed");
        }
        const Child last = Child::start(root);
        const int status = last.wait();
        QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        QVERIFY(bytesOf(root / "straight/adapter/adapter_model.safetensors")
            == bytesOf(root / "killed/adapter/adapter_model.safetensors"));
    }
};

int main(int argc, char** argv)
{
    if (argc == 3 && std::strcmp(argv[1], "--train") == 0)
        return trainRole(argv[2]);
    TestKillResume test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_kill_resume.moc"
