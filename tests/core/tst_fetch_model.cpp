#include "core/base/durable_file.h"
#include "core/fetch/fetch_model.h"
#include "core/fetch/hub_cache.h"
#include "core/fetch/hub_listing.h"
#include "core/weights/checkpoint_folder.h"
#include "hub_server.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace zen;
using namespace zen::test;
namespace fs = std::filesystem;

namespace {

const std::string kShard = "model-00001-of-00002.safetensors";
const std::string kBranch = "main";

std::string contentOf(const fs::path& path)
{
    const auto bytes = readFile(path);
    return bytes ? *bytes : "(" + bytes.error().message + ")";
}

bool says(const Result<FetchedModel>& result, const std::string& part)
{
    if (result || result.error().message.find(part) == std::string::npos) {
        qWarning("%s", result ? "it worked" : result.error().message.c_str());
        return false;
    }
    return true;
}

/// Waits of milliseconds, so that tests are quick.
RetryPolicy quick()
{
    return { 3, std::chrono::milliseconds(5), std::chrono::milliseconds(10) };
}

} // namespace

class TestFetchModel : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_dir = std::make_unique<QTemporaryDir>();
        m_root = m_dir->path().toStdString();
        m_repository = smallRepository();
        m_change = nullptr;
        m_settings = {};
        m_settings.cache = m_root / "hub";
        m_server = std::make_unique<HubServer>([this](const HubRequest& request) {
            HubReply reply = m_repository.answer(request);
            if (m_change)
                m_change(request, reply);
            return reply;
        });
        m_settings.endpoint = m_server->url();
    }
    void cleanup() { m_server.reset(); }

    void wholeRepository_isInTheCacheAndFound();
    void plainFolder_holdsTheFiles();
    void secondFetch_asksOnlyForTheList();
    void movedBranch_fetchesOnlyWhatChanged();
    void partialFile_isResumedByRange();
    void partialFileOfOtherBytes_isFetchedAnew();
    void serverIgnoringRanges_startsAnew();
    void tooLongPartialFile_startsAnew();
    void redirectToOtherPort_dropsTheToken();
    void unauthorized_saysHowToGiveAToken_data();
    void unauthorized_saysHowToGiveAToken();
    void missingRepository_isNamed();
    void missingFile_isNamed();
    void truncatedBody_isResumed();
    void bodyWithoutLength_isResumed();
    void passingTrouble_isTriedAgain_data();
    void passingTrouble_isTriedAgain();
    void serverThatStaysDown_isGivenUp();
    void wrongHash_deletesTheFile_data();
    void wrongHash_deletesTheFile();
    void wrongSize_isRefusedBeforeAnyByteIsLost();
    void stop_keepsWhatCame();
    void stop_endsAWait();
    void hostileName_isRefused_data();
    void hostileName_isRefused();
    void badListing_isRefused_data();
    void badListing_isRefused();
    void patterns_choose();
    void noSafetensors_isSaid();
    void tooLittleSpace_isSaidFirst();
    void otherFilesInAPlainFolder_areKept();
    void lockedFile_isLeftAlone();
    void offline_asksNobody();
    void badRequest_isRefused_data();
    void badRequest_isRefused();
    void progress_addsUp();

private:
    Result<FetchedModel> fetch(const FetchRequest& request, const std::stop_token& stop = {},
        const ReportProgress& report = {})
    {
        return fetchModel(request, m_settings, report, stop, quick());
    }
    Result<FetchedModel> fetch() { return fetch(FetchRequest{ m_repository.id, kBranch, {}, {} }); }

    ModelPlace place() const
    {
        return ModelPlace::inCache(m_settings.cache, m_repository.id, m_repository.commit);
    }
    FilePlace placeOf(const std::string& name) const
    {
        return place().placeOf({ name, 0, HubRepository::idOf(name, m_repository.files.at(name)) });
    }
    void put(const fs::path& path, const std::string& bytes)
    {
        fs::create_directories(path.parent_path());
        QVERIFY(writeDurably(path, bytes));
    }
    void verifyFiles(const fs::path& folder)
    {
        for (const auto& [name, bytes] : m_repository.files) {
            if (isNeeded(name))
                QVERIFY2(contentOf(folder / name) == bytes, name.c_str());
            else
                QVERIFY2(!fs::exists(folder / name), name.c_str());
        }
    }

    std::unique_ptr<QTemporaryDir> m_dir;
    fs::path m_root;
    HubRepository m_repository;
    std::function<void(const HubRequest&, HubReply&)> m_change; ///< set before a fetch only
    HubSettings m_settings;
    std::unique_ptr<HubServer> m_server;
};

void TestFetchModel::wholeRepository_isInTheCacheAndFound()
{
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QVERIFY(!model->stopped);
    QCOMPARE(model->files, std::size_t{ 7 });
    QCOMPARE(model->fetched_bytes, model->bytes);
    verifyFiles(model->folder);
    const fs::path cached = m_settings.cache / "models--Some--Model-1B";
    QCOMPARE(model->folder, cached / "snapshots" / m_repository.commit);
    QCOMPARE(contentOf(cached / "refs/main"), m_repository.commit);
    QCOMPARE(fs::read_symlink(model->folder / "config.json"),
        fs::path("../../blobs")
            / HubRepository::idOf("config.json", m_repository.files["config.json"]));
    for (const auto& item : fs::directory_iterator(cached / "blobs"))
        QVERIFY(item.path().extension() != ".incomplete");
    qputenv("HF_HUB_CACHE", QByteArray::fromStdString(m_settings.cache.string()));
    const auto found = findModelFolder(m_repository.id);
    qunsetenv("HF_HUB_CACHE");
    QVERIFY2(found, found ? "" : found.error().message.c_str());
    QCOMPARE(*found, model->folder);
}

void TestFetchModel::plainFolder_holdsTheFiles()
{
    FetchRequest request{ m_repository.id, kBranch, {}, m_root / "models/mine" };
    const auto model = fetch(request);
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(request.folder);
    QVERIFY(!fs::is_symlink(request.folder / "config.json"));
    QVERIFY(!fs::exists(m_settings.cache));
    std::size_t files = 0;
    for (const auto& item : fs::directory_iterator(request.folder))
        files += item.is_regular_file() ? 1 : 0;
    QCOMPARE(files, std::size_t{ 7 });
    const std::size_t before = m_server->requestsFor("/resolve/");
    QVERIFY(fetch(request));
    QCOMPARE(m_server->requestsFor("/resolve/"), before);
}

void TestFetchModel::secondFetch_asksOnlyForTheList()
{
    QVERIFY(fetch());
    const std::size_t before = m_server->requests().size();
    const auto model = fetch();
    QVERIFY(model);
    QCOMPARE(model->fetched_bytes, std::uint64_t{ 0 });
    QCOMPARE(m_server->requests().size(), before + 1);
}

void TestFetchModel::movedBranch_fetchesOnlyWhatChanged()
{
    QVERIFY(fetch());
    const fs::path old_folder = place().folder();
    m_repository.commit = std::string(40, 'b');
    m_repository.files["config.json"] = "{\"model_type\": \"qwen3\", \"x\": 1}\n";
    const auto model = fetch();
    QVERIFY(model);
    QCOMPARE(model->fetched_bytes, std::uint64_t{ m_repository.files["config.json"].size() });
    QVERIFY(model->folder != old_folder);
    verifyFiles(model->folder);
    QCOMPARE(contentOf(old_folder / "config.json"), std::string("{\"model_type\": \"qwen3\"}\n"));
}

void TestFetchModel::partialFile_isResumedByRange()
{
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 123'457));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    for (const HubRequest& request : m_server->requests())
        if (request.path.find(kShard) != std::string::npos)
            QCOMPARE(request.range_start.value_or(0), std::size_t{ 123'457 });
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 1 });
}

void TestFetchModel::partialFileOfOtherBytes_isFetchedAnew()
{
    put(placeOf(kShard).incomplete, std::string(100'000, 'x'));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 2 });
}

void TestFetchModel::serverIgnoringRanges_startsAnew()
{
    m_change = [this](const HubRequest& request, HubReply& reply) {
        if (request.range_start) {
            reply = {};
            reply.body = m_repository.files[kShard];
        }
    };
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 100'000));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 1 });
}

void TestFetchModel::tooLongPartialFile_startsAnew()
{
    put(placeOf(kShard).incomplete, std::string(m_repository.files[kShard].size() + 1, 'x'));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
}

void TestFetchModel::redirectToOtherPort_dropsTheToken()
{
    const HubServer storage([this](const HubRequest& request) {
        return HubRepository::partOf(m_repository.files[request.path.substr(1)], request);
    });
    m_settings.token = "hf_secret";
    m_change = [&storage](const HubRequest& request, HubReply& reply) {
        if (request.path.find("/moved/") != std::string::npos
            || request.path.find("/resolve/") == std::string::npos)
            return;
        const std::string name = request.path.substr(request.path.rfind('/') + 1);
        reply = {};
        reply.status = HubRepository::isLarge(name) ? 302 : 200;
        if (HubRepository::isLarge(name))
            reply.headers = { "Location: " + storage.url() + "/" + name };
        else { // on the same host, as the hub does for small files
            reply.status = 307;
            reply.headers = { "Location: /moved/" + name };
        }
    };
    const auto inner = m_change;
    m_change = [this, inner](const HubRequest& request, HubReply& reply) {
        if (request.path.starts_with("/moved/"))
            reply = HubRepository::partOf(m_repository.files[request.path.substr(7)], request);
        else
            inner(request, reply);
    };
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 5000));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(storage.requests().size(), std::size_t{ 2 });
    QCOMPARE(storage.requests()[0].range_start.value_or(0), std::size_t{ 5000 });
    for (const HubRequest& request : storage.requests())
        QVERIFY(request.headers.count("authorization") == 0);
    QVERIFY(m_server->requestsFor("/moved/") > 0);
    for (const HubRequest& request : m_server->requests())
        QCOMPARE(request.headers.at("authorization"), std::string("Bearer hf_secret"));
}

void TestFetchModel::unauthorized_saysHowToGiveAToken_data()
{
    QTest::addColumn<int>("status");
    QTest::addColumn<QString>("token");
    QTest::addColumn<QString>("advice");
    QTest::newRow("401") << 401 << QString() << QStringLiteral("HF_TOKEN");
    QTest::newRow("403") << 403 << QStringLiteral("hf_x") << QStringLiteral("token that was sent");
}

void TestFetchModel::unauthorized_saysHowToGiveAToken()
{
    QFETCH(int, status);
    QFETCH(QString, token);
    QFETCH(QString, advice);
    m_settings.token = token.toStdString();
    m_change = [status](const HubRequest&, HubReply& reply) {
        reply = {};
        reply.status = status;
        reply.headers = { "X-Error-Message: Access to model is restricted" };
    };
    const auto model = fetch();
    QVERIFY(says(model, advice.toStdString()));
    QVERIFY(says(model, "licence"));
    QVERIFY(says(model, "Access to model is restricted"));
    QVERIFY(says(model, m_server->url() + "/Some/Model-1B"));
    QCOMPARE(m_server->requests().size(), std::size_t{ 1 });
}

void TestFetchModel::missingRepository_isNamed()
{
    FetchRequest request{ "Some/Other", "v2", {}, {} };
    const auto model = fetch(request);
    QVERIFY(says(model, "Some/Other"));
    QVERIFY(says(model, "v2"));
}

void TestFetchModel::missingFile_isNamed()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos) {
            reply = {};
            reply.status = 404;
        }
    };
    QVERIFY(says(fetch(), kShard));
    QVERIFY(!fs::exists(placeOf(kShard).incomplete));
    QVERIFY(!fs::exists(m_settings.cache / "models--Some--Model-1B/refs/main"));
}

void TestFetchModel::truncatedBody_isResumed()
{
    std::atomic<int> cuts{ 0 };
    m_change = [&cuts](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos && cuts < 5) {
            ++cuts;
            reply.cut_after = 40'000;
        }
    };
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(cuts.load(), 5); // more than the tries in a row: each brought something
    std::size_t last = 0;
    std::size_t asked = 0;
    for (const HubRequest& request : m_server->requests())
        if (request.path.find(kShard) != std::string::npos) {
            QVERIFY(request.range_start.value_or(0) > last || asked == 0);
            last = request.range_start.value_or(0);
            ++asked;
        }
    QCOMPARE(asked, std::size_t{ 6 });
}

void TestFetchModel::bodyWithoutLength_isResumed()
{
    std::atomic<int> cuts{ 0 };
    m_change = [&cuts](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos && ++cuts == 1) {
            reply.states_length = false;
            reply.body.resize(1000);
        }
    };
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(cuts.load(), 2);
}

void TestFetchModel::passingTrouble_isTriedAgain_data()
{
    QTest::addColumn<int>("status");
    QTest::newRow("500") << 500;
    QTest::newRow("503") << 503;
    QTest::newRow("429") << 429;
    QTest::newRow("reset before a byte") << 0;
}

void TestFetchModel::passingTrouble_isTriedAgain()
{
    QFETCH(int, status);
    std::atomic<int> troubles{ 0 };
    m_change = [&troubles, status](const HubRequest& request, HubReply& reply) {
        const bool is_file = request.path.find(kShard) != std::string::npos;
        if ((is_file || request.path.starts_with("/api/")) && troubles++ % 3 < 2) {
            if (status == 0) {
                reply.cut_after = 0;
            } else {
                reply = {};
                reply.status = status;
            }
        }
    };
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(troubles.load(), 6);
}

void TestFetchModel::serverThatStaysDown_isGivenUp()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos) {
            reply = {};
            reply.status = 503;
        }
    };
    QVERIFY(says(fetch(), "503"));
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 3 });
    const std::string gone = m_server->url();
    m_server.reset();
    QVERIFY(says(fetch(), gone));
}

void TestFetchModel::wrongHash_deletesTheFile_data()
{
    QTest::addColumn<QString>("name");
    QTest::newRow("large, SHA-256") << QString::fromStdString(kShard);
    QTest::newRow("small, git") << QStringLiteral("tokenizer.json");
}

void TestFetchModel::wrongHash_deletesTheFile()
{
    QFETCH(QString, name);
    const std::string file = name.toStdString();
    const std::string listed(HubRepository::isLarge(file) ? 64 : 40, '7');
    m_repository.listed_ids[file] = listed;
    const auto model = fetch();
    QVERIFY(says(model, file));
    QVERIFY(says(model, "hash"));
    QVERIFY(says(model, listed));
    const FilePlace there = place().placeOf({ file, 0, listed });
    for (const fs::path& path : { there.final, there.incomplete, there.shown })
        QVERIFY(!fs::exists(fs::symlink_status(path)));
    QCOMPARE(m_server->requestsFor(file), std::size_t{ 1 });
}

void TestFetchModel::wrongSize_isRefusedBeforeAnyByteIsLost()
{
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 1000));
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos) {
            reply = {};
            reply.body = "<html>Please sign in to this network</html>";
        }
    };
    QVERIFY(says(fetch(), "300000"));
    QCOMPARE(contentOf(placeOf(kShard).incomplete), m_repository.files[kShard].substr(0, 1000));
}

void TestFetchModel::stop_keepsWhatCame()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) != std::string::npos && !request.range_start)
            reply.stall_after = 150'000;
        reply.pause = std::chrono::milliseconds(20); // longer than between two reports
    };
    std::stop_source source;
    const auto model = fetch(FetchRequest{ m_repository.id, kBranch, {}, {} }, source.get_token(),
        [&source](const FetchProgress& now) {
            if (now.file == kShard && now.file_bytes > 50'000)
                source.request_stop();
        });
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QVERIFY(model->stopped);
    const auto kept = fs::file_size(placeOf(kShard).incomplete);
    QVERIFY(kept > 50'000 && kept <= 150'000);
    QVERIFY(!fs::exists(m_settings.cache / "models--Some--Model-1B/refs/main"));
    const auto rest = fetch();
    QVERIFY(rest);
    verifyFiles(rest->folder);
    QCOMPARE(m_server->requests().back().path.find("index.json") != std::string::npos, true);
}

void TestFetchModel::stop_endsAWait()
{
    m_change = [](const HubRequest&, HubReply& reply) {
        reply = {};
        reply.status = 503;
        reply.headers = { "Retry-After: 100" };
    };
    std::stop_source source;
    const auto model = fetch(FetchRequest{ m_repository.id, kBranch, {}, {} }, source.get_token(),
        [&source](const FetchProgress& now) {
            if (now.note.find("trying again in 100 s") != std::string::npos)
                source.request_stop();
        });
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QVERIFY(model->stopped);
}

void TestFetchModel::hostileName_isRefused_data()
{
    QTest::addColumn<QString>("name");
    for (const char* name :
        { "../evil.safetensors", "/etc/evil.safetensors", "a/../../b.json", "a//b.json",
            "./config.json", "..", "a\\\\..\\\\b.json", "evil\\u0000.json", "evil\\n.json", "" })
        QTest::newRow(name) << QString::fromLatin1(name);
}

void TestFetchModel::hostileName_isRefused()
{
    QFETCH(QString, name);
    m_repository.files[name.toStdString()] = "bad";
    FetchRequest request{ m_repository.id, kBranch, { "*" }, m_root / "inner/folder" };
    QVERIFY(says(fetch(request), "refused"));
    QCOMPARE(m_server->requestsFor("/resolve/"), std::size_t{ 0 });
    QVERIFY(!fs::exists(m_root / "inner"));
}

void TestFetchModel::badListing_isRefused_data()
{
    QTest::addColumn<QString>("listing");
    QTest::addColumn<QString>("part");
    const QString sha = QStringLiteral("\"sha\":\"%1\"").arg(QString(40, QLatin1Char('a')));
    QTest::newRow("html") << QStringLiteral("<html>") << QStringLiteral("not JSON");
    QTest::newRow("no commit") << QStringLiteral("{\"siblings\":[]}") << QStringLiteral("commit");
    QTest::newRow("commit that is a path")
        << QStringLiteral("{\"sha\":\"../../x\",\"siblings\":[]}") << QStringLiteral("commit");
    QTest::newRow("no files") << QStringLiteral("{%1}").arg(sha) << QStringLiteral("no list");
    QTest::newRow("no hash")
        << QStringLiteral("{%1,\"siblings\":[{\"rfilename\":\"a\",\"size\":1}]}").arg(sha)
        << QStringLiteral("no hash");
    QTest::newRow("hash that is a path")
        << QStringLiteral("{%1,\"siblings\":[{\"rfilename\":\"a\",\"size\":1,\"blobId\":"
                          "\"../../../../x\"}]}")
               .arg(sha)
        << QStringLiteral("no hash");
    QTest::newRow("negative size")
        << QStringLiteral("{%1,\"siblings\":[{\"rfilename\":\"a\",\"size\":-1}]}").arg(sha)
        << QStringLiteral("no size");
}

void TestFetchModel::badListing_isRefused()
{
    QFETCH(QString, listing);
    QFETCH(QString, part);
    m_change
        = [&listing](const HubRequest&, HubReply& reply) { reply.body = listing.toStdString(); };
    QVERIFY(says(fetch(), part.toStdString()));
}

void TestFetchModel::patterns_choose()
{
    FetchRequest request{ m_repository.id, kBranch, { "*.md", "onnx/*" }, m_root / "some" };
    const auto model = fetch(request);
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QCOMPARE(model->files, std::size_t{ 2 });
    QCOMPARE(contentOf(request.folder / "onnx/model.safetensors"),
        m_repository.files["onnx/model.safetensors"]);
    request.patterns = { "*.gguf" };
    QVERIFY(says(fetch(request), "*.gguf"));
}

void TestFetchModel::noSafetensors_isSaid()
{
    std::erase_if(
        m_repository.files, [](const auto& file) { return file.first.ends_with(".safetensors"); });
    QVERIFY(says(fetch(), "no .safetensors"));
}

void TestFetchModel::tooLittleSpace_isSaidFirst()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.starts_with("/api/")) {
            const std::string size = "\"size\":300000";
            for (auto at = reply.body.find(size); at != std::string::npos;
                 at = reply.body.find(size, at + 1))
                reply.body.insert(at + size.size(), "0000000000000");
        }
    };
    QVERIFY(says(fetch(), "too little space"));
    QCOMPARE(m_server->requestsFor("/resolve/"), std::size_t{ 0 });
}

void TestFetchModel::otherFilesInAPlainFolder_areKept()
{
    FetchRequest request{ m_repository.id, kBranch, {}, m_root / "mine" };
    const std::string other(m_repository.files["config.json"].size(), 'x'); // of the same size
    put(request.folder / "config.json", other);
    put(request.folder / "notes.txt", "mine");
    QVERIFY(says(fetch(request), "config.json"));
    QCOMPARE(contentOf(request.folder / "config.json"), other);
    QCOMPARE(m_server->requestsFor("/resolve/"), std::size_t{ 0 });
}

void TestFetchModel::lockedFile_isLeftAlone()
{
    const auto lock = FileLock::take(placeOf(kShard).lock);
    QVERIFY(lock);
    QVERIFY(says(fetch(), "another program"));
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 0 });
}

void TestFetchModel::offline_asksNobody()
{
    m_settings.offline = true;
    QVERIFY(says(fetch(), "HF_HUB_OFFLINE"));
    QVERIFY(m_server->requests().empty());
    m_settings.offline = false;
    QVERIFY(fetch());
    const std::size_t before = m_server->requests().size();
    m_settings.offline = true;
    const auto model = fetch();
    QVERIFY(model);
    QCOMPARE(model->folder, place().folder());
    QCOMPARE(m_server->requests().size(), before);
}

void TestFetchModel::badRequest_isRefused_data()
{
    QTest::addColumn<QString>("id");
    QTest::addColumn<QString>("revision");
    const QString branch = QStringLiteral("main");
    for (const char* id : { "", "a/b/c", "../x", "/abs", "Some/", "a--b/c", "Some/Model 1B",
             "Some/Model?x=1", "zen/starter", ".x/y" })
        QTest::newRow(id) << QString::fromLatin1(id) << branch;
    for (const char* revision : { "", "../../x", "/main", "a b", "main~1" })
        QTest::newRow(revision) << QStringLiteral("Some/Model-1B") << QString::fromLatin1(revision);
}

void TestFetchModel::badRequest_isRefused()
{
    QFETCH(QString, id);
    QFETCH(QString, revision);
    QVERIFY(!fetch(FetchRequest{ id.toStdString(), revision.toStdString(), {}, {} }));
    QVERIFY(m_server->requests().empty());
}

void TestFetchModel::progress_addsUp()
{
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 100'000));
    FetchProgress last;
    bool is_monotone = true;
    const auto model = fetch(
        FetchRequest{ m_repository.id, kBranch, {}, {} }, {}, [&](const FetchProgress& now) {
            is_monotone = is_monotone && now.bytes >= last.bytes && now.files >= last.files
                && now.bytes <= now.size && now.file_bytes <= now.file_size;
            last = now;
        });
    QVERIFY(model);
    QVERIFY(is_monotone);
    QCOMPARE(last.bytes, model->bytes);
    QCOMPARE(last.size, model->bytes);
    QCOMPARE(last.files, std::size_t{ 7 });
    QCOMPARE(last.files_in_all, std::size_t{ 7 });
}

QTEST_GUILESS_MAIN(TestFetchModel)
#include "tst_fetch_model.moc"
