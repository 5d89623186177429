#include "gym_process.h"

#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <csignal>

/// gym train with the real engine on the starter: signals, what is left behind, going on.
class TestGymTrain : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void signal_finishesTheStepAndSaves_data();
    void signal_finishesTheStepAndSaves();
    void finishedRun_printsTheHeadlineNumbers();
    void closedOutput_doesNotEndTheRun();

private:
    static QStringList shortRun(const QString& folder, int steps)
    {
        return { QStringLiteral("train"), QStringLiteral("configs/starter_gspo.yaml"),
            QStringLiteral("--output_dir"), folder, QStringLiteral("--max_steps"),
            QString::number(steps), QStringLiteral("--max_eval_samples"), QStringLiteral("8"),
            QStringLiteral("--overwrite_output_dir"), QStringLiteral("false"),
            QStringLiteral("--max_completion_length"), QStringLiteral("32"),
            QStringLiteral("--lr_scheduler_type"), QStringLiteral("constant") };
    }
    static QJsonObject summary(const QString& folder)
    {
        QFile file(folder + QStringLiteral("/summary.json"));
        return file.open(QIODevice::ReadOnly) ? QJsonDocument::fromJson(file.readAll()).object()
                                              : QJsonObject();
    }
    static bool waitForStep(QProcess& process, const QByteArray& step)
    {
        QByteArray seen;
        while (process.state() != QProcess::NotRunning && process.waitForReadyRead(60'000)) {
            seen += process.readAllStandardOutput();
            if (seen.contains(step))
                return true;
        }
        return false;
    }
};

void TestGymTrain::signal_finishesTheStepAndSaves_data()
{
    QTest::addColumn<int>("number");
    QTest::addColumn<int>("code");
    QTest::newRow("SIGINT") << SIGINT << 130;
    QTest::newRow("SIGTERM") << SIGTERM << 143;
}

void TestGymTrain::signal_finishesTheStepAndSaves()
{
    QFETCH(int, number);
    QFETCH(int, code);
    const QTemporaryDir home;
    const QString folder = home.filePath(QStringLiteral("run"));
    QProcess process;
    process.setProcessEnvironment(bareEnvironment(home.path()));
    process.setWorkingDirectory(QStringLiteral(ZEN_SOURCE_DIR));
    process.start(gymProgram(), shortRun(folder, 400));
    QVERIFY2(waitForStep(process, "step 1/"), process.readAllStandardError().constData());
    QCOMPARE(kill(static_cast<pid_t>(process.processId()), number), 0);
    QVERIFY(process.waitForFinished(60'000));
    QCOMPARE(process.exitStatus(), QProcess::NormalExit);
    QCOMPARE(process.exitCode(), code);
    const QJsonObject stopped = summary(folder);
    QCOMPARE(stopped.value(QLatin1String("status")).toString(), QStringLiteral("stopped"));
    const int steps = stopped.value(QLatin1String("steps")).toInt();
    QVERIFY(steps >= 1 && steps < 400);

    QStringList again = shortRun(folder, steps + 1);
    again << QStringLiteral("--resume_from_checkpoint") << QStringLiteral("latest");
    const GymResult resumed = runGym(again, home.path());
    QVERIFY2(resumed.code == 0, qPrintable(resumed.err + resumed.out));
    QCOMPARE(summary(folder).value(QLatin1String("steps")).toInt(), steps + 1);
}

void TestGymTrain::finishedRun_printsTheHeadlineNumbers()
{
    const QTemporaryDir home;
    const QString folder = home.filePath(QStringLiteral("a run with spaces"));
    const GymResult result = runGym(shortRun(folder, 2), home.path());
    QVERIFY2(result.code == 0, qPrintable(result.err + result.out));
    QVERIFY2(result.out.contains(QStringLiteral("step 2/2")), qPrintable(result.out));
    QVERIFY2(result.out.contains(QStringLiteral("Held-out accuracy:")), qPrintable(result.out));
    QVERIFY2(result.out.contains(folder), qPrintable(result.out));
    QVERIFY(QFile::exists(folder + QStringLiteral("/adapter/adapter_config.json")));
    QCOMPARE(
        summary(folder).value(QLatin1String("status")).toString(), QStringLiteral("completed"));
    QVERIFY2(result.out.contains(QStringLiteral("planned")), qPrintable(result.out));
    const double planned = summary(folder).value(QLatin1String("planned_memory_bytes")).toDouble();
    const double peak = summary(folder).value(QLatin1String("peak_memory_bytes")).toDouble();
    QVERIFY2(peak > 300e6 && std::abs(planned / peak - 1) < 0.1,
        qPrintable(QStringLiteral("planned %1, measured %2").arg(planned).arg(peak)));
    const GymResult refused = runGym(shortRun(folder, 2), home.path());
    QCOMPARE(refused.code, 2); // the folder holds a run
}

void TestGymTrain::closedOutput_doesNotEndTheRun()
{
    const QTemporaryDir home;
    const QString folder = home.filePath(QStringLiteral("run"));
    QProcess process;
    process.setProcessEnvironment(bareEnvironment(home.path()));
    process.setWorkingDirectory(QStringLiteral(ZEN_SOURCE_DIR));
    process.start(gymProgram(), shortRun(folder, 2));
    QVERIFY(process.waitForStarted());
    process.closeReadChannel(QProcess::StandardOutput);
    QVERIFY(process.waitForFinished(90'000));
    QCOMPARE(process.exitCode(), 0);
    QCOMPARE(
        summary(folder).value(QLatin1String("status")).toString(), QStringLiteral("completed"));
}

QTEST_GUILESS_MAIN(TestGymTrain)
#include "tst_gym_train.moc"
