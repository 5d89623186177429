#include "core/base/durable_file.h"
#include "core/runs/event_log.h"
#include "core/runs/metric_reports.h"
#include "core/runs/tensorboard_file.h"

#include <QTemporaryDir>
#include <QTest>

#include <nlohmann/json.hpp>

#include <clocale>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

using namespace zen;
namespace fs = std::filesystem;

namespace {

/// CRC-32C bit by bit, from its definition.
std::uint32_t crc32c(std::string_view bytes)
{
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
    }
    return crc ^ 0xffffffff;
}

std::uint32_t masked(std::string_view bytes)
{
    const std::uint32_t crc = crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

/// A protocol buffers message: field number -> values as they stand.
struct Fields {
    std::multimap<int, std::uint64_t> numbers; ///< varint, 32 and 64 bits
    std::multimap<int, std::string> bytes;
};

std::uint64_t varint(std::string_view& rest)
{
    std::uint64_t value = 0;
    for (int shift = 0; !rest.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        value |= std::uint64_t{ byte & 0x7fU } << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

Fields parse(std::string_view rest)
{
    Fields fields;
    while (!rest.empty()) {
        const std::uint64_t key = varint(rest);
        const int field = static_cast<int>(key >> 3);
        std::uint64_t value = 0;
        switch (key & 7) {
        case 0:
            fields.numbers.emplace(field, varint(rest));
            break;
        case 1:
        case 5: {
            const std::size_t size = (key & 7) == 1 ? 8 : 4;
            std::memcpy(&value, rest.data(), size);
            fields.numbers.emplace(field, value);
            rest.remove_prefix(size);
            break;
        }
        case 2: {
            const std::uint64_t size = varint(rest);
            fields.bytes.emplace(field, rest.substr(0, size));
            rest.remove_prefix(size);
            break;
        }
        default:
            qFatal("a wire type that no event has");
        }
    }
    return fields;
}

struct Scalar {
    std::int64_t step = 0;
    double wall_time = 0;
    float value = 0;
};

/// One event file, checked frame by frame.
struct EventFile {
    std::string version;
    std::vector<std::int64_t> starts; ///< steps of SessionLog START
    std::map<std::string, std::vector<Scalar>> scalars;
    bool torn = false;
};

EventFile readEventFile(const fs::path& path)
{
    EventFile file;
    const std::string content = readFile(path).value();
    std::string_view rest = content;
    while (!rest.empty()) {
        std::uint64_t length = 0;
        std::uint32_t head_sum = 0, sum = 0;
        if (rest.size() < 12) {
            file.torn = true;
            break;
        }
        std::memcpy(&length, rest.data(), 8);
        std::memcpy(&head_sum, rest.data() + 8, 4);
        if (head_sum != masked(rest.substr(0, 8)))
            qFatal("wrong checksum of a length");
        if (rest.size() < 12 + length + 4) {
            file.torn = true;
            break;
        }
        const std::string_view message = rest.substr(12, length);
        std::memcpy(&sum, rest.data() + 12 + length, 4);
        if (sum != masked(message))
            qFatal("wrong checksum of a message");
        rest.remove_prefix(12 + length + 4);
        const Fields event = parse(message);
        double wall_time = 0;
        std::memcpy(&wall_time, &event.numbers.find(1)->second, 8);
        const auto step = event.numbers.find(2) == event.numbers.end()
            ? 0
            : static_cast<std::int64_t>(event.numbers.find(2)->second);
        if (event.bytes.contains(3))
            file.version = event.bytes.find(3)->second;
        if (event.bytes.contains(7)
            && parse(event.bytes.find(7)->second).numbers.find(1)->second == 1)
            file.starts.push_back(step);
        if (event.bytes.contains(5))
            for (const auto& [field, bytes] : parse(event.bytes.find(5)->second).bytes) {
                const Fields value = parse(bytes);
                const auto bits = static_cast<std::uint32_t>(value.numbers.find(2)->second);
                float number = 0;
                std::memcpy(&number, &bits, 4);
                file.scalars[value.bytes.find(1)->second].push_back({ step, wall_time, number });
            }
    }
    return file;
}

std::vector<fs::path> filesIn(const fs::path& folder)
{
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder))
        files.insert(entry.path());
    return { files.begin(), files.end() };
}

/// What TensorBoard shows of a folder: START forgets the steps from there on.
std::map<std::string, std::vector<Scalar>> shown(const fs::path& folder)
{
    std::map<std::string, std::vector<Scalar>> all;
    for (const fs::path& path : filesIn(folder)) {
        const EventFile file = readEventFile(path);
        for (const std::int64_t start : file.starts)
            for (auto& [tag, scalars] : all)
                std::erase_if(scalars, [&](const Scalar& one) { return one.step >= start; });
        for (const auto& [tag, scalars] : file.scalars)
            all[tag].insert(all[tag].end(), scalars.begin(), scalars.end());
    }
    return all;
}

std::vector<std::string> linesOf(const fs::path& path)
{
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

RunStarted started(std::int64_t first_step)
{
    RunStarted event;
    event.run_name = "run";
    event.first_step = first_step;
    event.total_steps = 10;
    return event;
}

StepFinished step(std::int64_t number, double reward, Metrics more = {})
{
    more["reward"] = reward;
    more["loss"] = -0.00012345678;
    more["learning_rate"] = 1e-5;
    return { number, 10, static_cast<double>(number) / 4, std::move(more) };
}

/// One session of a run: everything goes to the log first, then to the reports.
struct SessionOf {
    std::unique_ptr<EventLog> log;
    MetricReports reports;
    SessionOf(const fs::path& folder, const std::vector<std::string>& report_to)
        : log(EventLog::open(folder).value())
        , reports(RunFolder{ folder }, report_to)
    {
    }
    void publish(const Event& event)
    {
        log->publish(event);
        reports.publish(event);
    }
};

} // namespace

class TestMetricReports : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path folder() const { return m_folder->path().toStdString(); }

    /// Steps 1 to 4, killed, resumed after step 2.
    void runTwice(const std::vector<std::string>& report_to) const
    {
        {
            SessionOf first(folder(), report_to);
            first.publish(started(0));
            first.publish(EvaluationFinished{ 0, { { "eval/accuracy", 0.25 } } });
            for (int number = 1; number <= 4; ++number)
                first.publish(step(number, 0.1 * number));
        }
        SessionOf second(folder(), report_to);
        second.publish(started(2));
        for (int number = 3; number <= 5; ++number)
            second.publish(step(number, number, { { "kl", 0.5 } }));
    }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void checksum_isCastagnolis()
    {
        QCOMPARE(crc32c("123456789"), 0xe3069283U); // the check value of the polynomial
        QCOMPARE(maskedCrc32c("123456789"), masked("123456789"));
        QCOMPARE(maskedCrc32c(std::string(32, '\0')),
            ((0x8a9136aaU >> 15) | (0x8a9136aaU << 17)) + 0xa282ead8);
    }

    void tensorBoardFile_holdsTheScalarsWithTheirTimes()
    {
        SessionOf session(folder(), { "tensorboard" });
        const double before = wallTimeNow();
        session.publish(started(0));
        session.publish(EvaluationFinished{ 0, { { "eval/accuracy", 0.25 } } });
        session.publish(step(1, 0.5, { { "rewards/number_equal/mean", 0.75 } }));
        session.publish(step(300, -1.5));
        const auto files = filesIn(folder() / "tensorboard");
        QCOMPARE(files.size(), std::size_t{ 1 });
        QVERIFY(files[0].filename().string().starts_with("events.out.tfevents."));
        const EventFile file = readEventFile(files[0]);
        QVERIFY(!file.torn);
        QCOMPARE(file.version, std::string("brain.Event:2"));
        QVERIFY(file.starts.empty());
        const auto& rewards = file.scalars.at("train/reward");
        QCOMPARE(rewards.size(), std::size_t{ 2 });
        QCOMPARE(rewards[0].step, 1);
        QCOMPARE(rewards[0].value, 0.5F);
        QCOMPARE(rewards[1].step, 300);
        QCOMPARE(rewards[1].value, -1.5F);
        QVERIFY(rewards[0].wall_time >= before && rewards[1].wall_time <= wallTimeNow());
        QCOMPARE(file.scalars.at("train/rewards/number_equal/mean")[0].value, 0.75F);
        QCOMPARE(file.scalars.at("train/epoch")[0].value, 0.25F);
        QCOMPARE(file.scalars.at("eval/accuracy")[0].step, 0);
    }

    void resumedRun_continuesInTensorBoard()
    {
        runTwice({ "tensorboard" });
        const auto files = filesIn(folder() / "tensorboard");
        QCOMPARE(files.size(), std::size_t{ 2 });
        QCOMPARE(readEventFile(files[1]).starts, std::vector<std::int64_t>{ 3 });
        const auto all = shown(folder() / "tensorboard");
        std::vector<std::int64_t> steps;
        for (const Scalar& scalar : all.at("train/reward"))
            steps.push_back(scalar.step);
        QCOMPARE(steps, (std::vector<std::int64_t>{ 1, 2, 3, 4, 5 }));
        QCOMPARE(all.at("train/reward")[2].value, 3.0F);
        QCOMPARE(all.at("eval/accuracy").size(), std::size_t{ 1 });
    }

    void tornRecord_isCutWhenARunGoesOn()
    {
        {
            SessionOf first(folder(), { "tensorboard" });
            first.publish(started(0));
            first.publish(step(1, 0.5));
        }
        const fs::path path = filesIn(folder() / "tensorboard").front();
        fs::resize_file(path, fs::file_size(path) - 3);
        QVERIFY(readEventFile(path).torn);
        SessionOf second(folder(), { "tensorboard" });
        second.publish(started(0));
        QVERIFY(!readEventFile(path).torn);
        QCOMPARE(readEventFile(path).version, std::string("brain.Event:2"));
    }

    void reporterAddedOnResume_getsTheEarlierSteps()
    {
        {
            SessionOf first(folder(), { "none" });
            first.publish(started(0));
            first.publish(step(1, 0.5));
        }
        QVERIFY(!fs::exists(folder() / "tensorboard"));
        SessionOf second(folder(), { "tensorboard", "csv" });
        second.publish(started(1));
        second.publish(step(2, 0.75));
        QCOMPARE(shown(folder() / "tensorboard").at("train/reward").size(), std::size_t{ 2 });
        QCOMPARE(linesOf(folder() / "metrics.csv").size(), std::size_t{ 3 });
    }

    void csv_hasARowForEachEventAndNoStepTwice()
    {
        runTwice({ "csv" });
        const auto lines = linesOf(folder() / "metrics.csv");
        QCOMPARE(lines.size(), std::size_t{ 7 }); // header, the evaluation, five steps
        QCOMPARE(
            lines[0], std::string("time,step,epoch,eval/accuracy,kl,learning_rate,loss,reward"));
        QVERIFY(lines[1].ends_with(",0,,0.25,,,,"));
        QVERIFY(lines[2].ends_with(",1,0.25,,,1e-05,-0.00012345678,0.1"));
        QVERIFY(lines[4].ends_with(",3,0.75,,0.5,1e-05,-0.00012345678,3"));
        QVERIFY(lines[6].ends_with(",5,1.25,,0.5,1e-05,-0.00012345678,5"));
    }

    void csv_quotesNamesAndLeavesNonFiniteEmpty()
    {
        SessionOf session(folder(), { "csv" });
        session.publish(started(0));
        session.publish(
            StepFinished{ 1, 1, 0, { { "rewards/a,\"b\"/mean", 1 }, { "loss", NAN } } });
        const auto lines = linesOf(folder() / "metrics.csv");
        QCOMPARE(lines[0], std::string("time,step,epoch,loss,\"rewards/a,\"\"b\"\"/mean\""));
        QVERIFY(lines[1].ends_with(",1,0,,1"));
    }

    void jsonLines_areFlat()
    {
        runTwice({ "jsonl" });
        const auto lines = linesOf(folder() / "metrics.jsonl");
        QCOMPARE(lines.size(), std::size_t{ 6 });
        const auto third = nlohmann::json::parse(lines[3]);
        QCOMPARE(third["step"].get<int>(), 3);
        QCOMPARE(third["reward"].get<double>(), 3.0);
        QCOMPARE(third["kl"].get<double>(), 0.5);
    }

    void trainerLog_hasLlamaFactorysKeys()
    {
        runTwice({ "trainer_log" });
        const auto lines = linesOf(folder() / "trainer_log.jsonl");
        QCOMPARE(lines.size(), std::size_t{ 5 });
        const auto line = nlohmann::ordered_json::parse(lines[4]);
        std::vector<std::string> keys;
        for (const auto& [key, value] : line.items())
            keys.push_back(key);
        QCOMPARE(keys,
            (std::vector<std::string>{ "current_steps", "total_steps", "loss", "reward", "lr",
                "epoch", "percentage", "elapsed_time", "remaining_time" }));
        QCOMPARE(line["current_steps"].get<int>(), 5);
        QCOMPARE(line["percentage"].get<double>(), 50.0);
        QCOMPARE(line["lr"].get<double>(), 1e-5);
        QCOMPARE(line["loss"].dump(), std::string("-0.000123"));
        QCOMPARE(line["elapsed_time"].get<std::string>(), std::string("0:00:00"));
    }

    void trainerLog_countsTimeOverSessions()
    {
        const PhaseChanged loading; // comes before each session's start
        std::ofstream(folder() / "events.jsonl")
            << toJsonLine(loading, "2025-12-31T23:59:00.000Z") << "\n"
            << toJsonLine(started(0), "2026-01-01T00:00:00.000Z") << "\n"
            << toJsonLine(step(1, 0), "2026-01-01T00:10:00.000Z") << "\n"
            << toJsonLine(loading, "2026-01-01T23:59:00.000Z") << "\n"
            << toJsonLine(started(1), "2026-01-02T00:00:00.000Z") << "\n"
            << toJsonLine(step(2, 0), "2026-01-02T01:00:03.500Z") << "\n"
            << toJsonLine(step(3, 0), "2026-01-03T02:00:00.000Z") << "\n";
        QVERIFY(exportMetrics(folder(), "trainer_log", {}).has_value());
        const auto lines = linesOf(folder() / "trainer_log.jsonl");
        const auto second = nlohmann::json::parse(lines.at(1));
        QCOMPARE(second["elapsed_time"].get<std::string>(), std::string("1:10:03"));
        QCOMPARE(second["remaining_time"].get<std::string>(), std::string("4:40:14"));
        const auto third = nlohmann::json::parse(lines.at(2));
        QCOMPARE(third["elapsed_time"].get<std::string>(), std::string("1 day, 2:10:00"));
    }

    void oldRun_isExportedWithItsOwnTimes()
    {
        runTwice({ "none" });
        QVERIFY(exportMetrics(folder(), "csv", folder() / "out.csv").has_value());
        QCOMPARE(linesOf(folder() / "out.csv").size(), std::size_t{ 7 });
        const auto board = exportMetrics(folder(), "tensorboard", {});
        QVERIFY(board.has_value());
        const auto all = shown(*board);
        QCOMPARE(all.at("train/reward").size(), std::size_t{ 5 });
        const std::string line = linesOf(folder() / "events.jsonl").back();
        const double logged = secondsOf(nlohmann::json::parse(line)["time"].get<std::string>());
        QCOMPARE(all.at("train/reward")[4].wall_time, logged);
        const auto again = exportMetrics(folder(), "tensorboard", {});
        QVERIFY(!again.has_value());
        QVERIFY(again.error().message.find("exists already") != std::string::npos);
    }

    void times_areReadInEveryLocale()
    {
        QCOMPARE(secondsOf("1970-01-01T00:00:01.250Z"), 1.25);
        QCOMPARE(secondsOf("1970-01-01T00:00:01Z"), 1.0);
        QCOMPARE(secondsOf("yesterday"), 0.0);
        for (const char* name : { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "nl_NL.UTF-8" })
            if (std::setlocale(LC_NUMERIC, name) != nullptr)
                QCOMPARE(secondsOf("1970-01-01T00:00:01.250Z"), 1.25);
        std::setlocale(LC_NUMERIC, "C");
    }

    void exportErrors_nameFileAndRemedy()
    {
        const auto none = exportMetrics(folder(), "csv", {});
        QVERIFY(none.error().message.find("no events.jsonl") != std::string::npos);
        const auto unknown = exportMetrics(folder(), "wandb", {});
        QVERIFY(unknown.error().message.find("choose tensorboard, csv, jsonl or trainer_log")
            != std::string::npos);
        EventLog::open(folder()).value()->publish(started(0));
        const auto empty = exportMetrics(folder(), "csv", {});
        QVERIFY(empty.error().message.find("no metrics yet") != std::string::npos);
    }

    void unwritableFolder_isToldOnceAndEndsNothing()
    {
        std::ofstream(folder() / "tensorboard") << "a file is in the way";
        SessionOf session(folder(), { "tensorboard", "csv" });
        session.publish(started(0));
        session.publish(step(1, 0.5));
        QVERIFY(session.reports.takeError().has_value());
        QVERIFY(!session.reports.takeError().has_value());
        QCOMPARE(linesOf(folder() / "metrics.csv").size(), std::size_t{ 2 });
    }

    void overwrittenRun_losesItsReports()
    {
        runTwice({ "all" });
        QVERIFY(prepareRunFolder(folder(), ExistingRun::overwrite).has_value());
        for (const char* name :
            { "tensorboard", "metrics.csv", "metrics.jsonl", "trainer_log.jsonl" })
            QVERIFY2(!fs::exists(folder() / name), name);
    }
};

QTEST_GUILESS_MAIN(TestMetricReports)
#include "tst_metric_reports.moc"
