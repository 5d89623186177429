#include "core/runs/console_log_sink.h"
#include "core/runs/event_log.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

using namespace zen;
namespace fs = std::filesystem;

namespace {

StepFinished step(std::int64_t number, double reward = 0)
{
    return { number, 10, 0, { { "reward", reward } } };
}

QByteArray contentOf(const fs::path& path)
{
    QFile file(QString::fromStdString(path.string()));
    return file.open(QFile::ReadOnly) ? file.readAll() : QByteArray();
}

void append(const fs::path& path, const QByteArray& bytes)
{
    QFile file(QString::fromStdString(path.string()));
    QVERIFY(file.open(QFile::WriteOnly | QFile::Append));
    file.write(bytes);
}

} // namespace

class TestEventLog : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path folder() const { return m_folder->path().toStdString(); }
    fs::path events() const { return folder() / "events.jsonl"; }
    fs::path completions() const { return folder() / "completions.jsonl"; }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void published_isReadBackInOrder_completionsApart()
    {
        auto log = EventLog::open(folder()).value();
        const CompletionsSampled sampled{ 1, { "acc" }, { SampledGroup{ "p", "a", {} } } };
        log->publish(step(1));
        log->publish(sampled);
        log->publish(step(2));
        // on disk before publish() returns: read while the log is open
        QVERIFY((readEvents(events()) == std::vector<Event>{ step(1), step(2) }));
        QVERIFY((readEvents(completions()) == std::vector<Event>{ sampled }));
        QCOMPARE(contentOf(events()).count('\n'), 2);
        QCOMPARE(log->failedWrites(), std::size_t{ 0 });
        QVERIFY(!log->takeError());
    }

    void phase_isWrittenOnce_notAtEachFraction()
    {
        auto log = EventLog::open(folder()).value();
        for (double fraction : { 0.0, 0.3, 0.9 })
            log->publish(PhaseChanged{ Phase::generating, 1, fraction });
        log->publish(PhaseChanged{ Phase::updating, 1, 0 });
        log->publish(PhaseChanged{ Phase::generating, 2, 0 });
        QVERIFY((readEvents(events())
            == std::vector<Event>{ PhaseChanged{ Phase::generating, 1, 0 },
                PhaseChanged{ Phase::updating, 1, 0 }, PhaseChanged{ Phase::generating, 2, 0 } }));
    }

    void reopened_appends_andCutsATornLine()
    {
        EventLog::open(folder()).value()->publish(step(1));
        const QByteArray whole = contentOf(events());
        append(events(), whole.left(whole.size() / 2));
        QVERIFY((readEvents(events()) == std::vector<Event>{ step(1) }));
        auto log = EventLog::open(folder()).value();
        QCOMPARE(contentOf(events()), whole);
        log->publish(step(2));
        std::size_t damaged = 0;
        QVERIFY((readEvents(events(), &damaged) == std::vector<Event>{ step(1), step(2) }));
        QCOMPARE(damaged, std::size_t{ 0 });
    }

    void tornLine_ofAnySize_isCut_data()
    {
        QTest::addColumn<int>("whole");
        QTest::addColumn<int>("torn");
        for (const auto& [whole, torn] : { std::pair(0, 1), { 0, 200000 }, { 1, 65535 },
                 { 1, 65536 }, { 1, 65537 }, { 70000, 140000 } })
            QTest::addRow("%d whole, %d torn", whole, torn) << whole << torn;
    }

    void tornLine_ofAnySize_isCut()
    {
        QFETCH(int, whole);
        QFETCH(int, torn);
        const QByteArray kept = whole > 0 ? QByteArray(whole, 'a') + '\n' : QByteArray();
        append(events(), kept + QByteArray(torn, 'b'));
        QVERIFY(EventLog::open(folder()).has_value());
        QCOMPARE(contentOf(events()), kept);
    }

    void damagedLines_areCounted_othersAreRead()
    {
        EventLog::open(folder()).value()->publish(step(1));
        append(events(), "not JSON\n\n{\"event\":\"unheard_of\"}\n");
        EventLog::open(folder()).value()->publish(step(2));
        append(events(), "{\"event\":\"step_fin");
        std::size_t damaged = 0;
        QVERIFY((readEvents(events(), &damaged) == std::vector<Event>{ step(1), step(2) }));
        QCOMPARE(damaged, std::size_t{ 2 });
        QVERIFY(readEvents(folder() / "missing.jsonl", &damaged).empty());
        QCOMPARE(damaged, std::size_t{ 0 });
    }

    void mutatedLog_neverBreaksTheReader()
    {
        auto log = EventLog::open(folder()).value();
        for (int i = 1; i <= 5; ++i)
            log->publish(step(i, 0.5));
        const QByteArray good = contentOf(events());
        std::uint32_t state = 7;
        for (int i = 0; i < 300; ++i) {
            QByteArray bytes = good;
            for (int flips = 0; flips < 3; ++flips) {
                state = state * 1664525u + 1013904223u;
                bytes[static_cast<qsizetype>(state >> 8) % bytes.size()]
                    = static_cast<char>(state & 255);
            }
            QVERIFY(QFile::remove(QString::fromStdString(events().string())));
            append(events(), bytes);
            std::size_t damaged = 0;
            QVERIFY(readEvents(events(), &damaged).size() <= 8);
        }
    }

    void fullDisk_isCountedAndReportedOnce_andTheFileStaysWhole()
    {
        auto log = EventLog::open(folder()).value();
        log->publish(step(1));
        const QByteArray before = contentOf(events());
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit usual{};
        getrlimit(RLIMIT_FSIZE, &usual);
        rlimit full = usual;
        full.rlim_cur = static_cast<rlim_t>(before.size()) + 10; // part of a line fits
        setrlimit(RLIMIT_FSIZE, &full);
        for (int i = 0; i < 50; ++i)
            log->publish(step(2));
        setrlimit(RLIMIT_FSIZE, &usual);
        QCOMPARE(log->failedWrites(), std::size_t{ 50 });
        QCOMPARE(contentOf(events()), before);
        const auto error = log->takeError();
        QVERIFY(error && error->find("events.jsonl") != std::string::npos
            && error->find("File too large") != std::string::npos);
        QVERIFY(!log->takeError());
        log->publish(step(3)); // there is room again
        QVERIFY((readEvents(events()) == std::vector<Event>{ step(1), step(3) }));
    }

    void open_refusesWhatIsNoFile()
    {
        QVERIFY(!EventLog::open(folder() / "missing"));
        QCOMPARE(::mkfifo(events().c_str(), 0600), 0);
        const auto log = EventLog::open(folder());
        QVERIFY(!log && log.error().message.find("not a regular file") != std::string::npos);
    }

    void resumedRun_supersedesTheStepsItRepeats()
    {
        RunStarted begin, resumed;
        resumed.first_step = 2;
        const EvaluationFinished before{ 0, { { "eval/accuracy", 0.2 } } },
            old{ 3, { { "eval/accuracy", 0.9 } } };
        const std::vector<Event> all{ begin, before, step(1), step(2), step(3, 0.9), old,
            LogLine{ "info", "killed" }, resumed, step(3, 0.4), step(4) };
        QVERIFY((withoutSuperseded(all)
            == std::vector<Event>{ begin, before, step(1), step(2), LogLine{ "info", "killed" },
                resumed, step(3, 0.4), step(4) }));
        QVERIFY(withoutSuperseded({}).empty());
    }

    void console_readsLikeAReport()
    {
        QCOMPARE(describe(StepFinished{ 12, 200, 0,
                     { { "reward", 0.5 }, { "loss", -0.00012 }, { "policy/ppl", 1.25 },
                         { "learning_rate", 1e-5 } } }),
            std::string("step 12/200  reward 0.500  loss -0.0001  ppl 1.250  lr 1e-05"));
        QCOMPARE(describe(EvaluationFinished{ 0, { { "eval/accuracy", 0.214 } } }),
            std::string("evaluation before training  accuracy 0.214"));
        QCOMPARE(
            describe(RunFinished{ "completed", 20, 49.26, 0.21, 0.94, 0.3, 0.9, 0, 450'000'000 }),
            std::string("run completed after 20 steps in 49.3 s; held-out accuracy 21.0 % before, "
                        "94.0 % after; reward 0.300 to 0.900; peak memory 450 MB"));
        QCOMPARE(describe(PhaseChanged{ Phase::evaluating, 1, 0 }), std::string("evaluating"));
        QCOMPARE(describe(PhaseChanged{ Phase::evaluating, 1, 0.5 }), std::string());
        QCOMPARE(describe(CompletionsSampled{}), std::string());
        QCOMPARE(levelOf(RunFailed{}), std::string_view("error"));

        ConsoleLogSink sink(ConsoleLog::open(folder() / "console.log").value());
        sink.publish(RunFailed{ "no memory", "runs/a/step-1" });
        const QByteArray text = contentOf(folder() / "console.log");
        QVERIFY2(text.contains(" error run failed: no memory\n    resume from runs/a/step-1\n"),
            text.constData());
    }
};

QTEST_GUILESS_MAIN(TestEventLog)
#include "tst_event_log.moc"
