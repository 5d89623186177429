#include "core/runs/event_queue.h"
#include "core/runs/events.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QTest>

#include <cmath>
#include <limits>
#include <thread>

using namespace zen;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

RunFinished finished()
{
    return { "completed", 20, 12.5, 0.21, 0.94, 0.3, std::nullopt, 1'000'000, 900'000 };
}

std::vector<Event> oneOfEach()
{
    SampledCompletion completion{ "line\none \"quoted\" \xE2\x80\xA8 end", { 1, -2, 151935 },
        { -0.1f, -12.75f, 0.f }, { 1.0, std::nullopt }, 0.5, -1.25, true };
    SampledCompletion unscored;
    return { RunStarted{
                 "first", "gspo", "zen/starter", 5, 200, 1ull << 40, 800'000, 12'288, "float32" },
        PhaseChanged{ Phase::generating, 6, 0.25 },
        StepFinished{ 6, 200, 0.375,
            { { "loss", -1e-9 }, { "reward", 0.5 }, { "completions/mean_length", 31.5 } } },
        EvaluationFinished{ 0, { { "eval/accuracy", 0.21 } } },
        CompletionsSampled{ 6, { "acc", "fmt" },
            { SampledGroup{ "<|im_start|>user\n", "#### 7", { completion, unscored } } } },
        LogLine{ "warning", "disk\tis nearly full" },
        CheckpointSaved{ 6, "runs/größe/step-00000006", 123 }, finished(),
        RunFailed{ "out of memory", "runs/a/checkpoints/step-00000006" } };
}

QJsonObject parsed(const std::string& line)
{
    return QJsonDocument::fromJson(QByteArray::fromStdString(line)).object();
}

} // namespace

class TestEvents : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyEvent_survivesTheRoundTrip()
    {
        const std::vector<Event> events = oneOfEach();
        QCOMPARE(events.size(), std::variant_size_v<Event>);
        for (const Event& event : events) {
            const std::string line = toJsonLine(event, "2026-11-24T03:35:00.123Z");
            QCOMPARE(line.find('\n'), std::string::npos);
            const auto back = fromJsonLine(line);
            QVERIFY2(back.has_value(), back ? "" : back.error().message.c_str());
            QVERIFY2(*back == event, line.c_str());
        }
    }

    void lines_areJsonWithNameAndTimeFirst()
    {
        const std::string line = toJsonLine(oneOfEach()[2], "2026-11-24T03:35:00.123Z");
        QVERIFY(line.starts_with(
            "{\"event\":\"step_finished\",\"time\":\"2026-11-24T03:35:00.123Z\","));
        const QJsonObject object = parsed(line);
        QCOMPARE(object["step"].toInt(), 6);
        QCOMPARE(object["metrics"].toObject()["completions/mean_length"].toDouble(), 31.5);
        const QJsonObject sampled = parsed(toJsonLine(oneOfEach()[4], ""));
        const QJsonObject first
            = sampled["groups"].toArray()[0].toObject()["completions"].toArray()[0].toObject();
        QCOMPARE(
            first["text"].toString(), QString::fromUtf8("line\none \"quoted\" \xE2\x80\xA8 end"));
        QVERIFY(first["reward_terms"].toArray()[1].isNull());
    }

    void numbersThatAreNotFinite_becomeNull()
    {
        const StepFinished step{ 1, 2, kNan,
            { { "kl", kInf }, { "loss", -kInf }, { "reward", 1 } } };
        const QJsonObject object = parsed(toJsonLine(step, ""));
        QVERIFY(object["epoch"].isNull());
        QVERIFY(object["metrics"].toObject()["kl"].isNull());
        QVERIFY(object["metrics"].toObject()["loss"].isNull());
        const auto back = std::get<StepFinished>(fromJsonLine(toJsonLine(step, "")).value());
        QVERIFY(std::isnan(back.metrics.at("kl")));
        QCOMPARE(back.metrics.at("reward"), 1.0);

        RunFinished run = finished();
        run.reward_last = kNan;
        run.seconds = kInf;
        QVERIFY(parsed(toJsonLine(run, ""))["reward_last"].isNull());
        QVERIFY(!std::get<RunFinished>(fromJsonLine(toJsonLine(run, "")).value()).reward_last);

        const CompletionsSampled sampled{ 1, {},
            { SampledGroup{ "", "",
                { SampledCompletion{ "", {}, { -std::numeric_limits<float>::infinity() }, { kNan },
                    kInf, kNan, false } } } } };
        const auto group
            = std::get<CompletionsSampled>(fromJsonLine(toJsonLine(sampled, "")).value())
                  .groups.at(0);
        QVERIFY(!group.completions[0].reward && !group.completions[0].reward_terms[0]);
        QVERIFY(std::isnan(group.completions[0].logprobs[0])
            && std::isnan(group.completions[0].advantage));
    }

    void logprobs_keepEveryBit()
    {
        std::vector<float> logprobs;
        std::uint32_t state = 1;
        for (int i = 0; i < 20000; ++i) {
            state = state * 1664525u + 1013904223u;
            logprobs.push_back(
                -std::ldexp(static_cast<float>(state >> 8), static_cast<int>(state & 31) - 36));
        }
        const CompletionsSampled sampled{ 1, {},
            { SampledGroup{
                "", "", { SampledCompletion{ "", {}, logprobs, {}, {}, 0, false } } } } };
        const auto back
            = std::get<CompletionsSampled>(fromJsonLine(toJsonLine(sampled, "")).value());
        QVERIFY(back.groups[0].completions[0].logprobs == logprobs);
    }

    void illFormedText_isRepaired()
    {
        const auto back = fromJsonLine(toJsonLine(LogLine{ "info", "a\xff\xE2\x82z" }, ""));
        QCOMPARE(std::get<LogLine>(back.value()).text, std::string("a\xEF\xBF\xBD\xEF\xBF\xBDz"));
    }

    void unknownKeys_areIgnored_missingOnesAreDefaults()
    {
        const auto event = fromJsonLine(R"({"event":"log_line","text":"a","later":{"x":[1]}})");
        QCOMPARE(std::get<LogLine>(event.value()), (LogLine{ "", "a" }));
    }

    void damagedLines_sayWhatIsWrong_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QString>("expected");
        QTest::newRow("empty") << QByteArray("") << "not a JSON object";
        QTest::newRow("torn") << QByteArray(R"({"event":"log_line","te)") << "not a JSON object";
        QTest::newRow("list") << QByteArray("[1]") << "array";
        QTest::newRow("no name") << QByteArray("{}") << "no \"event\"";
        QTest::newRow("name is no text") << QByteArray(R"({"event":7})") << "no \"event\"";
        QTest::newRow("unknown event")
            << QByteArray(R"({"event":"exploded"})") << "unknown event \"exploded\"";
        QTest::newRow("wrong type") << QByteArray(R"({"event":"step_finished","step":"six"})")
                                    << "\"step\" is not an integer";
        QTest::newRow("real for integer") << QByteArray(R"({"event":"step_finished","step":1.5})")
                                          << "\"step\" is not an integer";
        QTest::newRow("negative size")
            << QByteArray(R"({"event":"checkpoint_saved","bytes":-1})") << "\"bytes\"";
        QTest::newRow("metric is text")
            << QByteArray(R"({"event":"step_finished","metrics":{"loss":"low"}})")
            << "\"loss\" is not a number";
        QTest::newRow("metrics is a list")
            << QByteArray(R"({"event":"step_finished","metrics":[]})") << "\"metrics\"";
        QTest::newRow("unknown phase")
            << QByteArray(R"({"event":"phase_changed","phase":"dreaming"})") << "\"phase\"";
        QTest::newRow("group is a number")
            << QByteArray(R"({"event":"completions_sampled","groups":[7]})") << "\"groups\"";
        QTest::newRow("ids are texts") << QByteArray(
            R"({"event":"completions_sampled","groups":[{"completions":[{"ids":["a"]}]}]})")
                                       << "\"ids\"";
        QTest::newRow("not UTF-8")
            << QByteArray("{\"event\":\"log_line\",\"text\":\"\xff\"}") << "not a JSON object";
        QTest::newRow("very deep") << QByteArray(100000, '[') << "not a JSON object";
    }

    void damagedLines_sayWhatIsWrong()
    {
        QFETCH(QByteArray, line);
        QFETCH(QString, expected);
        const auto event = fromJsonLine(line.toStdString());
        QVERIFY(!event);
        QVERIFY2(QString::fromStdString(event.error().message).contains(expected),
            event.error().message.c_str());
    }

    void utcNow_isAnIsoTime()
    {
        const QRegularExpression iso("^20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$");
        QVERIFY(iso.match(QString::fromStdString(utcNow())).hasMatch());
    }

    void queue_keepsOrder()
    {
        EventQueue queue;
        const std::vector<Event> events = oneOfEach();
        for (const Event& event : events)
            queue.publish(event);
        QVERIFY(queue.drain() == events);
        QVERIFY(queue.drain().empty());
        QCOMPARE(queue.dropped(), std::size_t{ 0 });
    }

    void fullQueue_dropsPhasesThenCompletionsThenLogs()
    {
        EventQueue queue(4);
        queue.publish(LogLine{ "info", "1" });
        queue.publish(CompletionsSampled{ 1, {}, {} });
        queue.publish(PhaseChanged{ Phase::scoring, 1, 0 });
        queue.publish(StepFinished{ 1, 9, 0, {} });
        queue.publish(StepFinished{ 2, 9, 0, {} }); // drops the phase
        queue.publish(StepFinished{ 3, 9, 0, {} }); // the completions
        QVERIFY((queue.drain()
            == std::vector<Event>{ LogLine{ "info", "1" }, StepFinished{ 1, 9, 0, {} },
                StepFinished{ 2, 9, 0, {} }, StepFinished{ 3, 9, 0, {} } }));
        QCOMPARE(queue.dropped(), std::size_t{ 2 });
    }

    void fullQueue_neverDropsWhatCounts()
    {
        EventQueue queue(2);
        for (std::int64_t step = 1; step <= 10; ++step) {
            queue.publish(StepFinished{ step, 10, 0, {} });
            queue.publish(PhaseChanged{ Phase::generating, step, 0 });
            queue.publish(LogLine{ "info", "x" });
        }
        queue.publish(CheckpointSaved{ 10, "a", 1 });
        queue.publish(EvaluationFinished{ 10, {} });
        queue.publish(finished());
        const std::vector<Event> events = queue.drain();
        QCOMPARE(events.size(), std::size_t{ 13 });
        QVERIFY(std::holds_alternative<RunFinished>(events.back()));
        QCOMPARE(queue.dropped(), std::size_t{ 20 });
    }

    void queue_isSafeBetweenThreads()
    {
        EventQueue queue(64);
        std::thread trainer([&] {
            for (std::int64_t step = 1; step <= 2000; ++step) {
                queue.publish(PhaseChanged{ Phase::generating, step, 0 });
                queue.publish(StepFinished{ step, 2000, 0, { { "loss", 1 } } });
            }
            queue.publish(finished());
        });
        std::int64_t last = 0;
        for (bool done = false; !done;)
            for (const Event& event : queue.drain()) {
                if (const auto* step = std::get_if<StepFinished>(&event))
                    last = step->step == last + 1 ? step->step : -1;
                done = done || std::holds_alternative<RunFinished>(event);
            }
        trainer.join();
        QCOMPARE(last, std::int64_t{ 2000 });
    }
};

QTEST_GUILESS_MAIN(TestEvents)
#include "tst_events.moc"
