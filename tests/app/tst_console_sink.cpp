#include "app/gym/console_sink.h"
#include "app/gym/terminal.h"
#include "core/base/duration_text.h"

#include <QtTest>

#include <algorithm>
#include <string>

using namespace zen;
using namespace zen::gym;

/// The terminal's view of a run: what is written, given events and a clock.
class TestConsoleSink : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void plainOutput_hasALineEachLoggingStep();
    void plainOutput_hasNoControlCharacters();
    void liveLine_staysInsideTheWidth_data();
    void liveLine_staysInsideTheWidth();
    void liveLine_isRedrawnTenTimesASecondAtMost();
    void liveLine_isClearedBeforeTheLog();
    void timeLeft_followsRecentSteps();
    void finish_namesAccuracyRewardAndFolder();
    void stop_saysHowToGoOn();
    void textFromOutside_cannotMoveTheCursor();
    void durationsAndTables_areReadable();

private:
    ConsoleSink sink(ConsoleOptions options)
    {
        m_written.clear();
        m_now = 0;
        return ConsoleSink(
            std::move(options), [this](std::string_view text) { m_written += text; },
            [this] { return m_now; });
    }
    static StepFinished step(std::int64_t number, std::int64_t total, double reward)
    {
        return { number, total, 0,
            { { "reward", reward }, { "loss", 0.125 }, { "policy/ppl", 2.5 },
                { "speed/rollout_tokens_per_second", 1234 } } };
    }
    static RunStarted started(std::int64_t total)
    {
        RunStarted event;
        event.stage = "gspo";
        event.model = "zen/starter";
        event.total_steps = total;
        return event;
    }

    std::string m_written;
    double m_now = 0;
};

void TestConsoleSink::plainOutput_hasALineEachLoggingStep()
{
    ConsoleOptions options;
    options.logging_steps = 2;
    ConsoleSink console = sink(options);
    console.publish(started(5));
    m_written.clear();
    for (int number = 1; number <= 5; ++number)
        console.publish(step(number, 5, 0.5));
    const QString text = QString::fromStdString(m_written);
    QVERIFY(
        text.contains(QStringLiteral("step 2/5  reward 0.500  loss 0.1250  ppl 2.50  1234 tok/s")));
    QVERIFY(text.contains(QStringLiteral("step 4/5")));
    QVERIFY(text.contains(QStringLiteral("step 5/5"))); // the last one always
    QCOMPARE(text.count(QLatin1Char('\n')), 3);
}

void TestConsoleSink::plainOutput_hasNoControlCharacters()
{
    ConsoleSink console = sink({});
    console.publish(started(2));
    console.publish(PhaseChanged{ Phase::generating, 1, 0.5 });
    console.publish(step(1, 2, 0.1));
    console.tick();
    QVERIFY(m_written.find('\x1b') == std::string::npos);
    QVERIFY(m_written.find('\r') == std::string::npos);
}

void TestConsoleSink::liveLine_staysInsideTheWidth_data()
{
    QTest::addColumn<int>("width");
    for (const int width : { 40, 60, 80, 200 })
        QTest::addRow("%d columns", width) << width;
}

void TestConsoleSink::liveLine_staysInsideTheWidth()
{
    QFETCH(int, width);
    ConsoleOptions options;
    options.live = true;
    options.width = static_cast<std::size_t>(width);
    ConsoleSink console = sink(options);
    console.publish(started(100));
    for (int number = 1; number <= 30; ++number) {
        m_now += 2;
        console.publish(step(number, 100, number / 30.0));
    }
    QVERIFY(displayWidth(console.liveLine()) < options.width);
    QVERIFY(console.liveLine().find("30/100") != std::string::npos);
}

void TestConsoleSink::liveLine_isRedrawnTenTimesASecondAtMost()
{
    ConsoleOptions options;
    options.live = true;
    ConsoleSink console = sink(options);
    console.publish(started(10));
    console.tick();
    m_written.clear();
    for (int i = 0; i < 100; ++i) { // one second
        m_now += 0.01;
        console.publish(PhaseChanged{ Phase::generating, 1, i / 100.0 });
        console.tick();
    }
    const auto drawings = std::count(m_written.begin(), m_written.end(), '\r');
    QVERIFY(drawings >= 9 && drawings <= 10);
}

void TestConsoleSink::liveLine_isClearedBeforeTheLog()
{
    ConsoleOptions options;
    options.live = true;
    ConsoleSink console = sink(options);
    console.publish(started(10));
    console.tick();
    m_written.clear();
    console.publish(LogLine{ "warning", "careful" });
    QCOMPARE(QString::fromStdString(m_written), QStringLiteral("\r\x1b[Kwarning: careful\n"));
}

void TestConsoleSink::timeLeft_followsRecentSteps()
{
    ConsoleSink console = sink({});
    console.publish(started(10));
    for (int number = 1; number <= 4; ++number) {
        m_now += 3;
        console.publish(step(number, 10, 0.5));
    }
    QVERIFY2(m_written.ends_with("18 s left\n"), m_written.c_str()); // 6 steps of 3 s
}

void TestConsoleSink::finish_namesAccuracyRewardAndFolder()
{
    ConsoleOptions options;
    options.run_folder = "runs/first";
    options.model = "zen/starter";
    ConsoleSink console = sink(options);
    RunFinished finished;
    finished.status = "completed";
    finished.steps = 60;
    finished.seconds = 92;
    finished.eval_accuracy_before = 0.214;
    finished.eval_accuracy_after = 0.952;
    finished.reward_first = 0.25;
    finished.reward_last = 0.9;
    console.publish(finished);
    const QString text = QString::fromStdString(m_written);
    QVERIFY(text.contains(QStringLiteral("Finished: 60 steps in 1 min 32 s.")));
    QVERIFY(text.contains(QStringLiteral("Held-out accuracy: 21.4 % before, 95.2 % after.")));
    QVERIFY(text.contains(QStringLiteral("Reward: 0.250 at first, 0.900 at last.")));
    QVERIFY(text.contains(QStringLiteral("gym chat zen/starter --adapter runs/first/adapter")));
}

void TestConsoleSink::stop_saysHowToGoOn()
{
    ConsoleOptions options;
    options.run_folder = "runs/first";
    options.config = "configs/starter_gspo.yaml";
    ConsoleSink console = sink(options);
    RunFinished finished;
    finished.status = "stopped";
    finished.steps = 7;
    console.publish(finished);
    QVERIFY(QString::fromStdString(m_written).contains(
        QStringLiteral("gym train configs/starter_gspo.yaml --output_dir runs/first "
                       "--resume_from_checkpoint latest")));
}

void TestConsoleSink::textFromOutside_cannotMoveTheCursor()
{
    QCOMPARE(printable("a\x1b[2Jb"), std::string("a^[[2Jb"));
    QCOMPARE(printable("a\xC2\x9B"
                       "31mb"),
        std::string("a\uFFFD31mb"));
    QCOMPARE(printable("caf\xC3\xA9 \xC2\xA0 \xE6\x97\xA5"),
        std::string("caf\xC3\xA9 \xC2\xA0 \xE6\x97\xA5"));
    QCOMPARE(printable("bad \xFF end"), std::string("bad \uFFFD end"));
    QCOMPARE(excerpt("one\ntwo three", 9), std::string("one two …"));
}

void TestConsoleSink::durationsAndTables_areReadable()
{
    QCOMPARE(formatDuration(59.4), std::string("59 s"));
    QCOMPARE(formatDuration(92), std::string("1 min 32 s"));
    QCOMPARE(formatDuration(7500), std::string("2 h 5 min"));
    Table table({ "name", "value" });
    table.add({ "é", "7" });
    table.add({ "longer", "12.5" });
    QCOMPARE(table.text(), std::string("name    value\né           7\nlonger   12.5\n"));
}

QTEST_GUILESS_MAIN(TestConsoleSink)
#include "tst_console_sink.moc"
