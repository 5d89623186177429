#include "core/weights/checkpoint_folder.h"

#include <QtTest>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>

using namespace zen;
namespace fs = std::filesystem;

namespace {

const fs::path kCases = fs::path(ZEN_SOURCE_DIR) / "tests/reference-cases";

void put(const fs::path& path, const std::string& text)
{
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

/// Sets an environment variable for one scope.
class Environment {
public:
    Environment(const char* name, const std::string& value)
        : m_name(name)
        , m_before(qgetenv(name))
        , m_was_set(qEnvironmentVariableIsSet(name))
    {
        qputenv(name, QByteArray::fromStdString(value));
    }
    ~Environment() { m_was_set ? qputenv(m_name, m_before) : qunsetenv(m_name); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* m_name;
    QByteArray m_before;
    bool m_was_set;
};

} // namespace

class TestCheckpointFolder : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_temporary = std::make_unique<QTemporaryDir>();
        m_folder = fs::path(m_temporary->path().toStdString());
    }

    void singleFile_opens();
    void shards_open();
    void tensorElsewhere_isRefused();
    void hostileShardName_isRefused_data();
    void hostileShardName_isRefused();
    void linkOutside_isRefused();
    void hubCacheLinks_open();
    void pipes_areRefused();
    void hostileIndex_isRefused_data();
    void hostileIndex_isRefused();
    void indexMutations_neverCrash();
    void unnamedTensor_isRefused();
    void folder_isFound();
    void localModels_areFound();
    void hubSnapshot_isFound();
    void starter_isFoundInResources();
    void missingModel_namesFoldersAndHowToGetIt();
    void folderWithoutWeights_saysWhatIsMissing();

private:
    void copyCase(const char* name) const
    {
        fs::copy(kCases / name, m_folder,
            fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    }
    std::unique_ptr<QTemporaryDir> m_temporary;
    fs::path m_folder;
};

void TestCheckpointFolder::singleFile_opens()
{
    const auto checkpoint = openCheckpoint(kCases / "dense");
    QVERIFY2(checkpoint, checkpoint ? "" : checkpoint.error().message.c_str());
    QCOMPARE(checkpoint->shards.size(), std::size_t{ 1 });
    QCOMPARE(checkpoint->shard_of.size(), std::size_t{ 3 * 11 + 2 });
    QVERIFY(checkpoint->tokenizer_json.empty());
    QCOMPARE(checkpoint->generation_config_json, kCases / "dense/generation_config.json");
}

void TestCheckpointFolder::shards_open()
{
    const auto checkpoint = openCheckpoint(kCases / "dense-sharded");
    QVERIFY2(checkpoint, checkpoint ? "" : checkpoint.error().message.c_str());
    QCOMPARE(checkpoint->shards.size(), std::size_t{ 7 });
    for (const auto& [name, shard] : checkpoint->shard_of)
        QVERIFY(checkpoint->shards[shard].find(name) != nullptr);
}

void TestCheckpointFolder::tensorElsewhere_isRefused()
{
    copyCase("dense-sharded");
    fs::copy_file(m_folder / "model-00001-of-00007.safetensors",
        m_folder / "model-00002-of-00007.safetensors", fs::copy_options::overwrite_existing);
    const auto checkpoint = openCheckpoint(m_folder);
    QVERIFY(!checkpoint);
    QVERIFY2(checkpoint.error().message.find("should be in") != std::string::npos,
        checkpoint.error().message.c_str());
}

void TestCheckpointFolder::hostileShardName_isRefused_data()
{
    QTest::addColumn<QString>("json");
    for (const char* name : { R"("")", R"(".")", R"("..")", R"("../model.safetensors")",
             R"("/etc/passwd")", R"("a/b")", R"("a\\b")", R"("a\u0000b")", R"("./x")", "5", "null",
             "[]", "{}", R"("no-such-file")", R"("/dev/zero")" })
        QTest::newRow(name) << QString(name);
}

void TestCheckpointFolder::hostileShardName_isRefused()
{
    QFETCH(QString, json);
    put(m_folder / "config.json", "{}");
    put(m_folder / "model.safetensors.index.json",
        R"({"weight_map":{"x":)" + json.toStdString() + "}}");
    const auto checkpoint = openCheckpoint(m_folder);
    QVERIFY(!checkpoint);
    QVERIFY(checkpoint.error().message.size() < 1000);
}

void TestCheckpointFolder::linkOutside_isRefused()
{
    put(m_folder / "config.json", "{}");
    fs::create_symlink(kCases / "dense/model.safetensors", m_folder / "model.safetensors");
    const auto checkpoint = openCheckpoint(m_folder);
    QVERIFY(!checkpoint);
    QVERIFY(checkpoint.error().message.find("outside") != std::string::npos);
}

void TestCheckpointFolder::hubCacheLinks_open()
{
    const fs::path model = m_folder / "models--a--b", snapshot = model / "snapshots/0123abcd";
    fs::create_directories(snapshot);
    fs::create_directories(model / "blobs");
    fs::copy_file(kCases / "dense/model.safetensors", model / "blobs/00ff");
    put(snapshot / "config.json", "{}");
    fs::create_symlink("../../blobs/00ff", snapshot / "model.safetensors");
    const auto checkpoint = openCheckpoint(snapshot);
    QVERIFY2(checkpoint, checkpoint ? "" : checkpoint.error().message.c_str());
}

void TestCheckpointFolder::pipes_areRefused()
{
    put(m_folder / "config.json", "{}");
    QCOMPARE(::mkfifo((m_folder / "model.safetensors").c_str(), 0600), 0);
    QVERIFY(!openCheckpoint(m_folder));
    fs::remove(m_folder / "model.safetensors");
    fs::create_directory(m_folder / "model.safetensors");
    QVERIFY(!openCheckpoint(m_folder));
}

void TestCheckpointFolder::hostileIndex_isRefused_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::newRow("empty") << QByteArray();
    QTest::newRow("list") << QByteArray("[]");
    QTest::newRow("no map") << QByteArray("{}");
    QTest::newRow("empty map") << QByteArray(R"({"weight_map":{}})");
    QTest::newRow("map is a list") << QByteArray(R"({"weight_map":[]})");
    QTest::newRow("duplicate tensor") << QByteArray(R"({"weight_map":{"a":"x","a":"y"}})");
    QTest::newRow("duplicate map")
        << QByteArray(R"({"weight_map":{"a":"x"},"weight_map":{"a":"y"}})");
    QTest::newRow("deep") << QByteArray("{\"a\":" + QByteArray(200000, '['));
    QTest::newRow("bad UTF-8") << QByteArray("{\"weight_map\":{\"\xff\":\"x\"}}");
}

void TestCheckpointFolder::hostileIndex_isRefused()
{
    QFETCH(QByteArray, json);
    put(m_folder / "config.json", "{}");
    put(m_folder / "model.safetensors.index.json", json.toStdString());
    QVERIFY(!openCheckpoint(m_folder));
}

void TestCheckpointFolder::indexMutations_neverCrash()
{
    copyCase("dense-sharded");
    const fs::path index = m_folder / "model.safetensors.index.json";
    std::ifstream file(index);
    const std::string good(std::istreambuf_iterator<char>(file), {});
    std::mt19937 random(2);
    int refused = 0;
    for (int round = 0; round < 300; ++round) {
        std::string bytes = good;
        const std::size_t at = random() % bytes.size();
        if (round % 3 == 0)
            bytes[at] = static_cast<char>(random());
        else if (round % 3 == 1)
            bytes.erase(at, 1 + random() % 30);
        else
            bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 60));
        put(index, bytes);
        refused += openCheckpoint(m_folder) ? 0 : 1;
    }
    QVERIFY(refused > 200);
}

void TestCheckpointFolder::unnamedTensor_isRefused()
{
    copyCase("dense-sharded");
    const fs::path index = m_folder / "model.safetensors.index.json";
    std::ifstream file(index);
    std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t at = text.find("\"model.layers.0.input_layernorm.weight\"");
    text.erase(at, text.find(',', at) + 1 - at);
    put(index, text);
    const auto checkpoint = openCheckpoint(m_folder);
    QVERIFY(!checkpoint);
    QVERIFY(checkpoint.error().message.find("does not name it") != std::string::npos);
}

void TestCheckpointFolder::folder_isFound()
{
    const auto found = findModelFolder((kCases / "dense").string());
    QVERIFY(found);
    QCOMPARE(*found, kCases / "dense");
}

void TestCheckpointFolder::localModels_areFound()
{
    put(m_folder / "models/Some/Model-1B/config.json", "{}");
    put(m_folder / "models/Some/Model-1B/model.safetensors", "");
    const fs::path before = fs::current_path();
    fs::current_path(m_folder);
    const auto found = findModelFolder("Some/Model-1B");
    fs::current_path(before);
    QVERIFY(found);
    QCOMPARE(*found, fs::path("models/Some/Model-1B"));
}

void TestCheckpointFolder::hubSnapshot_isFound()
{
    const Environment home("HF_HOME", m_folder.string());
    const fs::path model = m_folder / "hub/models--Some--Model-1B";
    for (const char* revision : { "aaa", "bbb" }) {
        put(model / "snapshots" / revision / "config.json", "{}");
        put(model / "snapshots" / revision / "model.safetensors", "");
    }
    put(model / "refs/main", "aaa\n");
    const auto found = findModelFolder("Some/Model-1B");
    QVERIFY2(found, found ? "" : found.error().message.c_str());
    QCOMPARE(*found, model / "snapshots/aaa");
}

void TestCheckpointFolder::starter_isFoundInResources()
{
    const Environment resources("ZEN_RESOURCES", m_folder.string());
    put(m_folder / "starter/config.json", "{}");
    put(m_folder / "starter/model.safetensors", "");
    const auto found = findModelFolder("zen/starter");
    QVERIFY2(found, found ? "" : found.error().message.c_str());
    QCOMPARE(*found, m_folder / "starter");
}

void TestCheckpointFolder::missingModel_namesFoldersAndHowToGetIt()
{
    const Environment home("HF_HOME", m_folder.string());
    const auto found = findModelFolder("Qwen/Qwen3-9000B");
    QVERIFY(!found);
    for (const std::string& part : { std::string("models/Qwen/Qwen3-9000B"),
             (m_folder / "hub").string(), std::string("gym fetch Qwen/Qwen3-9000B") })
        QVERIFY2(
            found.error().message.find(part) != std::string::npos, found.error().message.c_str());
    const auto tier
        = findModelFolder("Qwen/Qwen3-0.6B-Instruct"); // a name that was never published
    QVERIFY(!tier);
    QVERIFY2(tier.error().message.find("gym fetch Qwen/Qwen3-0.6B,") != std::string::npos,
        tier.error().message.c_str());
    QVERIFY(!findModelFolder(""));
    QVERIFY(!findModelFolder(std::string("a\0b", 3)));
}

void TestCheckpointFolder::folderWithoutWeights_saysWhatIsMissing()
{
    put(m_folder / "config.json", "{}");
    const auto found = findModelFolder(m_folder.string());
    QVERIFY(!found);
    QVERIFY(found.error().message.find("neither model.safetensors") != std::string::npos);
}

QTEST_GUILESS_MAIN(TestCheckpointFolder)
#include "tst_checkpoint_folder.moc"
