#include "core/export/deepspeed.h"
#include "core/export/import_config.h"
#include "core/export/translate.h"
#include "core/export/yaml_tree.h"
#include "tests/core/target_samples.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace zen;

namespace {

const char kLlamaFactory[] = R"(### model
model_name_or_path: Qwen/Qwen3-4B  # the base
### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 4
lora_target: q_proj,v_proj
### dataset
dataset: identity,alpaca_en_demo
template: qwen3
cutoff_len: 1024
overwrite_cache: true
preprocessing_num_workers: 4
### output
output_dir: saves/x
plot_loss: true
save_only_model: false
### train
learning_rate: 2e-5
use_badam: false
)";

const char kAxolotlFile[] = R"(base_model: Qwen/Qwen3-0.6B
rl: grpo
trl:
  beta: 0.001
  num_generations: 4
  max_completion_length: 256
  reward_funcs: [rewards.my_reward]
  use_vllm: true  # fast
  importance_sampling_level: sequence
adapter: qlora
load_in_4bit: true
lora_r: 16
lora_alpha: 32
lora_target_linear: true
datasets:
  - path: openai/gsm8k
    name: main
    type: rewards.oai_gsm8k_transform
sequence_len: 512
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 2
learning_rate: 2e-5
lr_scheduler: cosine
warmup_ratio: 0.1
flash_attention: true
fsdp_config: {fsdp_offload_params: true, offload_parms: true}
made_up_key: 1
)";

const char kTrlFile[] = R"(model_name_or_path: Qwen/Qwen3-0.6B
dataset_name: trl-lib/DeepMath-103K
use_peft: true
lora_r: 8
lora_target_modules: [all-linear]
reward_funcs: [accuracy_reward, think_format_reward]
reward_weights: [1.0, 0.5]
num_generations: 8
warmup_steps: 0.05
bf16: true
use_vllm: false
)";

const char kGymFile[] = R"(### Model configuration
model_name_or_path: zenlm/zen-nano-0.6b  # the smallest
template: qwen3

### Training method
stage: gspo
do_train: true
finetuning_type: lora
use_ref_model: true

### GSPO
gspo_group_size: 16
gspo_beta: 0.15
gspo_clip_epsilon: 0.3
gspo_sequence_level: true  # a key that its parser does not know
lora_rank: 8
lora_target: all
dataset: rows,more_rows
cutoff_len: 2048
overwrite_cache: true
output_dir: saves/nano
logging_steps: 5
per_device_train_batch_size: 2
learning_rate: 5.0e-5
bf16: true
flash_attn: auto
)";

const char kDeepspeed2[] = R"({
  "train_micro_batch_size_per_gpu": "auto",
  "bf16": { "enabled": true },
  "zero_optimization": { "stage": 2, "overlap_comm": true, "reduce_bucket_size": 2e8 }
})";

const char kDeepspeed3[] = R"({
  "gradient_accumulation_steps": "auto",
  "zero_optimization": {
    "stage": 3,
    "stage3_gather_16bit_weights_on_model_save": true
  }
})";

YamlDocument documentOf(const char* text)
{
    return YamlDocument::fromText(text);
}

std::string recognisedName(const YamlDocument& document)
{
    const auto targets = loadTargets();
    const int index = recognise(document, *targets).target;
    return index < 0 ? "own" : (*targets)[static_cast<std::size_t>(index)].name;
}

KeyFate fateOf(const ImportedConfig& imported, const std::string& key)
{
    for (const ForeignKey& one : imported.keys)
        if (one.key == key)
            return one.fate;
    qFatal("no such key");
}

/// No mapping below the first level.
bool isFlat(const YamlNode& root)
{
    const auto is_mapping
        = [](const YamlNode& node) { return node.kind == YamlNode::Kind::mapping; };
    return std::none_of(root.items.begin(), root.items.end(), [&](const YamlNode& node) {
        return is_mapping(node) || std::any_of(node.items.begin(), node.items.end(), is_mapping);
    });
}

/// Whether the tool has such a key; `datasets[0].path` is one of a list's entries.
bool isKnown(const Target& tool, const std::string& key)
{
    const std::size_t bracket = key.find('[');
    const AcceptedKey* accepted = tool.accepted.find(key.substr(0, bracket));
    if (bracket == std::string::npos || !accepted)
        return accepted != nullptr;
    const std::size_t dot = key.find('.', bracket);
    return dot == std::string::npos || accepted->items.empty()
        || accepted->items.contains(key.substr(dot + 1));
}

QStringList peerFiles()
{
    const QDir folder(QStringLiteral(ZEN_SOURCE_DIR "/../shared/data/peer-configs/gym"));
    QStringList files;
    for (const QString& name : folder.entryList({ QStringLiteral("*.yaml") }))
        files += folder.filePath(name);
    return files;
}

} // namespace

class TestExportImport : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("ZEN_RESOURCES", ZEN_SOURCE_DIR "/resources"); }

    void files_areRecognised()
    {
        QCOMPARE(recognisedName(documentOf(kLlamaFactory)), std::string("llamafactory"));
        QCOMPARE(recognisedName(documentOf(kAxolotlFile)), std::string("axolotl"));
        QCOMPARE(recognisedName(documentOf(kTrlFile)), std::string("trl"));
        QCOMPARE(recognisedName(documentOf("stage: gspo\ngspo_group_size: 8\ndo_train: true\n"
                                           "use_ref_model: true\n")),
            std::string("gym"));
        for (const std::string& name : shippedConfigs())
            QCOMPARE(recognisedName(*YamlDocument::load(
                         std::string(ZEN_SOURCE_DIR "/configs/") + name + ".yaml")),
                std::string("own"));
        QCOMPARE(recognisedName(documentOf("lora_rnk: 3\nstage: sft\n")), std::string("own"));
    }

    void exportedFiles_areRecognised()
    {
        for (const std::string_view name : kTargetNames)
            for (const std::string& config : shippedConfigs()) {
                const TargetConfig exported = translate(shippedConfig(config), targetNamed(name));
                QCOMPARE(recognisedName(YamlDocument::fromText(exported.yaml)), std::string(name));
            }
    }

    void llamaFactoryFile_isTakenKeyByKey()
    {
        const ImportedConfig imported
            = importConfig(documentOf(kLlamaFactory), targetNamed("llamafactory"), {});
        QCOMPARE(imported.config.algorithm.stage, Stage::sft);
        QCOMPARE(
            imported.config.adapter.lora_target, (std::vector<std::string>{ "q_proj", "v_proj" }));
        QCOMPARE(imported.config.data.dataset,
            (std::vector<std::string>{ "identity", "alpaca_en_demo" }));
        QCOMPARE(imported.config.optimizer.learning_rate, 2e-5);
        // what is not written means the tool's default, not ours
        QVERIFY(imported.config.memory.gradient_checkpointing);
        QCOMPARE(fateOf(imported, "plot_loss"), KeyFate::without_effect);
        QCOMPARE(fateOf(imported, "use_badam"), KeyFate::without_effect);
        QVERIFY(imported.yaml.find("# preprocessing_num_workers: 4\n") != std::string::npos);
        QVERIFY(!hasErrors(readConfig(YamlDocument::fromText(imported.yaml)).diagnostics));
        QCOMPARE(readConfig(YamlDocument::fromText(imported.yaml)).config, imported.config);
    }

    void axolotlFile_isTakenKeyByKey()
    {
        const Target axolotl = targetNamed("axolotl");
        const ImportedConfig imported = importConfig(documentOf(kAxolotlFile), axolotl, {});
        const TrainingConfig config = resolve(imported.config);
        QCOMPARE(config.algorithm.stage, Stage::gspo);
        QCOMPARE(config.algorithm.beta, 0.001);
        QCOMPARE(config.batch.num_generations, std::int64_t{ 4 });
        QCOMPARE(config.batch.steps_per_generation, std::int64_t{ 4 }); // one update there
        QCOMPARE(config.memory.quantization, Quantization::nf4);
        QCOMPARE(config.adapter.finetuning_type, FinetuningType::lora);
        QCOMPARE(config.data.dataset, std::vector<std::string>{ "openai/gsm8k" });
        QCOMPARE(config.optimizer.learning_rate, 2e-5);
        QCOMPARE(config.optimizer.lr_scheduler_type, SchedulerType::cosine);
        QCOMPARE(config.run.save_total_limit, std::int64_t{ 4 }); // where none is given
        QCOMPARE(fateOf(imported, "made_up_key"), KeyFate::unknown);
        QCOMPARE(fateOf(imported, "trl.reward_funcs"), KeyFate::refused);
        QCOMPARE(fateOf(imported, "trl.use_vllm"), KeyFate::without_effect);
        QCOMPARE(fateOf(imported, "datasets[0].name"), KeyFate::without_effect);
        QVERIFY(imported.yaml.find("# datasets[0].name: main\n") != std::string::npos);
        QCOMPARE(fateOf(imported, "fsdp_config.fsdp_offload_params"), KeyFate::without_effect);
        QCOMPARE(fateOf(imported, "fsdp_config.offload_parms"), KeyFate::unknown);
        const std::string report = importReport(imported, axolotl);
        QVERIFY(report.find("made_up_key (unknown)") != std::string::npos);
        QVERIFY(report.find("rewards.my_reward cannot be read") != std::string::npos);
    }

    void trlFile_isTakenKeyByKey()
    {
        const ImportedConfig imported = importConfig(documentOf(kTrlFile), targetNamed("trl"), {});
        const TrainingConfig& config = imported.config;
        QCOMPARE(config.algorithm.stage, Stage::grpo);
        QCOMPARE(config.algorithm.rewards.size(), std::size_t{ 2 });
        QCOMPARE(config.algorithm.rewards[1].type, std::string("think_format"));
        QCOMPARE(config.algorithm.rewards[1].weight, 0.5);
        QCOMPARE(config.adapter.lora_target, std::vector<std::string>{ "all" });
        QCOMPARE(config.optimizer.warmup_ratio, 0.05);
        QCOMPARE(config.optimizer.warmup_steps, std::int64_t{ 0 });
        QCOMPARE(*config.algorithm.loss_type, LossType::dapo); // its default
        QCOMPARE(config.memory.gradient_checkpointing, true);
    }

    void writingBack_changesOnlyWhatChanged_data()
    {
        QTest::addColumn<QByteArray>("target");
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("llamafactory") << QByteArray("llamafactory") << QByteArray(kLlamaFactory);
        QTest::newRow("axolotl") << QByteArray("axolotl") << QByteArray(kAxolotlFile);
        QTest::newRow("trl") << QByteArray("trl") << QByteArray(kTrlFile);
    }
    void writingBack_changesOnlyWhatChanged()
    {
        QFETCH(QByteArray, target);
        QFETCH(QByteArray, text);
        const Target tool = targetNamed(target.toStdString());
        const YamlDocument foreign = YamlDocument::fromText(text.toStdString());
        const ImportedConfig imported = importConfig(foreign, tool, {});
        const auto same = writeBack(foreign, imported.config, imported.config, tool);
        QVERIFY(same);
        QCOMPARE(QByteArray::fromStdString(same->text()), text);

        TrainingConfig changed = imported.config;
        changed.optimizer.learning_rate = 3e-4;
        const auto next = writeBack(foreign, imported.config, changed, tool);
        QVERIFY(next);
        QCOMPARE(importConfig(*next, tool, {}).config, changed);
        const QList<QByteArray> before = text.split('\n');
        const QList<QByteArray> after = QByteArray::fromStdString(next->text()).split('\n');
        for (const QByteArray& line : before)
            QVERIFY2(line.contains("learning_rate") || after.contains(line), line.constData());
    }

    void writingBackIntoABlock_keepsItsOtherKeys()
    {
        const Target axolotl = targetNamed("axolotl");
        const YamlDocument foreign = documentOf(kAxolotlFile);
        const ImportedConfig imported = importConfig(foreign, axolotl, {});
        TrainingConfig changed = imported.config;
        changed.algorithm.beta = 0.02;
        const auto next = writeBack(foreign, imported.config, changed, axolotl);
        QVERIFY(next);
        QVERIFY(next->text().find("beta: 0.02") != std::string::npos);
        QVERIFY(next->text().find("use_vllm: true") != std::string::npos);
        QVERIFY(next->text().find("rewards.my_reward") != std::string::npos);
        QVERIFY(next->text().find("made_up_key: 1") != std::string::npos);
    }

    void writingBackIntoABlock_keepsTextThatBracketsWouldEnd()
    {
        const Target axolotl = targetNamed("axolotl");
        std::string text = kAxolotlFile;
        const std::string list = "  reward_funcs: [rewards.my_reward]\n";
        text.replace(text.find(list), list.size(),
            "  reward_funcs:\n    - x, y\n    - what? [a]\n    - 0.5\n    - 'it''s, so'\n");
        const YamlDocument foreign = YamlDocument::fromText(text);
        const ImportedConfig imported = importConfig(foreign, axolotl, {});
        TrainingConfig changed = imported.config;
        changed.algorithm.beta = 0.02;
        const auto next = writeBack(foreign, imported.config, changed, axolotl);
        QVERIFY2(next, next ? "" : next.error().message.c_str());
        const YamlNode* items = nodeAt(next->root(), "trl.reward_funcs");
        QVERIFY(items);
        QCOMPARE(items->items.size(), std::size_t{ 4 });
        QCOMPARE(items->items[0].text, std::string("x, y"));
        QCOMPARE(items->items[1].text, std::string("what? [a]"));
        QCOMPARE(items->items[2].text, std::string("0.5"));
        QVERIFY(!items->items[2].quoted); // still a number
        QCOMPARE(items->items[3].text, std::string("it's, so"));
    }

    void keyWithALineBreak_staysInItsComment()
    {
        const Target gym = targetNamed("gym");
        const ImportedConfig imported = importConfig(
            documentOf("stage: gspo\n\"foo\\nstage: sft\\nzz\": 1\ngspo_group_size: 4\n"), gym, {});
        QCOMPARE(fateOf(imported, "foo\nstage: sft\nzz"), KeyFate::unknown);
        const ReadConfig again = readConfig(YamlDocument::fromText(imported.yaml));
        QCOMPARE(again.config, imported.config);
        QCOMPARE(again.config.algorithm.stage, Stage::gspo);
        QVERIFY2(imported.yaml.find("# \"foo\\nstage: sft\\nzz\": 1\n") != std::string::npos,
            imported.yaml.c_str());
        const std::string report = importReport(imported, gym);
        QVERIFY2(report.find("\nstage") == std::string::npos, report.c_str());
        QVERIFY2(report.find("\"foo\\nstage: sft\\nzz\" (unknown)") != std::string::npos,
            report.c_str());
    }

    void wholeNumberBeyondAll_isRefused()
    {
        const ImportedConfig imported
            = importConfig(documentOf("stage: gspo\nlora_rank: 1.0e+300\nmax_samples: 3.0\n"),
                targetNamed("gym"), {});
        QCOMPARE(fateOf(imported, "lora_rank"), KeyFate::refused);
        QCOMPARE(imported.config.adapter.lora_rank, TrainingConfig{}.adapter.lora_rank);
        QCOMPARE(imported.config.data.max_samples, std::int64_t{ 3 });
    }

    void foreignFiles_importWithAFullReport_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("llamafactory") << QByteArray(kLlamaFactory);
        QTest::newRow("axolotl") << QByteArray(kAxolotlFile);
        QTest::newRow("trl") << QByteArray(kTrlFile);
        QTest::newRow("gym") << QByteArray(kGymFile);
        for (const std::string_view name : kTargetNames)
            for (const std::string& config : shippedConfigs())
                QTest::newRow(qPrintable(QStringLiteral("%1 for %2")
                                             .arg(QString::fromStdString(config),
                                                 QString::fromStdString(std::string(name)))))
                    << QByteArray::fromStdString(
                           translate(shippedConfig(config), targetNamed(name)).yaml);
        for (const QString& path : peerFiles()) { // the tools' own, where they are at hand
            QFile file(path);
            QVERIFY2(file.open(QIODevice::ReadOnly), qPrintable(path));
            QTest::newRow(qPrintable(QFileInfo(path).fileName())) << file.readAll();
        }
    }
    void foreignFiles_importWithAFullReport()
    {
        QFETCH(QByteArray, text);
        const YamlDocument document = YamlDocument::fromText(text.toStdString());
        QVERIFY(!hasErrors(document.check()));
        const auto targets = loadTargets();
        const int index = recognise(document, *targets).target;
        QVERIFY(index >= 0);
        const Target& tool = (*targets)[static_cast<std::size_t>(index)];
        const ImportedConfig imported = importConfig(document, tool, {});
        if (isFlat(document.root()))
            QCOMPARE(imported.keys.size(), document.entries().size());
        const std::string report = importReport(imported, tool);
        for (const ForeignKey& key : imported.keys) {
            QVERIFY2(key.fate == KeyFate::taken || !key.why.empty(), key.key.c_str());
            if (!isKnown(tool, key.key)) {
                QCOMPARE(key.fate, KeyFate::unknown);
                QVERIFY2(report.find(key.key + " (unknown)") != std::string::npos, key.key.c_str());
            }
            // nothing is lost: a setting, or kept as a comment
            if (key.own.empty())
                QVERIFY2(imported.yaml.find("# " + key.key + ": " + key.value + "\n")
                        != std::string::npos,
                    key.key.c_str());
        }
        for (const auto& entry : document.entries()) // each key, or each one below it
            QVERIFY2(std::any_of(imported.keys.begin(), imported.keys.end(),
                         [&](const ForeignKey& key) {
                             return key.key == entry.key || key.key.starts_with(entry.key + ".")
                                 || key.key.starts_with(entry.key + "[");
                         }),
                entry.key.c_str());
        const auto same = writeBack(document, imported.config, imported.config, tool);
        QVERIFY(same);
        QCOMPARE(same->text(), document.text());
        QCOMPARE(readConfig(YamlDocument::fromText(imported.yaml)).config, imported.config);
    }

    void deepspeedFile_isNoConfiguration_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("words"); // empty: not asked
        QTest::newRow("flat") << QByteArray("{\n\"zero_optimization\": {\"stage\": 3, "
                                            "\"offload_param\": {\"device\": \"cpu\"}}\n}\n")
                              << "ZeRO stage 3, offloaded to main memory";
        QTest::newRow("stage 2") << QByteArray(kDeepspeed2) << "ZeRO stage 2";
        QTest::newRow("stage 3") << QByteArray(kDeepspeed3) << "ZeRO stage 3";
        for (const bool offload : { false, true })
            for (const int stage : { 2, 3 }) {
                const DeepspeedKind kind{ stage, offload };
                QTest::newRow(qPrintable(QString::fromStdString("as written: " + kind.inWords())))
                    << QByteArray::fromStdString(deepspeedJson(kind))
                    << QString::fromStdString(kind.inWords());
            }
        const QDir peers(QStringLiteral(ZEN_SOURCE_DIR "/../shared/data/peer-configs/deepspeed"));
        for (const QString& name : peers.entryList({ QStringLiteral("*.json") })) {
            QFile file(peers.filePath(name));
            QVERIFY2(file.open(QIODevice::ReadOnly), qPrintable(name));
            QTest::newRow(qPrintable(name)) << file.readAll() << QString();
        }
    }
    void deepspeedFile_isNoConfiguration()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, words);
        const YamlDocument document = YamlDocument::fromText(text.toStdString());
        const auto kind = deepspeedKindOf(document.root());
        QVERIFY(kind);
        if (!words.isEmpty())
            QCOMPARE(QString::fromStdString(kind->inWords()), words);
        QCOMPARE(recognisedName(document), std::string("own")); // no tool's, in any case
        QVERIFY(!deepspeedKindOf(documentOf(kLlamaFactory).root()));
    }

    void fileWithoutAnyKnownKey_isNotTakenForAnOwnOne()
    {
        const auto targets = loadTargets();
        QVERIFY(!recognise(documentOf("made: 1\nup: 2\n"), *targets).is_known);
        QVERIFY(!recognise(documentOf(""), *targets).is_known);
        QVERIFY(recognise(documentOf("stage: sft\nmade: 2\n"), *targets).is_known);
        QVERIFY(recognise(documentOf(kTrlFile), *targets).is_known);
    }

    void brokenFile_givesItsErrorAndNothingElse()
    {
        const ImportedConfig imported
            = importConfig(documentOf("a: &x 1\nb: *x\n"), targetNamed("trl"), {});
        QVERIFY(hasErrors(imported.findings));
        QVERIFY(imported.keys.empty());
    }
};

QTEST_MAIN(TestExportImport)
#include "tst_export_import.moc"
