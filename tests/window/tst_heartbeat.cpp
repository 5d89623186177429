#include "synthetic_run.h"
#include "ui/rollouts/rollouts_page.h"
#include "ui/run/run_page.h"

#include <QTest>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

using namespace zen;
using namespace zen::test;
using namespace zen::ui;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kWindows = 5; ///< a busy machine may spoil some: the best one counts
constexpr std::chrono::seconds kWindowLength{ 2 };
constexpr std::chrono::milliseconds kBeat{ 10 };

/// Every core computes, as libtorch's threads would: started by the job, so at the trainer's
/// priority.
void burnAllCores(RunControl& control, EventSink& sink)
{
    std::vector<std::jthread> burners;
    for (unsigned core = 0; core < std::max(2U, std::thread::hardware_concurrency()); ++core)
        burners.emplace_back([&control] {
            volatile double sum = 0;
            while (!control.stopRequested())
                for (int i = 0; i < 100000; ++i)
                    sum = sum * 1.0000001 + 0.5;
        });
    constexpr std::int64_t total = 100000;
    const std::vector<Event> history = syntheticRun(5000, total);
    for (const Event& event : history)
        sink.publish(event);
    for (std::int64_t step = 5001; !control.stopRequested(); ++step) {
        sink.publish(PhaseChanged{ .phase = Phase::generating, .step = step, .fraction = 0.5 });
        sink.publish(sampledEvent(step));
        sink.publish(LogLine{ .level = "info", .text = "step " + std::to_string(step) });
        sink.publish(stepEvent(step, total, 0.5));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    sink.publish(finishedEvent("stopped"));
}

/// CPU time of the calling thread.
double threadSeconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Milliseconds from post to delivery of an event every 10 ms, sorted.
std::vector<double> measureDelays(QObject& receiver)
{
    std::vector<double> delays; // window thread only
    std::atomic<int> in_flight{ 0 };
    {
        std::jthread heart([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                ++in_flight;
                QMetaObject::invokeMethod(
                    &receiver,
                    [&delays, &in_flight, posted = Clock::now()] {
                        delays.push_back(
                            std::chrono::duration<double, std::milli>(Clock::now() - posted)
                                .count());
                        --in_flight;
                    },
                    Qt::QueuedConnection);
                std::this_thread::sleep_for(kBeat);
            }
        });
        QTest::qWait(static_cast<int>(std::chrono::milliseconds(kWindowLength).count()));
    }
    while (in_flight > 0)
        QCoreApplication::processEvents();
    std::sort(delays.begin(), delays.end());
    return delays;
}

} // namespace

class TestHeartbeat : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void windowAnswersWhileEveryCoreTrains()
    {
        TrainingSession session;
        RunPage run(session);
        RolloutsPage rollouts(session);
        run.resize(1180, 740);
        run.show(); // the other pages listen behind it, as in the window
        session.start(scripted(burnAllCores));
        QTRY_VERIFY_WITH_TIMEOUT(session.status().step() > 5000, 30000);
        QObject receiver;
        double best = 1e9;
        for (int window = 0; window < kWindows && best > 50; ++window) {
            const double before = threadSeconds();
            const std::vector<double> delays = measureDelays(receiver);
            const double busy
                = (threadSeconds() - before) / std::chrono::duration<double>(kWindowLength).count();
            QVERIFY(delays.size() > 20);
            const double p50 = delays[delays.size() / 2];
            const double p99 = delays[delays.size() * 99 / 100];
            qInfo("event-loop delay over %zu beats: p50 %.1f ms, p99 %.1f ms, max %.1f ms; window "
                  "thread %.0f %% of a core",
                delays.size(), p50, p99, delays.back(), 100 * busy);
            best = std::min(best, p99);
        }
        session.stop();
        QTRY_VERIFY_WITH_TIMEOUT(!session.isActive(), 10000);
        QVERIFY2(best <= 50, qPrintable(QStringLiteral("p99 %1 ms in the best window").arg(best)));
    }
};

QTEST_MAIN(TestHeartbeat)
#include "tst_heartbeat.moc"
