#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"

#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

using namespace zen;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& text)
{
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

std::set<std::string> namesIn(const fs::path& folder)
{
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        names.insert(entry.path().filename().string());
    return names;
}

QJsonObject jsonOf(const fs::path& path)
{
    QFile file(QString::fromStdString(path.string()));
    return file.open(QFile::ReadOnly) ? QJsonDocument::fromJson(file.readAll()).object()
                                      : QJsonObject();
}

RunFinished finished()
{
    return { "completed", 20, 12.5, 0.21, 0.94, 0.3, 0.8, 2'000'000'000, 900'000'000 };
}

/// A run of `steps` steps whose reward rises to 1.
void writeRun(const fs::path& folder, const std::string& name, int steps, const std::string& time)
{
    std::string text
        = toJsonLine(RunStarted{ name, "gspo", "zen/starter", 0, steps, 7, 1, 1, "float32" }, time)
        + "\n";
    text += toJsonLine(EvaluationFinished{ 0, { { "eval/accuracy", 0.25 } } }, time) + "\n";
    for (int i = 1; i <= steps; ++i)
        text += toJsonLine(
                    StepFinished{ i, steps, 0, { { "reward", static_cast<double>(i) / steps } } },
                    time)
            + "\n";
    put(folder / "events.jsonl", text);
}

/// Runs `body` in a child process; its exit code.
template <class Body> int inChild(Body body)
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

class TestRunFolder : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path root() const { return m_folder->path().toStdString(); }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void newFolder_isCreatedWithParents()
    {
        const fs::path path = root() / "a b/größe/run";
        const auto folder = prepareRunFolder(path, ExistingRun::refuse);
        QVERIFY2(folder.has_value(), folder ? "" : folder.error().message.c_str());
        QVERIFY(fs::is_directory(folder->checkpoints()));
        // a start that failed before it wrote anything leaves no run behind
        QVERIFY(!holdsRun(path));
        QVERIFY(prepareRunFolder(path, ExistingRun::refuse));
    }

    void existingRun_isRefused_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : { "events.jsonl", "config.yaml", "summary.json",
                 "completions.jsonl", "checkpoints/step-1/f", "adapter/f", "model/f" })
            QTest::newRow(name) << QString(name);
    }

    void existingRun_isRefused()
    {
        QFETCH(QString, name);
        put(root() / name.toStdString(), "x");
        QVERIFY(holdsRun(root()));
        const auto folder = prepareRunFolder(root(), ExistingRun::refuse);
        QVERIFY(!folder);
        for (const char* part :
            { "already holds a run", "overwrite_output_dir", "resume_from_checkpoint" })
            QVERIFY2(folder.error().message.find(part) != std::string::npos, part);
        QVERIFY(fs::exists(root() / name.toStdString()));
    }

    void overwriting_removesTheRunAndNothingElse()
    {
        for (const char* name : { "events.jsonl", "config.yaml", "summary.json",
                 "completions.jsonl", "console.log", "checkpoints/step-1/f", "adapter/f",
                 "notes.txt", "data/rows.jsonl", ".tmp-old-1-0/f" })
            put(root() / name, "x");
        QVERIFY(prepareRunFolder(root(), ExistingRun::overwrite));
        QCOMPARE(
            namesIn(root()), (std::set<std::string>{ "LOCK", "checkpoints", "data", "notes.txt" }));
        QVERIFY(fs::is_empty(root() / "checkpoints"));
    }

    void overwriting_doesNotFollowLinks()
    {
        put(root() / "elsewhere/precious", "x");
        put(root() / "run/events.jsonl", "x");
        fs::create_directory_symlink(root() / "elsewhere", root() / "run/checkpoints");
        QVERIFY(prepareRunFolder(root() / "run", ExistingRun::overwrite));
        QVERIFY(fs::exists(root() / "elsewhere/precious"));
        QVERIFY(!fs::is_symlink(root() / "run/checkpoints"));
    }

    void overwriting_sparesCheckpointsThatAreNoRuns()
    {
        put(root() / "checkpoints/precious", "x");
        const auto folder = prepareRunFolder(root(), ExistingRun::overwrite);
        QVERIFY(!folder && folder.error().message.find("nothing was removed") != std::string::npos);
        QVERIFY(fs::exists(root() / "checkpoints/precious"));
    }

    void resuming_keepsAllButTheSummary()
    {
        for (const char* name : { "events.jsonl", "summary.json", "checkpoints/step-1/f" })
            put(root() / name, "x");
        QVERIFY(prepareRunFolder(root(), ExistingRun::resume));
        QVERIFY(fs::exists(root() / "events.jsonl") && fs::exists(root() / "checkpoints/step-1/f"));
        QVERIFY(!fs::exists(root() / "summary.json"));
    }

    void impossibleFolders_areNamed()
    {
        put(root() / "file", "x");
        for (const fs::path& path :
            { root() / "file", root() / "file/below", fs::path("/proc/none/run"), fs::path() }) {
            const auto folder = prepareRunFolder(path, ExistingRun::refuse);
            QVERIFY(!folder);
            QVERIFY(folder.error().message.find(path.empty() ? "output_dir" : path.string())
                != std::string::npos);
        }
    }

    void lock_isHeldByOneAndNamesIt()
    {
        auto lock = RunLock::acquire(root());
        QVERIFY(lock.has_value());
        QVERIFY(isLocked(root()));
        const auto second = RunLock::acquire(root());
        QVERIFY(!second);
        QVERIFY(second.error().message.find("process " + std::to_string(::getpid()))
            != std::string::npos);
        QCOMPARE(inChild([&] { return RunLock::acquire(root()) ? 1 : 0; }), 0);
        put(root() / "events.jsonl", "x");
        QVERIFY(!prepareRunFolder(root(), ExistingRun::overwrite));
        QVERIFY(fs::exists(root() / "events.jsonl"));

        RunLock moved = std::move(*lock);
        QVERIFY(isLocked(root()));
        {
            const RunLock gone = std::move(moved);
        }
        QVERIFY(!isLocked(root()));
        QVERIFY(RunLock::acquire(root()));
    }

    void lock_isFreedWhenItsHolderIsKilled()
    {
        int ready[2];
        QCOMPARE(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto lock = RunLock::acquire(root());
            const char done = lock ? 'y' : 'n';
            (void)!::write(ready[1], &done, 1);
            ::pause();
        }
        char answer = 0;
        QCOMPARE(::read(ready[0], &answer, 1), ssize_t{ 1 });
        QCOMPARE(answer, 'y');
        const auto refused = RunLock::acquire(root());
        QVERIFY(
            !refused && refused.error().message.find(std::to_string(child)) != std::string::npos);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        QVERIFY(RunLock::acquire(root()));
        ::close(ready[0]);
        ::close(ready[1]);
    }

    void twoStarters_exactlyOneWins()
    {
        for (int race = 0; race < 10; ++race) {
            int start[2];
            QCOMPARE(::pipe(start), 0);
            pid_t children[2];
            for (pid_t& child : children) {
                child = ::fork();
                if (child == 0) {
                    ::close(start[1]);
                    char byte;
                    (void)!::read(start[0], &byte, 1); // both go when the parent closes its end
                    const auto lock = RunLock::acquire(root());
                    if (lock)
                        ::usleep(150'000); // longer than the other tries
                    ::_exit(lock ? 1 : 0);
                }
            }
            ::close(start[0]);
            ::close(start[1]);
            int winners = 0;
            for (const pid_t child : children) {
                int status = 0;
                ::waitpid(child, &status, 0);
                winners += WEXITSTATUS(status);
            }
            QCOMPARE(winners, 1);
        }
    }

    void lockFile_thatIsALink_isRefused()
    {
        put(root() / "precious", "text");
        fs::create_symlink(root() / "precious", root() / "LOCK");
        QVERIFY(!RunLock::acquire(root()));
        QCOMPARE(fs::file_size(root() / "precious"), std::uintmax_t{ 4 });
    }

    void summary_hasExactlyItsKeys()
    {
        const RunFolder folder{ root() };
        QVERIFY(writeSummary(folder, finished()));
        const QJsonObject object = jsonOf(folder.summaryJson());
        const QStringList keys = object.keys();
        QCOMPARE(QSet<QString>(keys.begin(), keys.end()),
            (QSet<QString>{ "status", "steps", "seconds", "eval_accuracy_before",
                "eval_accuracy_after", "reward_first", "reward_last", "planned_memory_bytes",
                "peak_memory_bytes" }));
        QCOMPARE(object["eval_accuracy_after"].toDouble(), 0.94);
        QCOMPARE(object["steps"].toInt(), 20);
        QCOMPARE(readSummary(folder).value(), finished());
    }

    void summary_ofAFailedRun_tellsHowFarItCame()
    {
        const RunFolder folder{ root() };
        writeRun(root(), "name", 4, "2026-11-24T03:35:00.000Z");
        QVERIFY(writeSummary(folder, RunFailed{ "out of memory", "checkpoints/step-2" }));
        const QJsonObject object = jsonOf(folder.summaryJson());
        QCOMPARE(object["status"].toString(), QString("failed"));
        QCOMPARE(object["message"].toString(), QString("out of memory"));
        QCOMPARE(object["checkpoint"].toString(), QString("checkpoints/step-2"));
        QCOMPARE(object["steps"].toInt(), 4);
        QCOMPARE(object["eval_accuracy_before"].toDouble(), 0.25);
        QVERIFY(object["eval_accuracy_after"].isNull());
        QCOMPARE(object["reward_first"].toDouble(), 0.25);
        QCOMPARE(object["planned_memory_bytes"].toInt(), 7);
        QCOMPARE(readSummary(folder)->status, std::string("failed"));
    }

    void damagedSummaries_areErrors()
    {
        const RunFolder folder{ root() };
        QVERIFY(!readSummary(folder));
        for (const char* text : { "", "{", "[]", "{}", R"({"status":7})",
                 R"({"status":"completed","steps":"many"})" }) {
            put(folder.summaryJson(), text);
            QVERIFY2(!readSummary(folder), text);
        }
    }

    void scan_listsRunsNewestFirst()
    {
        writeRun(root() / "old", "older", 3, "2026-01-01T00:00:00.000Z");
        QVERIFY(writeSummary(RunFolder{ root() / "old" }, finished()));
        writeRun(root() / "deep/er/new", "newer", 4, "2026-02-01T00:00:00.000Z");
        put(root() / "no run/readme", "x");
        fs::create_directory_symlink(root(), root() / "circle");
        const auto records = scanRuns(root());
        QCOMPARE(records.size(), std::size_t{ 2 });
        QCOMPARE(records[0].name, std::string("newer"));
        QCOMPARE(records[0].status, std::string("interrupted"));
        QCOMPARE(records[0].steps, std::int64_t{ 4 });
        QCOMPARE(records[0].reward_curve, (std::vector<double>{ 0.25, 0.5, 0.75, 1 }));
        QCOMPARE(records[0].reward_last, std::optional(1.0));
        QCOMPARE(records[0].accuracy_before, std::optional(0.25));
        QVERIFY(!records[0].accuracy_after && !records[0].damaged);
        QCOMPARE(records[1].status, std::string("completed"));
        QCOMPARE(records[1].seconds, 12.5);
        QCOMPARE(records[1].accuracy_after, std::optional(0.94));
        QCOMPARE(records[1].started, std::string("2026-01-01T00:00:00.000Z"));
        QVERIFY(scanRuns(root() / "missing").empty());
    }

    void runningRun_isShownAsRunning()
    {
        writeRun(root(), "now", 2, "2026-01-01T00:00:00.000Z");
        const auto lock = RunLock::acquire(root());
        QCOMPARE(readRecord(root()).status, std::string("running"));
    }

    void longRun_givesAtMost200Points_endsIncluded()
    {
        writeRun(root(), "long", 1000, "2026-01-01T00:00:00.000Z");
        const RunRecord record = readRecord(root());
        QCOMPARE(record.reward_curve.size(), std::size_t{ 200 });
        QCOMPARE(record.reward_curve.front(), 0.001);
        QCOMPARE(record.reward_curve.back(), 1.0);
        QCOMPARE(record.steps, std::int64_t{ 1000 });
    }

    void resumedRun_countsItsStepsOnce()
    {
        writeRun(root(), "resumed", 3, "2026-01-01T00:00:00.000Z");
        std::ofstream log(root() / "events.jsonl", std::ios::app);
        RunStarted again;
        again.first_step = 1;
        log << toJsonLine(again, "2026-01-01T00:01:00.000Z") << "\n";
        log << toJsonLine(
            StepFinished{ 2, 3, 0, { { "reward", 0.9 } } }, "2026-01-01T00:01:10.500Z")
            << "\n";
        log.close();
        const RunRecord record = readRecord(root());
        QCOMPARE(record.reward_curve, (std::vector<double>{ 1.0 / 3, 0.9 }));
        QCOMPARE(record.steps, std::int64_t{ 2 });
        QCOMPARE(record.seconds, 10.5);
    }

    void damagedRuns_areListedAsSuch_data()
    {
        QTest::addColumn<QByteArray>("events");
        QTest::addColumn<QByteArray>("summary");
        const QByteArray good
            = "{\"event\":\"step_finished\",\"step\":1,\"metrics\":{\"reward\":1}}\n";
        QTest::newRow("log is no JSON") << QByteArray("nonsense\n") << QByteArray();
        QTest::newRow("line in the middle") << good + "nonsense\n" + good << QByteArray();
        QTest::newRow("step without number")
            << QByteArray("{\"event\":\"step_finished\",\"step\":\"x\"}\n") << QByteArray();
        QTest::newRow("log is binary") << QByteArray("\0\xff\n", 3) << QByteArray();
        QTest::newRow("summary torn") << good << QByteArray("{\"status\":");
        QTest::newRow("summary without log")
            << QByteArray() << QByteArray("{\"status\":\"completed\"}");
    }

    void damagedRuns_areListedAsSuch()
    {
        QFETCH(QByteArray, events);
        QFETCH(QByteArray, summary);
        writeRun(root() / "good", "good", 2, "2026-01-01T00:00:00.000Z");
        if (!events.isEmpty())
            put(root() / "bad/events.jsonl", events.toStdString());
        if (!summary.isEmpty())
            put(root() / "bad/summary.json", summary.toStdString());
        const auto records = scanRuns(root());
        QCOMPARE(records.size(), std::size_t{ 2 });
        for (const RunRecord& record : records)
            QCOMPARE(record.damaged, record.name == "bad");
    }

    void tornLastLine_isNoDamage()
    {
        writeRun(root(), "torn", 2, "2026-01-01T00:00:00.000Z");
        std::ofstream(root() / "events.jsonl", std::ios::app) << "{\"event\":\"step_fin";
        QVERIFY(!readRecord(root()).damaged);
    }
};

QTEST_GUILESS_MAIN(TestRunFolder)
#include "tst_run_folder.moc"
