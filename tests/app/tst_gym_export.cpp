#include "gym_process.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

namespace {

QByteArray bytesOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class TestGymExport : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everySpellingOfAChange_works()
    {
        const GymResult result
            = runGym({ QStringLiteral("export"), QStringLiteral("--to"), QStringLiteral("zen"),
                         kConfig, QStringLiteral("--lora_rank"), QStringLiteral("5"),
                         QStringLiteral("--lora-alpha=9"), QStringLiteral("seed=3") },
                m_home.path());
        QCOMPARE(result.code, 0);
        QVERIFY(result.out.contains(QStringLiteral("lora_rank: 5\n")));
        QVERIFY(result.out.contains(QStringLiteral("lora_alpha: 9\n")));
        QVERIFY(result.out.contains(QStringLiteral("seed: 3\n")));
    }

    void file_goesToStandardOutputOrAPath()
    {
        const GymResult shown = run({ "export", "--to", "trl" }, { kConfig });
        QCOMPARE(shown.code, 0);
        QVERIFY(shown.out.contains(QStringLiteral("use_peft: true")));
        QVERIFY(shown.err.contains(QStringLiteral("note, cutoff_len:")));
        const QString path = m_home.filePath(QStringLiteral("x.yaml"));
        QCOMPARE(run({ "export", "--to", "trl", "-o" }, { path, kConfig }).code, 0);
        QCOMPARE(QString::fromUtf8(bytesOf(path)), shown.out);
    }

    void unknownTool_isRefused()
    {
        const GymResult result = run({ "export", "--to", "verl" }, { kConfig });
        QCOMPARE(result.code, 2);
        QVERIFY(result.err.contains(QStringLiteral("llamafactory")));
        QCOMPARE(run({ "export" }, { kConfig }).code, 2);
    }

    void bundle_isWrittenOnce()
    {
        const QString folder = m_home.filePath(QStringLiteral("bundle"));
        const GymResult result
            = run({ "export", "--bundle", "--to", "llamafactory", "-o" }, { folder, kConfig });
        QCOMPARE(result.code, 0);
        QVERIFY(QFile::exists(folder + QStringLiteral("/starter_gspo.llamafactory.yaml")));
        QVERIFY(bytesOf(folder + QStringLiteral("/README.md")).contains("FORCE_TORCHRUN=1"));
        QCOMPARE(
            run({ "export", "--bundle", "--to", "llamafactory", "-o" }, { folder, kConfig }).code,
            2);
        QCOMPARE(run({ "export", "--bundle", "--to", "llamafactory" }, { kConfig }).code, 2);
    }

    void command_hasTheFormOfEachTool()
    {
        const GymResult all = run({ "export", "--command" },
            { kConfig, QStringLiteral("lora_rank=4"), QStringLiteral("lora_alpha=8") });
        QCOMPARE(all.code, 0);
        QCOMPARE(all.out,
            QStringLiteral(
                "gym train configs/starter_gspo.yaml --lora_rank 4 --lora_alpha 8\n"
                "gym train starter_gspo.gym.yaml lora_alpha=8 lora_rank=4\n"
                "llamafactory-cli train starter_gspo.llamafactory.yaml lora_alpha=8 lora_rank=4\n"
                "axolotl train starter_gspo.axolotl.yaml --lora-alpha 8 --lora-r 4\n"
                "trl grpo --config starter_gspo.trl.yaml --lora_alpha 8 --lora_r 4\n"));
        const GymResult one = run({ "export", "--command", "--to", "axolotl" }, { kConfig });
        QVERIFY(one.out.contains(QStringLiteral("torchrun --nproc_per_node 2")));
    }

    void import_reportsAndWrites()
    {
        const QString theirs = m_home.filePath(QStringLiteral("theirs.yaml"));
        QFile file(theirs);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("base_model: Qwen/Qwen3-0.6B\nrl: grpo\ntrl: {num_generations: 4}\n"
                   "datasets: [{path: a.jsonl}]\nmicro_batch_size: 4\nlora_r: 8\nadapter: lora\n"
                   "learning_rate: 1e-5\nflash_attention: true\nmade_up: 1  # x\n");
        file.close();
        const QString own = m_home.filePath(QStringLiteral("own.yaml"));
        const GymResult result = run({ "import" }, { theirs, QStringLiteral("-o"), own });
        QCOMPARE(result.code, 0);
        QVERIFY(result.err.contains(QStringLiteral("A file for axolotl")));
        QVERIFY(result.err.contains(QStringLiteral("line 10, made_up (unknown)")));
        QVERIFY(bytesOf(own).contains("num_generations: 4\n"));
        QVERIFY(bytesOf(own).contains("# made_up: 1\n"));

        // back into their file: their own keys and comments stay
        const QString back = m_home.filePath(QStringLiteral("back.yaml"));
        QCOMPARE(run({ "export", "--to", "axolotl" },
                     { QStringLiteral("--onto"), theirs, QStringLiteral("-o"), back, own,
                         QStringLiteral("lora_r=16") })
                     .code,
            0); // rewards are missing here, and theirs need none here
        QVERIFY(bytesOf(back).contains("made_up: 1  # x\n"));
        QVERIFY(bytesOf(back).contains("lora_r: 16\n"));
        QCOMPARE(run({ "import" }, { QStringLiteral("/nowhere.yaml") }).code, 2);
        QVERIFY(run({ "import" }, { kConfig }).err.contains(QStringLiteral("already")));
        const GymResult deepspeed = run({ "import", "configs/deepspeed/ds_z3_config.json" }, {});
        QCOMPARE(deepspeed.code, 2);
        QVERIFY(deepspeed.err.contains(QStringLiteral("DeepSpeed settings (ZeRO stage 3)")));
    }

private:
    GymResult run(std::initializer_list<const char*> words, const QStringList& more)
    {
        QStringList arguments;
        for (const char* word : words)
            arguments += QLatin1String(word);
        return runGym(arguments + more, m_home.path());
    }

    const QString kConfig = QStringLiteral("configs/starter_gspo.yaml");
    QTemporaryDir m_home;
};

QTEST_MAIN(TestGymExport)
#include "tst_gym_export.moc"
