#include "core/config/presets.h"
#include "core/config/read_config.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using zen::YamlDocument;

namespace {

const std::filesystem::path kFolder = ZEN_SOURCE_DIR "/resources/presets";

zen::Preset preset(const std::string& name)
{
    for (const zen::Preset& each : zen::loadPresets(kFolder))
        if (each.name == name)
            return each;
    qFatal("no preset %s", name.c_str());
}

void write(const QString& path, const QByteArray& text)
{
    QDir().mkpath(QFileInfo(path).path());
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
}

} // namespace

class TestPresets : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void shippedPresets_areThoseOfTheSeed()
    {
        zen::Diagnostics problems;
        const std::vector<zen::Preset> presets = zen::loadPresets(kFolder, &problems);
        QVERIFY(problems.empty());
        std::vector<std::string> names;
        for (const zen::Preset& each : presets) {
            names.push_back(each.name);
            QVERIFY(!each.title.empty() && !each.summary.empty() && each.built_in);
        }
        QCOMPARE(names,
            (std::vector<std::string>{ "limited", "consumer", "professional", "this_machine_cpu",
                "high_quality", "fast_iteration", "domain_specialization" }));
        QCOMPARE(presets[1].title, std::string("Consumer"));
        QCOMPARE(presets[1].summary, std::string("8 to 24 GB"));
        using Edits = std::vector<zen::Edit>;
        QCOMPARE(presets[0].edits,
            (Edits{ { "quantization", "4bit" }, { "load_in_4bit", "true" },
                { "bnb_4bit_compute_dtype", "bfloat16" } }));
        QCOMPARE(presets[1].edits,
            (Edits{ { "gradient_checkpointing", "true" }, { "per_device_train_batch_size", "1" },
                { "gradient_accumulation_steps", "8" } }));
        QCOMPARE(presets[2].edits,
            (Edits{ { "bf16", "true" }, { "per_device_train_batch_size", "4" },
                { "gradient_accumulation_steps", "2" } }));
        QCOMPARE(presets[4].edits,
            (Edits{ { "temperature", "0.7" }, { "top_p", "0.9" }, { "lora_rank", "32" },
                { "lora_alpha", "64" } }));
        QCOMPARE(presets[5].edits,
            (Edits{ { "lora_rank", "4" }, { "lora_alpha", "8" }, { "num_train_epochs", "1.0" } }));
        QCOMPARE(presets[6].edits,
            (Edits{ { "dataset", "your_domain_data" }, { "num_train_epochs", "5.0" },
                { "learning_rate", "1.0e-05" } }));
        QCOMPARE(presets[3].kind, zen::PresetKind::hardware);
        QCOMPARE(presets[4].kind, zen::PresetKind::task);
    }

    void changes_areOnlyWhatDiffers()
    {
        const YamlDocument document = YamlDocument::fromText(
            "lora_rank: 32  # already\ntemperature: 1.0\ntop_p: 0.90\nseed: 1\n");
        const auto changes = zen::changesOf(preset("high_quality"), document);
        QCOMPARE(changes,
            (std::vector<zen::PresetChange>{
                { "temperature", "1.0", "0.7" }, { "lora_alpha", "", "64" } }));
        const auto applied = zen::applyPreset(preset("high_quality"), document);
        QVERIFY(applied);
        QCOMPARE(applied->text(),
            std::string("lora_rank: 32  # already\nlora_alpha: 64\ntemperature: 0.7\n"
                        "top_p: 0.90\nseed: 1\n"));
        QVERIFY(zen::changesOf(preset("high_quality"), *applied).empty());
    }

    void absentKeyAtItsDefault_isNoChange()
    {
        const YamlDocument document = YamlDocument::fromText("seed: 1\n");
        QVERIFY(zen::changesOf(preset("this_machine_cpu"), document).empty());
    }

    void aliases_areEditedInPlace()
    {
        const YamlDocument document
            = YamlDocument::fromText("quantization_bit: 8 # was\nmicro_batch_size: 2\n");
        const auto limited = zen::applyPreset(preset("limited"), document);
        QVERIFY(limited);
        QCOMPARE(limited->text(),
            std::string("quantization: 4bit\nload_in_4bit: true\n"
                        "bnb_4bit_compute_dtype: bfloat16\nmicro_batch_size: 2\n"));
        const auto consumer = zen::applyPreset(preset("consumer"), document);
        QVERIFY(consumer->text().find("micro_batch_size: 1\n") != std::string::npos);
    }

    void brokenFile_isRefusedAndDocumentKept()
    {
        const YamlDocument broken = YamlDocument::fromText("a: [\n");
        QVERIFY(!zen::applyPreset(preset("consumer"), broken));
    }

    void userPresets_followAndDamagedOnesAreNamed()
    {
        QTemporaryDir folder;
        const QString root = folder.path();
        write(root + "/task/mine.yaml", "# Mine: short runs\nmax_steps: 10\n");
        write(root + "/task/untitled.yaml", "max_steps: 20\n");
        write(root + "/task/unknown.yaml", "# A\nmax_stepz: 10\n");
        write(root + "/task/range.yaml", "# B\nlora_rank: 0\n");
        write(root + "/task/syntax.yaml", "# C\nlora_rank: [\n");
        write(root + "/task/empty.yaml", "# D\n");
        write(root + "/task/notes.txt", "no preset");
        write(root + "/hardware/huge.yaml", QByteArray(100000, '#'));
        zen::Diagnostics problems;
        const auto presets = zen::loadPresets(kFolder, root.toStdString(), &problems);
        QCOMPARE(presets.size(), std::size_t{ 9 });
        QCOMPARE(presets[7].name, std::string("mine"));
        QCOMPARE(presets[7].title, std::string("Mine"));
        QCOMPARE(presets[7].summary, std::string("short runs"));
        QVERIFY(!presets[7].built_in);
        QCOMPARE(presets[8].title, std::string("untitled"));
        QCOMPARE(problems.size(), std::size_t{ 5 });
        for (const zen::Diagnostic& problem : problems)
            QVERIFY(problem.message.find(root.toStdString()) != std::string::npos);
        QVERIFY(zen::loadPresets("/nonexistent").empty());
    }
};

QTEST_GUILESS_MAIN(TestPresets)
#include "tst_presets.moc"
