#include "core/base/machine.h"
#include "core/model/qwen3_shape.h"
#include "core/plan/fit.h"
#include "core/runs/run_folder.h"
#include "core/train/check_start.h"
#include "core/weights/safetensors.h"

#include <QTemporaryDir>
#include <QTest>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace zen;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& text)
{
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

Qwen3Shape tinyShape()
{
    Qwen3Shape shape;
    shape.vocab_size = 64;
    shape.hidden_size = 16;
    shape.intermediate_size = 32;
    shape.num_layers = 2;
    shape.num_heads = 2;
    shape.num_kv_heads = 1;
    shape.head_dim = 8;
    shape.max_position_embeddings = 512;
    shape.tied_embeddings = true;
    shape.eos_ids = { 2 };
    shape.pad_id = 2;
    shape.dtype = "float32";
    return shape;
}

void putModel(const fs::path& folder, const Qwen3Shape& shape)
{
    put(folder / "config.json", writeShape(shape));
    put(folder / "tokenizer.json", "{}");
    const std::vector<float> values(16);
    const TensorToWrite norm{ "model.norm.weight", TensorType::f32, { 16 }, values.data() };
    if (!writeSafetensors(folder / "model.safetensors", std::span(&norm, 1), {}))
        qFatal("cannot write the model");
}

constexpr uid_t kNobody = 65534;

/// Root may write everywhere: while this lives, root is another user.
class NotRoot {
public:
    NotRoot()
    {
        if (m_was_root && ::setresuid(kNobody, kNobody, 0) != 0)
            qFatal("cannot become another user");
    }
    ~NotRoot()
    {
        if (m_was_root && ::setresuid(0, 0, 0) != 0)
            qFatal("cannot become root again");
    }
    NotRoot(const NotRoot&) = delete;
    NotRoot& operator=(const NotRoot&) = delete;

private:
    bool m_was_root = ::geteuid() == 0;
};

/// The one finding about `key`; fails the caller's test by an empty message otherwise.
Diagnostic findingAbout(const std::string& key, const TrainingConfig& config)
{
    Diagnostic found;
    for (const Diagnostic& finding : checkStart(config))
        if (finding.key == key) {
            if (!found.message.empty())
                return {};
            found = finding;
        }
    return found;
}

bool contains(const Diagnostic& finding, const std::string& part)
{
    return finding.message.find(part) != std::string::npos;
}

} // namespace

class TestCheckStart : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path root() const { return m_folder->path().toStdString(); }

    /// A configuration that can start.
    TrainingConfig good() const
    {
        TrainingConfig config;
        config.model.model_name_or_path = (root() / "model").string();
        config.data.dataset = { (root() / "train.jsonl").string() };
        config.data.cutoff_len = 128;
        config.algorithm.rewards = { RewardTermSpec{ "acc", "number_equal", 1.0, {}, 3 } };
        config.run.output_dir = (root() / "runs/one").string();
        return config;
    }

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        putModel(root() / "model", tinyShape());
        put(root() / "train.jsonl", "{\"question\": \"1 + 1?\", \"answer\": \"2\"}\n");
    }

    void goodConfiguration_hasNoFindings_andNothingIsCreated()
    {
        const Diagnostics findings = checkStart(good());
        QVERIFY2(findings.empty(), findings.empty() ? "" : toText(findings.front()).c_str());
        QVERIFY(!fs::exists(root() / "runs"));
    }

    void oddFolders_areAccepted_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : { "with space", "größe/模型", "new\nline", "it's \"quoted\"",
                 "-dash", "a/./b/../c", "trailing/" })
            QTest::newRow(name) << QString::fromUtf8(name);
    }

    void oddFolders_areAccepted()
    {
        QFETCH(QString, name);
        TrainingConfig config = good();
        config.run.output_dir = (root() / name.toStdString()).string();
        QVERIFY(!hasErrors(checkStart(config)));
        QVERIFY(prepareRunFolder(config.run.output_dir, ExistingRun::refuse));
    }

    void impossibleFolders_areErrors_data()
    {
        QTest::addColumn<QByteArray>("path"); // below the root unless absolute
        QTest::addColumn<QString>("expected");
        QTest::newRow("a file") << QByteArray("train.jsonl") << "is a file";
        QTest::newRow("below a file") << QByteArray("train.jsonl/run") << "is a file";
        QTest::newRow("dangling link") << QByteArray("dangling/run") << "does not exist";
        QTest::newRow("long name") << QByteArray(256, 'x') << "255 bytes";
        QTest::newRow("long path") << QByteArray("y/").repeated(2500) << "too long";
        QTest::newRow("NUL") << QByteArray("a\0b", 3) << "NUL";
        QTest::newRow("empty") << QByteArray() << "is empty";
    }

    void impossibleFolders_areErrors()
    {
        QFETCH(QByteArray, path);
        QFETCH(QString, expected);
        fs::create_symlink("nowhere", root() / "dangling");
        TrainingConfig config = good();
        config.run.output_dir
            = path.isEmpty() ? std::string() : (root() / path.toStdString()).string();
        const Diagnostic finding = findingAbout("output_dir", config);
        QCOMPARE(finding.severity, Severity::error);
        QVERIFY2(contains(finding, expected.toStdString()), finding.message.c_str());
    }

    void folderWithoutPermission_isAnError()
    {
        fs::create_directory(root() / "locked");
        QCOMPARE(::chmod((root() / "locked").c_str(), 0500), 0);
        TrainingConfig config = good();
        config.run.output_dir = (root() / "locked/run").string();
        QCOMPARE(::chown(root().c_str(), ::geteuid() == 0 ? kNobody : ::geteuid(), -1), 0);
        const NotRoot user;
        QVERIFY(contains(findingAbout("output_dir", config), "may not write"));
    }

    void existingRun_isAnErrorWithAFix()
    {
        TrainingConfig config = good();
        put(root() / "runs/one/events.jsonl", "x");
        const Diagnostic finding = findingAbout("output_dir", config);
        QVERIFY(contains(finding, "already holds a run"));
        QVERIFY(finding.fix.has_value());
        QCOMPARE(finding.fix->edits, (std::vector<Edit>{ { "overwrite_output_dir", "true" } }));
        config.run.overwrite_output_dir = true;
        QVERIFY(checkStart(config).empty());
        config.run.overwrite_output_dir = false;
        config.run.resume_from_checkpoint = "latest";
        QVERIFY(checkStart(config).empty());
        config.run.resume_from_checkpoint = (root() / "no such step").string();
        QVERIFY(contains(findingAbout("resume_from_checkpoint", config), "no such step"));
    }

    void runningRun_isAnErrorEvenWhenOverwriting()
    {
        TrainingConfig config = good();
        config.run.overwrite_output_dir = true;
        fs::create_directories(config.run.output_dir);
        const auto lock = RunLock::acquire(config.run.output_dir);
        QVERIFY(lock.has_value());
        QVERIFY(contains(findingAbout("output_dir", config), "another run is writing"));
    }

    void missingModel_saysWhereItLookedAndHowToGetIt()
    {
        TrainingConfig config = good();
        config.model.model_name_or_path = "Qwen/Qwen3-Unheard-Of";
        const Diagnostic finding = findingAbout("model_name_or_path", config);
        QCOMPARE(finding.severity, Severity::error);
        QVERIFY(contains(finding, "models/Qwen/Qwen3-Unheard-Of"));
        QVERIFY(contains(finding, "Looked in"));
    }

    void damagedModels_areErrors_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("content");
        QTest::newRow("config.json is no JSON") << "config.json" << QByteArray("{");
        QTest::newRow("another architecture")
            << "config.json" << QByteArray(R"({"architectures": ["LlamaForCausalLM"]})");
        QTest::newRow("weights are no safetensors") << "model.safetensors" << QByteArray("pickled");
        QTest::newRow("no tokenizer") << "tokenizer.json" << QByteArray();
    }

    void damagedModels_areErrors()
    {
        QFETCH(QString, file);
        QFETCH(QByteArray, content);
        const fs::path path = root() / "model" / file.toStdString();
        fs::remove(path);
        if (!content.isEmpty())
            put(path, content.toStdString());
        const Diagnostic finding = findingAbout("model_name_or_path", good());
        QCOMPARE(finding.severity, Severity::error);
        QVERIFY2(contains(finding, file.toStdString()), finding.message.c_str());
    }

    void fourBitAndMixtures_mayStart()
    {
        TrainingConfig config = good();
        config.memory.load_in_4bit = true;
        QVERIFY(!hasErrors(checkStart(config)));
        const std::string mixture
            = R"({"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "vocab_size": 64, "hidden_size": 16,
                "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
                "head_dim": 8, "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
                "hidden_act": "silu", "tie_word_embeddings": false, "num_experts": 4, "num_experts_per_tok": 2,
                "moe_intermediate_size": 8, "decoder_sparse_step": 1, "norm_topk_prob": true, "eos_token_id": 2)";
        put(root() / "model/config.json", mixture + "}");
        QVERIFY(!hasErrors(checkStart(good())));

        // Weights that are stored in 4 bits take an adapter, not full training.
        put(root() / "model/config.json",
            mixture
                + R"(, "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true,
                "bnb_4bit_quant_type": "nf4"}})");
        QVERIFY(!hasErrors(checkStart(good())));
        config = good();
        config.adapter.finetuning_type = FinetuningType::full;
        const Diagnostic finding = findingAbout("finetuning_type", config);
        QCOMPARE(finding.severity, Severity::error);
        QVERIFY(finding.fix.has_value());
    }

    void missingDataset_isNamed()
    {
        TrainingConfig config = good();
        config.data.dataset = { (root() / "missing.jsonl").string() };
        QVERIFY(contains(findingAbout("dataset", config), "missing.jsonl"));
        config = good();
        config.data.eval_dataset = { "unheard_of" };
        QVERIFY(contains(findingAbout("dataset", config), "unheard_of"));
    }

    void badRewards_keepTheirLines()
    {
        TrainingConfig config = good();
        config.algorithm.rewards
            = { RewardTermSpec{ "fmt", "regex", 1.0, { { "pattern", { "(a" } } }, 17 } };
        QCOMPARE(findingAbout("rewards", config).line, 17);
        config.algorithm.stage = Stage::sft; // which looks at no reward
        QVERIFY(checkStart(config).empty());
    }

    void adapter_mustBeOne()
    {
        TrainingConfig config = good();
        const fs::path run = root() / "earlier";
        config.model.adapter_name_or_path = run.string();
        QVERIFY(contains(findingAbout("adapter_name_or_path", config), "no folder"));
        fs::create_directory(run);
        QVERIFY(contains(findingAbout("adapter_name_or_path", config), "holds no adapter"));
        put(run / "adapter/adapter_config.json", "{}");
        put(run / "adapter/adapter_model.safetensors", "x");
        const Diagnostic finding = findingAbout("adapter_name_or_path", config);
        QVERIFY(finding.fix && finding.fix->edits[0].value == (run / "adapter").string());
        config.model.adapter_name_or_path = (run / "adapter").string();
        QVERIFY(checkStart(config).empty());
    }

    void contextBeyondThePositions_isAWarning()
    {
        TrainingConfig config = good();
        config.data.cutoff_len = 1024;
        const Diagnostic finding = findingAbout("cutoff_len", config);
        QCOMPARE(finding.severity, Severity::warning);
        QVERIFY(finding.fix && finding.fix->edits[0].value == "512");
    }

    /// Rows of 512 tokens whose activations, of 2 x 4 x (2 x 16 + 2 x 24 + 2 + 2 x 32) bytes a
    /// token, are twice what this machine has.
    static std::int64_t rowsOfTwiceTheMemory()
    {
        return static_cast<std::int64_t>(2 * thisMachine().memory_total_bytes / (1168 * 512));
    }

    void planBeyondTheMachine_isAnErrorWithAFixThatFits()
    {
        TrainingConfig config = good();
        config.batch.per_device_train_batch_size = rowsOfTwiceTheMemory() / 2 * 2;
        config.data.cutoff_len = 512;
        const Diagnostic finding = findingAbout("force_memory", config);
        QCOMPARE(finding.severity, Severity::error);
        for (const char* part : { "the plan needs", "in the update", "activations",
                 "this machine has", "force_memory: true" })
            QVERIFY2(contains(finding, part), finding.message.c_str());
        QVERIFY(finding.fix.has_value());
        const TrainingConfig fixed = withEdits(config, finding.fix->edits);
        QCOMPARE(completionsPerStep(fixed), completionsPerStep(config)); // the same step
        QVERIFY(findingAbout("force_memory", fixed).message.empty());
        config.batch.per_device_train_batch_size = std::int64_t{ 1 } << 40; // beyond all help
        QVERIFY(contains(findingAbout("force_memory", config), "Lower cutoff_len"));
    }

    void planBeyondTheMachine_startsWhenOneInsists()
    {
        TrainingConfig config = good();
        config.batch.per_device_train_batch_size = rowsOfTwiceTheMemory();
        config.data.cutoff_len = 512;
        QVERIFY(hasErrors(checkStart(config)));
        config.memory.force_memory = true;
        const Diagnostic finding = findingAbout("force_memory", config);
        QCOMPARE(finding.severity, Severity::warning);
        QVERIFY(!hasErrors(checkStart(config)));
    }
};

QTEST_GUILESS_MAIN(TestCheckStart)
#include "tst_check_start.moc"
