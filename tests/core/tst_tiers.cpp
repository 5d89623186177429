#include "core/config/presets.h"
#include "core/config/read_config.h"
#include "core/config/tiers.h"

#include <QDirIterator>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <map>

namespace {

const std::string kConfigs = ZEN_SOURCE_DIR "/configs/";

std::string errorsOf(const zen::Diagnostics& findings)
{
    std::string text;
    for (const zen::Diagnostic& finding : findings)
        if (finding.severity != zen::Severity::advice)
            text += zen::toText(finding) + "\n";
    return text;
}

zen::Result<std::vector<zen::Tier>> loadText(const QByteArray& text)
{
    QTemporaryDir folder;
    QFile file(folder.filePath("tiers.yaml"));
    if (file.open(QIODevice::WriteOnly))
        file.write(text);
    file.close();
    return zen::loadTiers(file.fileName().toStdString());
}

} // namespace

class TestTiers : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void catalogue_isTheSeeds_data()
    {
        QTest::addColumn<int>("index");
        QTest::addColumn<QStringList>("texts"); // id, size, model, file, algorithm
        QTest::addColumn<QList<double>>(
            "numbers"); // rank, context, batch, GB, MMLU, HumanEval, MT-Bench, tok/s
        const auto row = [](int index, QStringList texts, QList<double> numbers) {
            QTest::newRow(qPrintable(texts.front())) << index << texts << numbers;
        };
        row(1, { "nano", "0.6B", "Qwen/Qwen3-0.6B-Instruct", "gspo_qwen3_nano_0.6b.yaml", "gspo" },
            { 4, 512, 8, 2, 45.2, 28.3, 5.8, 120 });
        row(2, { "eco", "4B", "Qwen/Qwen3-4B-Instruct", "gspo_qwen3_eco_4b.yaml", "gspo" },
            { 8, 1024, 4, 8, 62.5, 48.7, 7.2, 85 });
        row(3, { "coder", "7B", "Qwen/Qwen3-Coder-7B-Instruct", "gspo_qwen3_coder.yaml", "grpo" },
            { 16, 2048, 2, 16, 68.3, 72.4, 7.8, 65 });
        row(4, { "omni", "14B", "Qwen/Qwen3-Omni-14B-Instruct", "gspo_qwen3_omni.yaml", "grpo" },
            { 32, 2048, 1, 24, 74.6, 65.2, 8.3, 45 });
        row(5, { "next", "32B", "Qwen/Qwen3-Next-32B-Instruct", "gspo_qwen3_next.yaml", "grpo" },
            { 64, 4096, 1, 48, 81.2, 78.9, 8.9, 30 });
        row(6, { "moe", "72B", "Qwen/Qwen3-72B-MoE-Instruct", "gspo_qwen3_moe.yaml", "gspo" },
            { 128, 8192, 1, 80, 85.7, 82.3, 9.2, 25 });
    }
    void catalogue_isTheSeeds()
    {
        QFETCH(int, index);
        QFETCH(QStringList, texts);
        QFETCH(QList<double>, numbers);
        const auto tiers = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        QVERIFY2(tiers, tiers ? "" : tiers.error().message.c_str());
        QCOMPARE(tiers->size(), std::size_t{ 7 });
        const zen::Tier& tier = (*tiers)[static_cast<std::size_t>(index)];
        QCOMPARE(tier.id, texts[0].toStdString());
        QCOMPARE(tier.size, texts[1].toStdString());
        QCOMPARE(tier.model_id, texts[2].toStdString());
        QCOMPARE(tier.config_file, texts[3].toStdString());
        QCOMPARE(tier.algorithm, texts[4].toStdString());
        QCOMPARE(tier.use_cases.size(), std::size_t{ 5 });
        QVERIFY(tier.published);
        const QList<double> found{ static_cast<double>(tier.lora_rank),
            static_cast<double>(tier.context), static_cast<double>(tier.batch), tier.memory_gb,
            tier.published->mmlu, tier.published->human_eval, tier.published->mt_bench,
            tier.published->tokens_per_second };
        QCOMPARE(found, numbers);

        const auto document = zen::YamlDocument::load(kConfigs + tier.config_file);
        QVERIFY(document);
        const zen::TrainingConfig config = zen::readConfig(*document).config;
        QCOMPARE(config.model.model_name_or_path, tier.model_id);
        QCOMPARE(config.adapter.lora_rank, tier.lora_rank);
        QCOMPARE(*config.adapter.lora_alpha, 2 * tier.lora_rank);
        QCOMPARE(config.data.cutoff_len, tier.context);
        QCOMPARE(config.batch.per_device_train_batch_size, tier.batch);
        QCOMPARE(
            config.algorithm.stage, tier.algorithm == "gspo" ? zen::Stage::gspo : zen::Stage::grpo);
    }

    void starter_standsFirst()
    {
        const auto tiers = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        QCOMPARE(tiers->front().id, std::string("starter"));
        QCOMPARE(tiers->front().model_id, std::string("zen/starter"));
        QVERIFY(!tiers->front().published);
        QVERIFY((*tiers)[6].shape_assumed);
        QVERIFY((*tiers)[4].note.find("vision and audio do not") != std::string::npos);
    }

    void shapes_haveTheParametersOfTheirTier_data()
    {
        QTest::addColumn<int>("index");
        QTest::addColumn<double>(
            "parameters"); // training-spec 5.2; the mixture's own round figures
        QTest::addColumn<double>("tolerance");
        QTest::newRow("nano") << 1 << 596049920.0 << 0.0;
        QTest::newRow("eco") << 2 << 4022468096.0 << 0.0;
        QTest::newRow("coder") << 3 << 8190735360.0 << 0.0;
        QTest::newRow("omni") << 4 << 14768307200.0 << 0.0;
        QTest::newRow("next") << 5 << 32762123264.0 << 0.0;
        QTest::newRow("moe") << 6 << 72e9 << 1e9;
    }
    void shapes_haveTheParametersOfTheirTier()
    {
        QFETCH(int, index);
        QFETCH(double, parameters);
        QFETCH(double, tolerance);
        const auto tiers = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        const zen::Tier& t = (*tiers)[static_cast<std::size_t>(index)];
        const std::int64_t attention
            = t.hidden_size * t.head_dim * (2 * t.num_heads + 2 * t.num_kv_heads) + 2 * t.head_dim;
        const std::int64_t feed_forward = t.num_experts == 0
            ? 3 * t.hidden_size * t.intermediate_size
            : t.num_experts * (3 * t.hidden_size * t.moe_intermediate_size + t.hidden_size);
        const std::int64_t embeddings = t.vocab_size * t.hidden_size * (t.tied_embeddings ? 1 : 2);
        const std::int64_t total = t.num_layers * (attention + feed_forward + 2 * t.hidden_size)
            + embeddings + t.hidden_size;
        QVERIFY2(std::abs(static_cast<double>(total) - parameters) <= tolerance,
            qPrintable(QString::number(total)));
    }

    void damagedCatalogue_namesFileAndLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("says");
        QTest::newRow("empty") << QByteArray() << "expected a list";
        QTest::newRow("mapping") << QByteArray("a: 1\n") << "line 1: expected a list";
        QTest::newRow("missing") << QByteArray("\n- id: x\n") << "line 2: title is missing";
        QTest::newRow("unknown") << QByteArray("- id: x\n  colour: red\n") << "line 2: colour";
        QTest::newRow("number") << QByteArray("- id: x\n  context: long\n")
                                << "line 2: context must be";
        QTest::newRow("negative") << QByteArray("- id: x\n  batch: -1\n")
                                  << "line 2: batch must be";
        QTest::newRow("benchmarks")
            << QByteArray("- id: x\n  published: {mmlu: 1}\n") << "line 2: published needs";
        QTest::newRow("syntax") << QByteArray("- id: [x\n") << "tiers.yaml";
    }
    void damagedCatalogue_namesFileAndLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, says);
        const auto tiers = loadText(text);
        QVERIFY(!tiers);
        QVERIFY2(tiers.error().message.find(says.toStdString()) != std::string::npos,
            tiers.error().message.c_str());
        QVERIFY(!zen::loadTiers("/nonexistent/tiers.yaml"));
    }

    void ownFile_changesWhatItNames()
    {
        const auto shipped = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        QTemporaryDir folder;
        const std::string file = folder.filePath(QStringLiteral("tiers.yaml")).toStdString();
        QCOMPARE(zen::withUserTiers(*shipped, file)->size(), shipped->size()); // no such file
        const auto write = [&](const QByteArray& text) {
            QFile out(QString::fromStdString(file));
            QVERIFY(out.open(QIODevice::WriteOnly | QIODevice::Truncate));
            out.write(text);
        };
        write("- {id: coder, substitute_id: me/my-coder, use_cases: [Mine]}\n");
        const auto changed = zen::withUserTiers(*shipped, file);
        QVERIFY2(changed, changed ? "" : changed.error().message.c_str());
        QCOMPARE(changed->size(), shipped->size());
        const auto coder = std::find_if(changed->begin(), changed->end(),
            [](const zen::Tier& tier) { return tier.id == "coder"; });
        QCOMPARE(coder->substitute_id, std::string("me/my-coder"));
        QCOMPARE(coder->use_cases, std::vector<std::string>{ "Mine" });
        QCOMPARE(coder->model_id, std::string("Qwen/Qwen3-Coder-7B-Instruct"));
        QCOMPARE(coder->hidden_size, std::int64_t{ 4096 });
        write("- {id: coder, colour: red}\n");
        const auto damaged = zen::withUserTiers(*shipped, file);
        QVERIFY(!damaged);
        QVERIFY(damaged.error().message.find(file + ", line 1") != std::string::npos);
        write("- {id: own, title: Own}\n"); // a new one must be whole
        QVERIFY(!zen::withUserTiers(*shipped, file));
    }

    void substitutesAreNamed_whereTheSeedsNameIsNotPublished()
    {
        const auto tiers = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        const std::map<std::string, std::string> expected = { { "nano", "Qwen/Qwen3-0.6B" },
            { "eco", "Qwen/Qwen3-4B" }, { "coder", "Qwen/Qwen3-8B" }, { "omni", "Qwen/Qwen3-14B" },
            { "next", "Qwen/Qwen3-32B" }, { "moe", "" } };
        for (const zen::Tier& tier : *tiers)
            if (tier.id != "starter") {
                QCOMPARE(tier.substitute_id, expected.at(tier.id));
                QVERIFY(!tier.substitute_id.empty() || tier.shape_assumed);
            }
    }

    void everyShippedConfig_isSound()
    {
        QDirIterator found(QString::fromStdString(kConfigs), { "*.yaml" }, QDir::Files);
        int count = 0;
        while (found.hasNext()) {
            const QString file = found.next();
            const auto document = zen::YamlDocument::load(file.toStdString());
            QVERIFY(document);
            const zen::ReadConfig result = zen::readConfig(*document);
            QVERIFY2(errorsOf(result.diagnostics).empty(),
                (file.toStdString() + errorsOf(result.diagnostics)).c_str());
            const auto again = zen::YamlDocument::fromText(zen::writeConfig(result.config));
            QCOMPARE(zen::readConfig(again).config, result.config);
            ++count;
        }
        QVERIFY(count >= 9);
    }

    void everyPresetOnEveryTier_leavesNoError()
    {
        const auto presets = zen::loadPresets(ZEN_SOURCE_DIR "/resources/presets");
        const auto tiers = zen::loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
        for (const zen::Tier& tier : *tiers)
            for (const zen::Preset& hardware : presets)
                for (const zen::Preset& task : presets) {
                    if (hardware.kind != zen::PresetKind::hardware
                        || task.kind != zen::PresetKind::task)
                        continue;
                    const auto document = zen::YamlDocument::load(kConfigs + tier.config_file);
                    const auto both = zen::applyPreset(hardware, *document)
                                          .and_then([&](zen::YamlDocument one) {
                                              return zen::applyPreset(task, std::move(one));
                                          });
                    QVERIFY2(both, both ? "" : both.error().message.c_str());
                    const zen::ReadConfig result = zen::readConfig(*both);
                    QVERIFY2(!zen::hasErrors(result.diagnostics),
                        (tier.id + " " + hardware.name + " " + task.name + "\n"
                            + errorsOf(result.diagnostics))
                            .c_str());
                }
    }

    void commandsOfTheSeed_areSound()
    {
        const auto run = [](const std::string& file, std::vector<std::string> arguments) {
            auto document = zen::YamlDocument::load(kConfigs + file);
            return zen::readConfig(*document, zen::parseOverrides(arguments));
        };
        const zen::ReadConfig eco = run("gspo_qwen3_eco_4b.yaml",
            { "--per_device_train_batch_size", "2", "--gradient_accumulation_steps", "2" });
        QVERIFY2(!zen::hasErrors(eco.diagnostics), errorsOf(eco.diagnostics).c_str());
        QCOMPARE(eco.config.batch.per_device_train_batch_size, std::int64_t{ 2 });
        const zen::ReadConfig moe = run("gspo_qwen3_moe.yaml",
            { "--deepspeed", "configs/deepspeed/ds_z3_config.json", "--per_device_train_batch_size",
                "1" });
        QVERIFY2(!zen::hasErrors(moe.diagnostics), errorsOf(moe.diagnostics).c_str());
        QVERIFY(QFile::exists(
            QStringLiteral(ZEN_SOURCE_DIR "/") + QString::fromStdString(moe.config.run.deepspeed)));
    }
};

QTEST_GUILESS_MAIN(TestTiers)
#include "tst_tiers.moc"
