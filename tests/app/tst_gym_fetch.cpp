#include "gym_process.h"
#include "tests/core/hub_server.h"

#include <QDirIterator>
#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <random>

using namespace zen::test;

namespace {

constexpr std::size_t kShardBytes = 3'000'000;
constexpr int kKills = 10;

} // namespace

/// `gym fetch` as a process: against a local server, killed and interrupted.
class TestGymFetch : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_home = std::make_unique<QTemporaryDir>();
        m_repository = smallRepository(kShardBytes);
        m_pause = std::chrono::microseconds(0);
        m_server = std::make_unique<HubServer>([this](const HubRequest& request) {
            HubReply reply = m_repository.answer(request);
            reply.pause = m_pause;
            return reply;
        });
        m_environment = { QStringLiteral("HF_ENDPOINT=") + QString::fromStdString(m_server->url()),
            QStringLiteral("HF_HOME=") + m_home->filePath(QStringLiteral("hf")),
            QStringLiteral("no_proxy=*") };
    }
    void cleanup() { m_server.reset(); }

    void fetch_makesTheModelFindable();
    void fetch_toAFolder();
    void unknownModel_namesThePublishedOne();
    void badName_isBadInput();
    void offline_saysSo();
    void interrupted_endsWith130AndGoesOn();
    void killedAtTenRandomPoints_resumesAndVerifies();

private:
    void start(QProcess& process)
    {
        QProcessEnvironment environment = bareEnvironment(m_home->path());
        for (const QString& entry : m_environment)
            environment.insert(
                entry.section(QLatin1Char('='), 0, 0), entry.section(QLatin1Char('='), 1));
        process.setProcessEnvironment(environment);
        process.setWorkingDirectory(QStringLiteral(ZEN_SOURCE_DIR));
        process.start(gymProgram(), { QStringLiteral("fetch"), QStringLiteral("Some/Model-1B") });
        QVERIFY(process.waitForStarted());
    }
    QString cached(const QString& path = {}) const
    {
        return m_home->filePath(QStringLiteral("hf/hub/models--Some--Model-1B/")) + path;
    }
    QString snapshot() const
    {
        return cached(QStringLiteral("snapshots/") + QString::fromStdString(m_repository.commit));
    }
    /// True once the server has sent so many bytes of files.
    bool waitForBytes(std::size_t bytes, const QProcess& process) const
    {
        QElapsedTimer timer;
        timer.start();
        while (m_server->bodyBytesSent() < bytes && timer.elapsed() < 30'000
            && process.state() == QProcess::Running)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return m_server->bodyBytesSent() >= bytes;
    }
    void verifyFiles(const QString& folder) const
    {
        std::size_t found = 0;
        for (const auto& [name, bytes] : m_repository.files) {
            QFile file(folder + QLatin1Char('/') + QString::fromStdString(name));
            if (!file.exists())
                continue;
            QVERIFY(file.open(QIODevice::ReadOnly));
            QVERIFY2(file.readAll().toStdString() == bytes, name.c_str());
            ++found;
        }
        QCOMPARE(found, std::size_t{ 7 });
    }

    std::unique_ptr<QTemporaryDir> m_home;
    HubRepository m_repository;
    std::atomic<std::chrono::microseconds> m_pause{ std::chrono::microseconds(0) };
    std::unique_ptr<HubServer> m_server;
    QStringList m_environment;
};

void TestGymFetch::fetch_makesTheModelFindable()
{
    const QString model = QStringLiteral("Some/Model-1B");
    const GymResult before
        = runGym({ QStringLiteral("chat"), model }, m_home->path(), m_environment);
    QCOMPARE(before.code, 2);
    QVERIFY2(
        before.err.contains(QStringLiteral("gym fetch Some/Model-1B")), qPrintable(before.err));
    const GymResult result
        = runGym({ QStringLiteral("fetch"), model }, m_home->path(), m_environment);
    QVERIFY2(result.code == 0, qPrintable(result.err));
    QVERIFY2(result.out.contains(QStringLiteral("The model is in ") + snapshot()),
        qPrintable(result.out));
    QVERIFY(result.out.contains(QStringLiteral("model-00001-of-00002.safetensors, 3.0 MB")));
    QVERIFY(!result.out.contains(QLatin1Char('\x1b')));
    verifyFiles(snapshot());
    const GymResult after
        = runGym({ QStringLiteral("plan"), QStringLiteral("configs/starter_gspo.yaml"),
                     QStringLiteral("--model_name_or_path"), model },
            m_home->path(), m_environment);
    QVERIFY2(!after.err.contains(QStringLiteral("not on this machine")), qPrintable(after.err));
    const GymResult again
        = runGym({ QStringLiteral("fetch"), model }, m_home->path(), m_environment);
    QCOMPARE(again.code, 0);
    QVERIFY2(again.out.contains(QStringLiteral("0 B fetched")), qPrintable(again.out));
}

void TestGymFetch::fetch_toAFolder()
{
    const QString folder = m_home->filePath(QStringLiteral("mine"));
    const GymResult result = runGym({ QStringLiteral("fetch"), QStringLiteral("Some/Model-1B"),
                                        QStringLiteral("--to"), folder },
        m_home->path(), m_environment);
    QVERIFY2(result.code == 0, qPrintable(result.err));
    verifyFiles(folder);
}

void TestGymFetch::unknownModel_namesThePublishedOne()
{
    const GymResult result
        = runGym({ QStringLiteral("fetch"), QStringLiteral("Qwen/Qwen3-0.6B-Instruct") },
            m_home->path(), m_environment);
    QCOMPARE(result.code, 1);
    QVERIFY2(
        result.err.contains(QStringLiteral("gym fetch Qwen/Qwen3-0.6B\n")), qPrintable(result.err));
}

void TestGymFetch::badName_isBadInput()
{
    for (const char* name : { "../x", "zen/starter", "a/b/c" }) {
        const GymResult result = runGym(
            { QStringLiteral("fetch"), QString::fromLatin1(name) }, m_home->path(), m_environment);
        QCOMPARE(result.code, 2);
        QVERIFY(!result.err.isEmpty());
    }
    QVERIFY(m_server->requests().empty());
}

void TestGymFetch::offline_saysSo()
{
    m_environment += QStringLiteral("HF_HUB_OFFLINE=1");
    const GymResult result = runGym({ QStringLiteral("fetch"), QStringLiteral("Some/Model-1B") },
        m_home->path(), m_environment);
    QCOMPARE(result.code, 1);
    QVERIFY(result.err.contains(QStringLiteral("HF_HUB_OFFLINE")));
    QVERIFY(m_server->requests().empty());
}

void TestGymFetch::interrupted_endsWith130AndGoesOn()
{
    m_pause = std::chrono::milliseconds(5);
    QProcess process;
    start(process);
    QVERIFY(waitForBytes(500'000, process));
    ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(30'000));
    QCOMPARE(process.exitStatus(), QProcess::NormalExit);
    QCOMPARE(process.exitCode(), 130);
    QVERIFY(process.readAllStandardError().contains("goes on"));
    QVERIFY(!QFile::exists(cached(QStringLiteral("refs/main"))));
    m_pause = std::chrono::microseconds(0);
    const GymResult result = runGym({ QStringLiteral("fetch"), QStringLiteral("Some/Model-1B") },
        m_home->path(), m_environment);
    QVERIFY2(result.code == 0, qPrintable(result.err));
    verifyFiles(snapshot());
}

void TestGymFetch::killedAtTenRandomPoints_resumesAndVerifies()
{
    const unsigned seed = std::random_device{}();
    qInfo("seed %u", seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<std::size_t> step(20'000, 350'000);
    m_pause = std::chrono::milliseconds(1);
    for (int kill = 0; kill < kKills; ++kill) {
        std::map<std::string, qint64> partial; // hash -> bytes, as the last kill left them
        QDirIterator blobs(cached(QStringLiteral("blobs")), { QStringLiteral("*.incomplete") });
        while (blobs.hasNext()) {
            blobs.next();
            partial[blobs.fileInfo().completeBaseName().toStdString()] = blobs.fileInfo().size();
        }
        QVERIFY(partial.size() <= 1);
        const std::size_t asked = m_server->requests().size();
        QProcess process;
        start(process);
        QVERIFY2(waitForBytes(m_server->bodyBytesSent() + step(random), process),
            process.readAllStandardError().constData());
        process.kill();
        QVERIFY(process.waitForFinished(30'000));
        const auto requests = m_server->requests();
        for (std::size_t i = asked; i < requests.size(); ++i) {
            const std::string name = requests[i].path.substr(requests[i].path.rfind('/') + 1);
            const auto file = m_repository.files.find(name);
            if (file == m_repository.files.end())
                continue;
            const auto known = partial.find(HubRepository::idOf(name, file->second));
            QCOMPARE(qint64(requests[i].range_start.value_or(0)),
                known == partial.end() ? qint64(0) : known->second);
        }
    }
    m_pause = std::chrono::microseconds(0);
    const GymResult result = runGym({ QStringLiteral("fetch"), QStringLiteral("Some/Model-1B") },
        m_home->path(), m_environment);
    QVERIFY2(result.code == 0, qPrintable(result.err));
    verifyFiles(snapshot());
    QDirIterator left(m_home->path(), { QStringLiteral("*.incomplete") }, QDir::Files,
        QDirIterator::Subdirectories);
    QVERIFY(!left.hasNext());
}

QTEST_GUILESS_MAIN(TestGymFetch)
#include "tst_gym_fetch.moc"
