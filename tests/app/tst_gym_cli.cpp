#include "gym_process.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>

/// What gym prints and returns on good and bad input; nothing here loads the engine.
class TestGymCli : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init();
    void version_isPrinted();
    void noCommand_isBadUsage();
    void misspeltCommand_isBadUsage();
    void unknownKey_namesLineAndNearestKey();
    void severalMistakes_areAllReported();
    void missingConfig_isNamedWithAHint();
    void badOverride_isRefused_data();
    void badOverride_isRefused();
    void goodOverride_isAccepted_data();
    void goodOverride_isAccepted();
    void seedCommand_saysWhereWeightsGo_data();
    void seedCommand_saysWhereWeightsGo();
    void multiDeviceSettings_areExplainedOnce();
    void keys_listEveryFieldAsJsonToo();
    void plan_addsUp();
    void plan_knowsTierWithoutWeights();
    void plan_comparesWithTheMemoryGiven();
    void train_refusesWhatCannotFit();
    void reward_scoresReferenceAnswers();
    void reward_scoresGivenCompletions();
    void reward_namesBadCompletionLine();
    void reward_stripsControlCharacters();
    void check_listsAdviceAndFails();
    void runs_ofMissingFolder_isBadInput();
    void verify_ofMissingFolder_isBadInput();
    void chat_withUnknownModel_isBadInput();
    void starter_refusesExistingFolder();
    void benchMemory_measuresAStep();
    void benchMemory_namesTheTiers();
    void benchLoad_writesAndReadsATier();

private:
    QString write(const QString& name, const QByteArray& bytes);
    GymResult gym(const QStringList& arguments, const QStringList& environment = {}) const
    {
        return runGym(arguments, m_folder->path(), environment);
    }
    QByteArray tinyConfig() const;

    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestGymCli::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

QString TestGymCli::write(const QString& name, const QByteArray& bytes)
{
    const QString path = m_folder->filePath(name);
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size())
        qFatal("cannot write %s", qPrintable(path));
    return path;
}

QByteArray TestGymCli::tinyConfig() const
{
    return "model_name_or_path: zen/starter\n"
           "stage: gspo\n"
           "dataset: ["
        + m_folder->filePath(QStringLiteral("rows.jsonl")).toUtf8()
        + "]\n"
          "output_dir: "
        + m_folder->filePath(QStringLiteral("run")).toUtf8()
        + "\n"
          "rewards:\n"
          "  - type: number_equal\n";
}

void TestGymCli::version_isPrinted()
{
    const GymResult result = gym({ QStringLiteral("--version") });
    QCOMPARE(result.code, 0);
    QVERIFY(QRegularExpression(QStringLiteral("^gym \\d+\\.\\d+\\.\\d+\\n$"))
                .match(result.out)
                .hasMatch());
}

void TestGymCli::noCommand_isBadUsage()
{
    QCOMPARE(gym({}).code, 2);
}

void TestGymCli::misspeltCommand_isBadUsage()
{
    const GymResult result = gym({ QStringLiteral("trian"), QStringLiteral("x.yaml") });
    QCOMPARE(result.code, 2);
    QVERIFY(!result.err.isEmpty());
}

void TestGymCli::unknownKey_namesLineAndNearestKey()
{
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig() + "lora_rnak: 8\n");
    const GymResult result = gym({ QStringLiteral("train"), config });
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(QStringLiteral("c.yaml:7:")), qPrintable(result.err));
    QVERIFY2(result.err.contains(QStringLiteral("lora_rank")), qPrintable(result.err));
}

void TestGymCli::severalMistakes_areAllReported()
{
    const QString config = write(QStringLiteral("c.yaml"),
        tinyConfig() + "lora_rank: many\ntemperature: .nan\nseed: 1\nseed: 2\n");
    const GymResult result = gym({ QStringLiteral("check"), config });
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(QStringLiteral("seed")), qPrintable(result.err));
    const QString without_duplicate
        = write(QStringLiteral("d.yaml"), tinyConfig() + "lora_rank: many\ntemperature: .nan\n");
    const GymResult second = gym({ QStringLiteral("check"), without_duplicate });
    QCOMPARE(second.code, 2);
    QVERIFY2(second.err.contains(QStringLiteral("lora_rank")), qPrintable(second.err));
    QVERIFY2(second.err.contains(QStringLiteral("temperature")), qPrintable(second.err));
}

void TestGymCli::missingConfig_isNamedWithAHint()
{
    const GymResult result
        = gym({ QStringLiteral("train"), QStringLiteral("nowhere/starter_gspo.yaml") });
    QCOMPARE(result.code, 2);
    QVERIFY2(
        result.err.contains(QStringLiteral("nowhere/starter_gspo.yaml")), qPrintable(result.err));
    QVERIFY2(
        result.err.contains(QStringLiteral("configs/starter_gspo.yaml")), qPrintable(result.err));
}

void TestGymCli::badOverride_isRefused_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("key");
    QTest::newRow("wrong type") << QStringList{ QStringLiteral("--lora_rank"),
        QStringLiteral("many") } << "lora_rank";
    QTest::newRow("out of range") << QStringList{ QStringLiteral("--temperature=-3") }
                                  << "temperature";
    QTest::newRow("misspelt") << QStringList{ QStringLiteral("--lora_rnak=8") } << "lora_rank";
    QTest::newRow("no value") << QStringList{ QStringLiteral("--lora_rank") } << "lora_rank";
    QTest::newRow("loose word") << QStringList{ QStringLiteral("faster") } << "faster";
}

void TestGymCli::badOverride_isRefused()
{
    QFETCH(QStringList, arguments);
    QFETCH(QString, key);
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result = gym(QStringList{ QStringLiteral("train"), config } + arguments);
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(key), qPrintable(result.err));
}

void TestGymCli::goodOverride_isAccepted_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("two words") << QStringList{ QStringLiteral("--lora_rank"), QStringLiteral("4") };
    QTest::newRow("equals") << QStringList{ QStringLiteral("--lora_rank=4") };
    QTest::newRow("bare") << QStringList{ QStringLiteral("lora_rank=4") };
    QTest::newRow("kebab") << QStringList{ QStringLiteral("--lora-rank"), QStringLiteral("4") };
    QTest::newRow("negative number")
        << QStringList{ QStringLiteral("--max_steps"), QStringLiteral("-1") };
    QTest::newRow("flag") << QStringList{ QStringLiteral("--gradient_checkpointing") };
}

void TestGymCli::goodOverride_isAccepted()
{
    QFETCH(QStringList, arguments);
    write(QStringLiteral("rows.jsonl"), "{\"question\": \"1 + 1?\", \"answer\": \"2\"}\n");
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result = gym(QStringList{ QStringLiteral("check"), config } + arguments);
    QVERIFY2(result.code == 0, qPrintable(result.err));
}

void TestGymCli::seedCommand_saysWhereWeightsGo_data()
{
    QTest::addColumn<QString>("config");
    QTest::addColumn<QStringList>("overrides");
    for (const char* name : { "gspo_qwen3_nano_0.6b", "gspo_qwen3_eco_4b", "gspo_qwen3_coder",
             "gspo_qwen3_omni", "gspo_qwen3_next", "gspo_qwen3_moe" })
        QTest::newRow(name) << QStringLiteral("configs/%1.yaml").arg(QLatin1String(name))
                            << QStringList();
    QTest::newRow("eco on two devices")
        << QStringLiteral("configs/gspo_qwen3_eco_4b.yaml")
        << QStringList{ QStringLiteral("--per_device_train_batch_size"), QStringLiteral("2"),
               QStringLiteral("--gradient_accumulation_steps"), QStringLiteral("2") };
    QTest::newRow("moe with deepspeed")
        << QStringLiteral("configs/gspo_qwen3_moe.yaml")
        << QStringList{ QStringLiteral("--deepspeed"),
               QStringLiteral("configs/deepspeed/ds_z3_config.json"),
               QStringLiteral("--per_device_train_batch_size"), QStringLiteral("1") };
}

void TestGymCli::seedCommand_saysWhereWeightsGo()
{
    QFETCH(QString, config);
    QFETCH(QStringList, overrides);
    const GymResult result = gym(QStringList{ QStringLiteral("train"), config } + overrides);
    QVERIFY2(result.code == 2, qPrintable(result.err));
    QVERIFY2(result.err.contains(QStringLiteral("Qwen3")), qPrintable(result.err));
    QVERIFY2(result.err.contains(QStringLiteral("models/")), qPrintable(result.err));
    QVERIFY2(result.err.contains(m_folder->path()), "the hub's cache below HOME is not named");
}

void TestGymCli::benchMemory_measuresAStep()
{
    const GymResult result
        = gym({ QStringLiteral("bench"), QStringLiteral("memory"), QStringLiteral("--tier"),
            QStringLiteral("starter"), QStringLiteral("--new"), QStringLiteral("2"),
            QStringLiteral("--json"), QStringLiteral("--per_device_train_batch_size"),
            QStringLiteral("8"), QStringLiteral("--num_generations"), QStringLiteral("4"),
            QStringLiteral("--micro_batch_tokens=800") });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    const QJsonObject object = QJsonDocument::fromJson(result.out.toUtf8()).object();
    QCOMPARE(object[QStringLiteral("seed_bytes")].toDouble(), 0.6e9);
    QVERIFY(object[QStringLiteral("planned_bytes")].toDouble() > 1e6);
    const double weights = object[QStringLiteral("weight_bytes")].toDouble();
    QVERIFY(weights > 1e6);
    QVERIFY(object[QStringLiteral("peak_bytes")].toDouble() > weights);
    QCOMPARE(object[QStringLiteral("micro_batch_tokens")].toInt(), 800);
    const int context = object[QStringLiteral("update_tokens")].toInt() / 8;
    QVERIFY2(context >= 64, qPrintable(result.out));
    QCOMPARE(object[QStringLiteral("update_tokens")].toInt(), 8 * context);
    QCOMPARE(object[QStringLiteral("phases")].toArray().last()[QStringLiteral("name")].toString(),
        QStringLiteral("update"));
}

void TestGymCli::benchMemory_namesTheTiers()
{
    const GymResult result = gym({ QStringLiteral("bench"), QStringLiteral("memory"),
        QStringLiteral("--tier"), QStringLiteral("giant") });
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(QStringLiteral("nano, eco")), qPrintable(result.err));
}

void TestGymCli::benchLoad_writesAndReadsATier()
{
    const QString folder = m_folder->filePath(QStringLiteral("random"));
    const GymResult result = gym({ QStringLiteral("bench"), QStringLiteral("load"), folder,
        QStringLiteral("--tier"), QStringLiteral("starter"), QStringLiteral("--json") });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    const QJsonObject object = QJsonDocument::fromJson(result.out.toUtf8()).object();
    QVERIFY(object[QStringLiteral("weight_bytes")].toDouble() > 1e6);
    QVERIFY(object[QStringLiteral("file_bytes")].toDouble() > 1e6);
    QVERIFY(QFile::exists(folder + QStringLiteral("/config.json")));
    const GymResult nowhere = gym({ QStringLiteral("bench"), QStringLiteral("load"),
        m_folder->filePath(QStringLiteral("nowhere")) });
    QCOMPARE(nowhere.code, 2);
    QVERIFY2(nowhere.err.contains(QStringLiteral("nowhere; with --tier")), qPrintable(nowhere.err));
    const GymResult broken
        = gym({ QStringLiteral("bench"), QStringLiteral("load"), m_folder->path() });
    QCOMPARE(broken.code, 1); // it was tried
}

void TestGymCli::multiDeviceSettings_areExplainedOnce()
{
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result
        = gym({ QStringLiteral("eval"), config, QStringLiteral("--adapter"), m_folder->path(),
                  QStringLiteral("--deepspeed"), QStringLiteral("z3.json") },
            { QStringLiteral("CUDA_VISIBLE_DEVICES=0,1") });
    QCOMPARE(result.code, 2); // the data set and the adapter are missing
    QCOMPARE(result.err.count(QStringLiteral("one CPU device trains")), 1);
    QVERIFY(result.err.contains(QStringLiteral("CUDA_VISIBLE_DEVICES and deepspeed")));
}

void TestGymCli::keys_listEveryFieldAsJsonToo()
{
    const GymResult markdown = gym({ QStringLiteral("keys") });
    const GymResult json = gym({ QStringLiteral("keys"), QStringLiteral("--json") });
    QCOMPARE(markdown.code, 0);
    QCOMPARE(json.code, 0);
    const QJsonArray fields = QJsonDocument::fromJson(json.out.toUtf8()).array();
    QVERIFY(fields.size() > 60);
    QStringList names;
    for (const QJsonValue& field : fields) {
        names.append(field.toObject().value(QLatin1String("key")).toString());
        QVERIFY2(markdown.out.contains(QLatin1Char('`') + names.last() + QLatin1Char('`')),
            qPrintable(names.last()));
    }
    for (const char* name : { "model_name_or_path", "template", "lora_rank", "epsilon_high",
             "num_generations", "importance_sampling_level", "rewards", "deepspeed" })
        QVERIFY2(names.contains(QLatin1String(name)), name);
}

void TestGymCli::plan_addsUp()
{
    const GymResult result = gym({ QStringLiteral("plan"),
        QStringLiteral("configs/starter_gspo.yaml"), QStringLiteral("--json") });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    const QJsonObject plan = QJsonDocument::fromJson(result.out.toUtf8()).object();
    const QJsonObject phases = plan.value(QLatin1String("phases")).toObject();
    QCOMPARE(phases.keys(),
        (QStringList{ QStringLiteral("evaluation"), QStringLiteral("load"),
            QStringLiteral("rollout"), QStringLiteral("update") }));
    double largest = 0;
    for (const QString& name : phases.keys()) {
        QJsonObject phase = phases.value(name).toObject();
        const double total = phase.take(QLatin1String("total")).toDouble();
        double sum = 0;
        for (const QJsonValue& term : phase)
            sum += term.toDouble();
        QCOMPARE(sum, total);
        largest = std::max(largest, total);
    }
    QCOMPARE(plan.value(QLatin1String("peak")).toDouble(), largest);
    QVERIFY(plan.value(QLatin1String("at_most")).toDouble() > largest); // its rows are short
    const GymResult table
        = gym({ QStringLiteral("plan"), QStringLiteral("configs/starter_gspo.yaml") });
    QVERIFY2(table.out.contains(QStringLiteral("Peak")), qPrintable(table.out));
    QVERIFY2(table.out.contains(QStringLiteral("Largest that fit")), qPrintable(table.out));
}

void TestGymCli::plan_knowsTierWithoutWeights()
{
    const GymResult result = gym({ QStringLiteral("plan"),
        QStringLiteral("configs/gspo_qwen3_nano_0.6b.yaml"), QStringLiteral("--json") });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    const QJsonObject plan = QJsonDocument::fromJson(result.out.toUtf8()).object();
    // Qwen3-0.6B: 28 layers, hidden 1024, tied embedding of 151,936 tokens
    QCOMPARE(plan.value(QLatin1String("parameters")).toDouble(), 596'049'920.0);
    QCOMPARE(plan.value(QLatin1String("seed_bytes")).toDouble(), 2e9);
    QCOMPARE(plan.value(QLatin1String("meets_seed")).toBool(true), false); // in bfloat16
    const QJsonObject with = plan.value(QLatin1String("meets_seed_with")).toObject();
    const QJsonObject changes = with.value(QLatin1String("changes")).toObject();
    QCOMPARE(
        changes.value(QLatin1String("gradient_checkpointing")).toString(), QStringLiteral("true"));
    QVERIFY(with.value(QLatin1String("peak_bytes")).toDouble() <= 2e9);
}

void TestGymCli::plan_comparesWithTheMemoryGiven()
{
    const auto planned = [this](const char* config, const char* memory) {
        const GymResult result = gym({ QStringLiteral("plan"), QLatin1String(config),
            QStringLiteral("--memory"), QLatin1String(memory), QStringLiteral("--json") });
        return QJsonDocument::fromJson(result.out.toUtf8()).object();
    };
    QVERIFY(planned("configs/gspo_qwen3_next.yaml", "48GB").value(QLatin1String("fits")).toBool());
    QVERIFY(planned("configs/gspo_qwen3_moe.yaml", "80GB").value(QLatin1String("fits")).toBool());
    const QJsonObject small = planned("configs/gspo_qwen3_eco_4b.yaml", "8GB");
    QVERIFY(!small.value(QLatin1String("fits")).toBool(true));
    QVERIFY(!small.value(QLatin1String("proposals")).toArray().isEmpty());
    const GymResult words
        = gym({ QStringLiteral("plan"), QStringLiteral("configs/gspo_qwen3_eco_4b.yaml"),
            QStringLiteral("--memory"), QStringLiteral("8GB") });
    QVERIFY2(words.out.contains(QStringLiteral("does not fit 8.0 GB")), qPrintable(words.out));
    QVERIFY2(words.out.contains(QStringLiteral("Zen Eco's figure is 8.0 GB: met only with")),
        qPrintable(words.out));
    const GymResult changed = gym({ QStringLiteral("plan"),
        QStringLiteral("configs/gspo_qwen3_eco_4b.yaml"), QStringLiteral("--memory"),
        QStringLiteral("8GB"), QStringLiteral("--quantization"), QStringLiteral("4bit"),
        QStringLiteral("--gradient_checkpointing"), QStringLiteral("true") });
    QVERIFY2(changed.out.contains(QStringLiteral(": fits 8.0 GB")), qPrintable(changed.out));
    const GymResult wrong
        = gym({ QStringLiteral("plan"), QStringLiteral("configs/starter_gspo.yaml"),
            QStringLiteral("--memory"), QStringLiteral("much") });
    QCOMPARE(wrong.code, 2);
    QVERIFY2(wrong.err.contains(QStringLiteral("--memory much: give")), qPrintable(wrong.err));
}

void TestGymCli::train_refusesWhatCannotFit()
{
    const GymResult refused = gym({ QStringLiteral("train"),
        QStringLiteral("configs/starter_gspo.yaml"), QStringLiteral("--lora_rank=1024"),
        QStringLiteral("--per_device_train_batch_size=4096"),
        QStringLiteral("--gradient_accumulation_steps=1024"), QStringLiteral("--rollout_rows=4096"),
        QStringLiteral("--cutoff_len=1000000"), QStringLiteral("--max_completion_length=999000"),
        QStringLiteral("--output_dir"), m_folder->filePath(QStringLiteral("refused")) });
    QCOMPARE(refused.code, 2);
    QVERIFY2(refused.err.contains(QStringLiteral("the plan needs")), qPrintable(refused.err));
    QVERIFY2(refused.err.contains(QStringLiteral("force_memory: true")), qPrintable(refused.err));
    QVERIFY(!QFile::exists(m_folder->filePath(QStringLiteral("refused"))));
}

void TestGymCli::reward_scoresReferenceAnswers()
{
    const QString rows = write(QStringLiteral("rows.jsonl"),
        "{\"question\": \"Ann has 3 and 4. Together?\", \"answer\": \"3 + 4 = 7\\n#### 7\"}\n"
        "{\"question\": \"And 1,000 more?\", \"answer\": \"#### 1,007\"}\n");
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult table = gym({ QStringLiteral("reward"), QStringLiteral("--config"), config,
        QStringLiteral("--dataset"), rows, QStringLiteral("--limit"), QStringLiteral("5") });
    QVERIFY2(table.code == 0, qPrintable(table.err));
    QVERIFY2(
        table.out.contains(QStringLiteral("2 rows, 0 unscored, mean reward of the others 1.000")),
        qPrintable(table.out));
    const GymResult limited
        = gym({ QStringLiteral("reward"), QStringLiteral("-c"), config, QStringLiteral("-d"), rows,
            QStringLiteral("-n"), QStringLiteral("1"), QStringLiteral("--json") });
    QCOMPARE(limited.out.count(QLatin1Char('\n')), 1);
}

void TestGymCli::reward_scoresGivenCompletions()
{
    const QString rows = write(QStringLiteral("rows.jsonl"),
        "{\"question\": \"3 + 4?\", \"answer\": \"7\"}\n"
        "{\"question\": \"5 + 4?\", \"answer\": \"9\"}\n"
        "{\"question\": \"What is love?\", \"answer\": \"nobody knows\"}\n");
    const QString completions = write(QStringLiteral("said.jsonl"),
        "\"The answer is \\\\boxed{7}\"\n{\"completion\": \"It is 8.\"}\n\"It is 3.\"\n");
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result = gym(
        { QStringLiteral("reward"), QStringLiteral("--config"), config, QStringLiteral("--dataset"),
            rows, QStringLiteral("--completions"), completions, QStringLiteral("--json") });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    const QStringList lines = result.out.split(QLatin1Char('\n'), Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 3);
    const auto rewardOf = [&lines](int row) {
        return QJsonDocument::fromJson(lines[row].toUtf8()).object().value(QLatin1String("reward"));
    };
    QCOMPARE(rewardOf(0).toDouble(-1), 1.0);
    QCOMPARE(rewardOf(1).toDouble(-1), 0.0);
    QVERIFY2(
        rewardOf(2).isNull(), "an answer without a number cannot be compared: unscored, not 0");
}

void TestGymCli::reward_namesBadCompletionLine()
{
    const QString rows
        = write(QStringLiteral("rows.jsonl"), "{\"question\": \"3 + 4?\", \"answer\": \"7\"}\n");
    const QString completions = write(QStringLiteral("said.jsonl"), "\"fine\"\n[1, 2]\n");
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result = gym({ QStringLiteral("reward"), QStringLiteral("--config"), config,
        QStringLiteral("--dataset"), rows, QStringLiteral("--completions"), completions });
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(QStringLiteral("line 2")), qPrintable(result.err));
}

void TestGymCli::reward_stripsControlCharacters()
{
    const QString rows
        = write(QStringLiteral("rows.jsonl"), "{\"question\": \"3 + 4?\", \"answer\": \"7\"}\n");
    const QString completions
        = write(QStringLiteral("said.jsonl"), "\"\\u001b[2Jseven\\u009b31m 7\"\n");
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig());
    const GymResult result = gym({ QStringLiteral("reward"), QStringLiteral("--config"), config,
        QStringLiteral("--dataset"), rows, QStringLiteral("--completions"), completions });
    QVERIFY2(result.code == 0, qPrintable(result.err));
    QVERIFY(result.out.contains(QStringLiteral("seven")));
    QVERIFY2(!result.out.contains(QChar(0x1B)) && !result.out.contains(QChar(0x9B)),
        "an escape sequence reached the terminal");
}

void TestGymCli::check_listsAdviceAndFails()
{
    const QString config = write(QStringLiteral("c.yaml"), tinyConfig() + "num_generations: 1\n");
    const GymResult result = gym({ QStringLiteral("check"), config, QStringLiteral("--json") });
    QCOMPARE(result.code, 2);
    const QJsonArray findings = QJsonDocument::fromJson(result.out.toUtf8()).array();
    QVERIFY(!findings.isEmpty());
    QCOMPARE(findings.first().toObject().value(QLatin1String("key")).toString(),
        QStringLiteral("num_generations"));
}

void TestGymCli::runs_ofMissingFolder_isBadInput()
{
    const GymResult result
        = gym({ QStringLiteral("runs"), m_folder->filePath(QStringLiteral("none")) });
    QCOMPARE(result.code, 2);
    QVERIFY(result.err.contains(QStringLiteral("none")));
}

void TestGymCli::verify_ofMissingFolder_isBadInput()
{
    const GymResult result
        = gym({ QStringLiteral("verify"), m_folder->filePath(QStringLiteral("none")) });
    QCOMPARE(result.code, 2);
    QVERIFY(result.err.contains(QStringLiteral("none")));
}

void TestGymCli::chat_withUnknownModel_isBadInput()
{
    const GymResult result = gym({ QStringLiteral("chat"), QStringLiteral("Nobody/Nothing-1B") });
    QCOMPARE(result.code, 2);
    QVERIFY2(result.err.contains(QStringLiteral("models/")), qPrintable(result.err));
}

void TestGymCli::starter_refusesExistingFolder()
{
    const GymResult result = gym({ QStringLiteral("starter"), m_folder->path() });
    QCOMPARE(result.code, 2);
    QVERIFY(result.err.contains(m_folder->path()));
}

QTEST_GUILESS_MAIN(TestGymCli)
#include "tst_gym_cli.moc"
