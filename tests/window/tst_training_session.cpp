#include "scripted_job.h"
#include "ui/run/training_session.h"

#include <QSignalSpy>
#include <QTest>

#include <atomic>
#include <chrono>
#include <thread>

using namespace zen;
using namespace zen::test;
using ui::TrainingSession;
using State = TrainingSession::State;

namespace {

void publishEndlessSteps(RunControl& control, EventSink& sink)
{
    sink.publish(startedEvent("endless", 1000000));
    std::int64_t step = 0;
    while (!control.stopRequested()) {
        control.waitWhilePaused();
        sink.publish(stepEvent(++step, 1000000, 0.5));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    sink.publish(finishedEvent(control.abortRequested() ? "aborted" : "stopped"));
}

} // namespace

class TestTrainingSession : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void events_arriveInOrderOnTheWindowThread()
    {
        TrainingSession session;
        QStringList seen;
        const auto note = [&](const QString& what) {
            QCOMPARE(QThread::currentThread(), qApp->thread());
            seen << what;
        };
        connect(&session, &TrainingSession::started, this,
            [&](const RunStarted& e) { note(QString::fromStdString("started " + e.run_name)); });
        connect(&session, &TrainingSession::phaseChanged, this,
            [&](const PhaseChanged& e) { note(QStringLiteral("phase %1").arg(e.step)); });
        connect(&session, &TrainingSession::stepFinished, this,
            [&](const StepFinished& e) { note(QStringLiteral("step %1").arg(e.step)); });
        connect(&session, &TrainingSession::evaluationFinished, this,
            [&](const EvaluationFinished& e) { note(QStringLiteral("eval %1").arg(e.step)); });
        connect(&session, &TrainingSession::completionsSampled, this,
            [&](const CompletionsSampled& e) { note(QStringLiteral("sampled %1").arg(e.step)); });
        connect(&session, &TrainingSession::logLine, this,
            [&](const LogLine& e) { note(QString::fromStdString("log " + e.text)); });
        connect(&session, &TrainingSession::checkpointSaved, this,
            [&](const CheckpointSaved& e) { note(QString::fromStdString("saved " + e.path)); });
        connect(&session, &TrainingSession::finished, this,
            [&](const RunFinished& e) { note(QString::fromStdString(e.status)); });

        QVERIFY(session.start(scripted([](RunControl&, EventSink& sink) {
            sink.publish(startedEvent("r1", 2));
            sink.publish(EvaluationFinished{ .step = 0, .metrics = { { "eval/accuracy", 0.2 } } });
            sink.publish(PhaseChanged{ .phase = Phase::generating, .step = 1 });
            sink.publish(sampledEvent(1));
            sink.publish(stepEvent(1, 2, 0.4));
            sink.publish(LogLine{ .level = "info", .text = "hello" });
            sink.publish(CheckpointSaved{ .step = 1, .path = "c1" });
            sink.publish(stepEvent(2, 2, 0.5));
            sink.publish(finishedEvent("completed"));
        })));
        QTRY_COMPARE(session.state(), State::finished);
        QCOMPARE(seen,
            (QStringList{ QStringLiteral("started r1"), QStringLiteral("eval 0"),
                QStringLiteral("phase 1"), QStringLiteral("sampled 1"), QStringLiteral("step 1"),
                QStringLiteral("log hello"), QStringLiteral("saved c1"), QStringLiteral("step 2"),
                QStringLiteral("completed") }));
        QVERIFY(!session.isActive());
        QCOMPARE(session.status().step(), 2);
        QCOMPARE(session.status().metric("reward").value(), 0.5);
    }

    void job_isMadeOnAnotherThread()
    {
        TrainingSession session;
        std::atomic<bool> elsewhere{ false };
        session.start([&]() -> Result<std::unique_ptr<TrainingJob>> {
            elsewhere = QThread::currentThread() != qApp->thread();
            return fail("no such model");
        });
        QSignalSpy failed(&session, &TrainingSession::failed);
        QTRY_COMPARE(failed.count(), 1);
        QVERIFY(elsewhere);
    }

    void jobThatCannotBeMade_failsWithItsMessage()
    {
        TrainingSession session;
        QString message;
        connect(&session, &TrainingSession::failed, this,
            [&](const RunFailed& e) { message = QString::fromStdString(e.message); });
        session.start([]() -> Result<std::unique_ptr<TrainingJob>> {
            return fail("models/x: no config.json");
        });
        QTRY_COMPARE(session.state(), State::failed);
        QCOMPARE(message, QStringLiteral("models/x: no config.json"));
    }

    void jobThatThrowsWhenMade_failsInsteadOfCrashing()
    {
        TrainingSession session;
        session.start(
            []() -> Result<std::unique_ptr<TrainingJob>> { throw std::runtime_error("surprise"); });
        QTRY_COMPARE(session.state(), State::failed);
    }

    void failureInMidRun_keepsTheCheckpointToResumeFrom()
    {
        TrainingSession session;
        RunFailed seen;
        connect(&session, &TrainingSession::failed, this, [&](const RunFailed& e) { seen = e; });
        session.start(scripted([](RunControl&, EventSink& sink) {
            sink.publish(startedEvent("run", 9));
            sink.publish(stepEvent(1, 9, 0.1));
            sink.publish(RunFailed{ .message = "out of memory", .checkpoint = "c/1" });
        }));
        QTRY_COMPARE(session.state(), State::failed);
        QCOMPARE(QString::fromStdString(seen.checkpoint), QStringLiteral("c/1"));
        QVERIFY(session.start(scripted(
            [](RunControl&, EventSink& sink) { sink.publish(finishedEvent("completed")); })));
        QTRY_COMPARE(session.state(), State::finished);
    }

    void jobThatEndsSilently_isReportedAsFailed()
    {
        TrainingSession session;
        session.start(scripted([](RunControl&, EventSink&) {}));
        QTRY_COMPARE(session.state(), State::failed);
    }

    void secondStart_isRefusedWhileOneRuns()
    {
        TrainingSession session;
        QVERIFY(session.start(scripted(publishEndlessSteps)));
        QVERIFY(!session.start(scripted(publishEndlessSteps)));
        session.stop();
        QTRY_COMPARE(session.state(), State::finished);
    }

    void pause_haltsStepsAndResumeContinues()
    {
        TrainingSession session;
        session.start(scripted(publishEndlessSteps));
        QTRY_VERIFY(session.status().step() > 3);
        session.pause();
        QCOMPARE(session.state(), State::paused);
        QTest::qWait(150); // what was under way when the request came has arrived by then
        const std::int64_t at_pause = session.status().step();
        QTest::qWait(150);
        QCOMPARE(session.status().step(), at_pause);
        session.resume();
        QCOMPARE(session.state(), State::running);
        QTRY_VERIFY(session.status().step() > at_pause + 3);
        session.stop();
        QTRY_COMPARE(session.state(), State::finished);
    }

    void stopWhilePaused_endsTheRun()
    {
        TrainingSession session;
        session.start(scripted(publishEndlessSteps));
        QTRY_COMPARE(session.state(), State::running);
        session.pause();
        session.stop();
        QCOMPARE(session.state(), State::stopping);
        QTRY_COMPARE(session.state(), State::finished);
    }

    void stopAskedTwice_aborts()
    {
        TrainingSession session;
        QString status;
        connect(&session, &TrainingSession::finished, this,
            [&](const RunFinished& e) { status = QString::fromStdString(e.status); });
        session.start(scripted([](RunControl& control, EventSink& sink) {
            sink.publish(startedEvent("run", 10));
            while (!control.abortRequested()) // a step that takes for ever
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            sink.publish(finishedEvent("aborted"));
        }));
        QTRY_COMPARE(session.state(), State::running);
        session.stop();
        session.stop();
        QTRY_COMPARE(session.state(), State::finished);
        QCOMPARE(status, QStringLiteral("aborted"));
    }

    void saveAndSampleRequests_reachTheJob()
    {
        TrainingSession session;
        session.start(scripted([](RunControl& control, EventSink& sink) {
            sink.publish(startedEvent("run", 10));
            bool saved = false, sampled = false;
            while (!(saved && sampled)) {
                saved = saved || control.takeSaveRequest();
                sampled = sampled || control.takeSampleRequest();
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            sink.publish(finishedEvent("completed"));
        }));
        QTRY_COMPARE(session.state(), State::running);
        session.saveNow();
        session.sampleNow();
        QTRY_COMPARE(session.state(), State::finished);
    }

    void destroyedInMidRun_stopsAndJoins()
    {
        std::atomic<int> begun{ 0 };
        std::atomic<int> ended{ 0 };
        for (int round = 0; round < 20; ++round) {
            auto session = std::make_unique<TrainingSession>();
            session->start(scripted([&](RunControl& control, EventSink& sink) {
                ++begun;
                publishEndlessSteps(control, sink);
                ++ended;
            }));
            if (round == 0) // the others may be stopped before their job begins
                QTRY_COMPARE(begun.load(), 1);
            QTest::qWait(round);
            if (round % 2 == 1)
                session->pause();
            session.reset();
            QCOMPARE(ended.load(), begun.load());
        }
    }

    void startAgainFromTheFinishedSignal_works()
    {
        TrainingSession session;
        int runs = 0;
        const auto script = scripted(
            [](RunControl&, EventSink& sink) { sink.publish(finishedEvent("completed")); });
        connect(&session, &TrainingSession::finished, this, [&] {
            if (++runs < 3)
                QVERIFY(session.start(script));
        });
        session.start(script);
        QTRY_COMPARE(runs, 3);
    }

    void timeLeft_isHiddenForTheFirstStepsAndThenTheMedianTimesTheRest()
    {
        ui::RunStatus status;
        status.apply(startedEvent("run", 100));
        for (int step = 1; step <= 4; ++step) {
            status.apply(stepEvent(step, 100, 0.1)); // 1.5 s each
            QVERIFY(!status.secondsLeft());
        }
        StepFinished slow = stepEvent(5, 100, 0.1);
        slow.metrics["step_time"] = 60; // one outlier moves nothing
        status.apply(slow);
        QCOMPARE(status.secondsLeft().value(), 95 * 1.5);
        status.apply(RunFinished{});
        QVERIFY(!status.secondsLeft());
    }
};

QTEST_MAIN(TestTrainingSession)
#include "tst_training_session.moc"
