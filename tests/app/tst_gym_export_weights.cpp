#include "gym_process.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/// gym export of weights and metrics.
class TestGymExportWeights : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_home;
    GymResult gym(const QStringList& arguments) const { return runGym(arguments, m_home.path()); }
    QString at(const char* name) const { return m_home.filePath(QString::fromUtf8(name)); }
    QStringList copies() const
    {
        return QDir(at("tmp")).entryList(
            { QStringLiteral("gym-gguf-*") }, QDir::Dirs | QDir::NoDotAndDotDot);
    }

private Q_SLOTS:
    void model_becomesGgufAndComesBack()
    {
        const GymResult done = gym({ QStringLiteral("export"), QStringLiteral("--to"),
            QStringLiteral("gguf"), QStringLiteral("zen/starter"), QStringLiteral("--dtype"),
            QStringLiteral("q8_0"), QStringLiteral("-o"), at("gguf") });
        QVERIFY2(done.code == 0, qPrintable(done.err));
        QVERIFY(done.out.contains(QStringLiteral("starter-q8_0.gguf")));
        QVERIFY(QFile::exists(at("gguf/Modelfile")));
        const GymResult back
            = gym({ QStringLiteral("export"), QStringLiteral("--to"), QStringLiteral("merged"),
                at("gguf/starter-q8_0.gguf"), QStringLiteral("-o"), at("unpacked") });
        QVERIFY2(back.code == 0, qPrintable(back.err));
        QVERIFY(QFile::exists(at("unpacked/model.safetensors")));
    }

    /// A copy that a killed call left is removed by the next one; one that is in use is not.
    void unpackedCopies_doNotStay()
    {
        QDir().mkpath(at("tmp/gym-gguf-stale/model"));
        QDir().mkpath(at("tmp/gym-gguf-held"));
        QFile file(at("tmp/gym-gguf-stale/model/config.json"));
        QVERIFY(file.open(QFile::WriteOnly));
        const int held = ::open(at("tmp/gym-gguf-held").toLocal8Bit(), O_RDONLY | O_DIRECTORY);
        QVERIFY(held >= 0 && ::flock(held, LOCK_EX | LOCK_NB) == 0);
        const auto chat = [&] {
            return runGym({ QStringLiteral("chat"), QStringLiteral("nobody/nothing") },
                m_home.path(), { QStringLiteral("TMPDIR=") + at("tmp") });
        };
        QCOMPARE(chat().code, 2);
        QCOMPARE(copies(), QStringList{ QStringLiteral("gym-gguf-held") });
        ::close(held);
        QCOMPARE(chat().code, 2);
        QCOMPARE(copies(), QStringList());
    }

#ifdef ZEN_ENGINE
    void signalWhileAnUnpackedModelIsUsed_leavesNothing()
    {
        const GymResult made
            = gym({ QStringLiteral("export"), QStringLiteral("--to"), QStringLiteral("gguf"),
                QStringLiteral("zen/starter"), QStringLiteral("-o"), at("used") });
        QVERIFY2(made.code == 0, qPrintable(made.err));
        QDir().mkpath(at("tmp"));
        QProcess process;
        QProcessEnvironment environment = bareEnvironment(m_home.path());
        environment.insert(QStringLiteral("TMPDIR"), at("tmp"));
        process.setProcessEnvironment(environment);
        process.setWorkingDirectory(QStringLiteral(ZEN_SOURCE_DIR));
        process.start(gymProgram(),
            { QStringLiteral("eval"), QStringLiteral("configs/starter_gspo.yaml"),
                QStringLiteral("--model_name_or_path"),
                at("used/") + QDir(at("used")).entryList({ QStringLiteral("*.gguf") }).value(0) });
        QTRY_VERIFY_WITH_TIMEOUT(!copies().isEmpty(), 30'000);
        process.terminate();
        QVERIFY(process.waitForFinished(30'000));
        QCOMPARE(process.exitStatus(), QProcess::CrashExit); // by the signal
        QCOMPARE(copies(), QStringList());
    }
#endif

    void metrics_ofAnOldRun()
    {
        QDir().mkpath(at("run"));
        QFile events(at("run/events.jsonl"));
        QVERIFY(events.open(QFile::WriteOnly));
        events.write(R"({"event":"step_finished","time":"2026-01-01T00:00:00.000Z","step":1,)"
                     R"("total_steps":1,"epoch":1,"metrics":{"reward":0.5}})"
                     "\n");
        events.close();
        const GymResult csv = gym({ QStringLiteral("export"), QStringLiteral("--to"),
            QStringLiteral("csv"), at("run"), QStringLiteral("-o"), at("m.csv") });
        QVERIFY2(csv.code == 0, qPrintable(csv.err));
        QFile file(at("m.csv"));
        QVERIFY(file.open(QFile::ReadOnly));
        QCOMPARE(file.readAll(), QByteArray("time,step,epoch,reward\n1767225600.000,1,1,0.5\n"));
        const GymResult board = gym({ QStringLiteral("export"), QStringLiteral("--to"),
            QStringLiteral("tensorboard"), at("run") });
        QVERIFY2(board.code == 0, qPrintable(board.err));
        QCOMPARE(QDir(at("run/tensorboard")).entryList(QDir::Files).size(), 1);
    }

    void badInput_endsWithCode2_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const QStringList& arguments, const char* says) {
            QTest::newRow(name) << arguments << QString::fromUtf8(says);
        };
        row("target", { QStringLiteral("onnx"), QStringLiteral("zen/starter") },
            "merged, gguf or peft");
        row("no run", { QStringLiteral("csv"), QStringLiteral("nowhere") }, "no events.jsonl");
        row("no model", { QStringLiteral("merged"), QStringLiteral("Nobody/Nothing-1B") },
            "not on this machine");
        row("size",
            { QStringLiteral("merged"), QStringLiteral("zen/starter"),
                QStringLiteral("--max_shard_size"), QStringLiteral("big") },
            "5GB");
        row("dtype",
            { QStringLiteral("merged"), QStringLiteral("zen/starter"), QStringLiteral("--dtype"),
                QStringLiteral("q8_0"), QStringLiteral("-o"), QStringLiteral("/nowhere/x") },
            "f32, f16 or bf16");
    }

    void badInput_endsWithCode2()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, says);
        const GymResult result
            = gym(QStringList{ QStringLiteral("export"), QStringLiteral("--to") } + arguments);
        QCOMPARE(result.code, 2);
        QVERIFY2(result.err.contains(says), qPrintable(result.err));
    }
};

QTEST_GUILESS_MAIN(TestGymExportWeights)
#include "tst_gym_export_weights.moc"
