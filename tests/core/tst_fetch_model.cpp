#include "core/weights/checkpoint_folder.h"
#include "fetch_fixture.h"

#include <QtTest>

using namespace zen;
using namespace zen::test;

/// What a fetch leaves on the disk, and what it refuses.
class TestFetchModel : public FetchFixture {
    Q_OBJECT

private Q_SLOTS:
    void init() { startServer(); }
    void cleanup() { m_server.reset(); }

    void wholeRepository_isInTheCacheAndFound();
    void plainFolder_holdsTheFiles();
    void secondFetch_asksOnlyForTheList();
    void movedBranch_fetchesOnlyWhatChanged();
    void cacheOfAnotherTool_isUsedAndCompleted();
    void hostileName_isRefused_data();
    void hostileName_isRefused();
    void badListing_isRefused_data();
    void badListing_isRefused();
    void patterns_choose();
    void noSafetensors_isSaid();
    void tooLittleSpace_isSaidFirst();
    void otherFilesInAPlainFolder_areKept();
    void otherFileThatComesMeanwhile_isKept();
    void blobOfAnotherSize_isReplaced();
    void folderThatCannotBe_isAnError();
    void sizesWithoutASum_areRefused();
    void lockedFile_isLeftAlone();
    void offline_asksNobody();
    void badRequest_isRefused_data();
    void badRequest_isRefused();
    void progress_addsUp();
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

void TestFetchModel::cacheOfAnotherTool_isUsedAndCompleted()
{
    // as the hub's own library leaves it: branches named first, links, notes of what is not there
    const fs::path cached = m_settings.cache / "models--Some--Model-1B";
    const fs::path snapshot = cached / "snapshots" / m_repository.commit;
    put(cached / "refs/main", m_repository.commit);
    put(cached / ".no_exist" / m_repository.commit / "added_tokens.json", {});
    for (const std::string name : { "config.json", "tokenizer.json", "tokenizer_config.json",
             "model-00002-of-00002.safetensors", "model.safetensors.index.json" }) {
        put(placeOf(name).final, m_repository.files[name]);
        fs::create_directories(snapshot);
        if (name != "tokenizer_config.json") // a link that is still missing
            fs::create_symlink(placeOf(name).final.lexically_relative(snapshot), snapshot / name);
    }
    put(snapshot / "generation_config.json", m_repository.files["generation_config.json"]);
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 200'000));
    const auto written = fs::last_write_time(placeOf("tokenizer.json").final);

    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QCOMPARE(model->folder, snapshot);
    verifyFiles(snapshot);
    QCOMPARE(m_server->requestsFor("/resolve/"), std::size_t{ 1 });
    QCOMPARE(m_server->requests().back().range_start.value_or(0), std::size_t{ 200'000 });
    QVERIFY(fs::last_write_time(placeOf("tokenizer.json").final) == written);
    QVERIFY(!fs::is_symlink(snapshot / "generation_config.json")); // a system without links
    QVERIFY(fs::exists(cached / ".no_exist" / m_repository.commit / "added_tokens.json"));
    QCOMPARE(contentOf(cached / "refs/main"), m_repository.commit);
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
    QTest::newRow("size that no file has")
        << QStringLiteral("{%1,\"siblings\":[{\"rfilename\":\"a\",\"size\":18446744073709551615,"
                          "\"blobId\":\"%2\"}]}")
               .arg(sha, QString(40, QLatin1Char('b')))
        << QStringLiteral("more than any file");
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
                reply.body.insert(at + size.size(), "00000000"); // 30 TB
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

void TestFetchModel::otherFileThatComesMeanwhile_isKept()
{
    FetchRequest request{ m_repository.id, kBranch, {}, m_root / "mine" };
    m_change = [&request](const HubRequest& asked, HubReply&) {
        if (asked.path.ends_with("/config.json"))
            (void)writeDurably(request.folder / kShard, "somebody else's");
    };
    QVERIFY(says(fetch(request), "other files of these names: " + kShard));
    QCOMPARE(contentOf(request.folder / kShard), std::string("somebody else's"));
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 0 });
    for (const auto& item : fs::directory_iterator(request.folder))
        QVERIFY(item.path().extension() != ".incomplete");
}

void TestFetchModel::blobOfAnotherSize_isReplaced()
{
    put(placeOf(kShard).final, "cut off by a full disk");
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    QCOMPARE(model->fetched_bytes, model->bytes);
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 1 });
    verifyFiles(model->folder);
}

void TestFetchModel::folderThatCannotBe_isAnError()
{
    const fs::path too_long = m_root / std::string(300, 'x');
    QVERIFY(!FileLock::take(too_long / "a.lock"));
    const HubFile file{ "config.json", 1, std::string(40, 'a') };
    QVERIFY(!ModelPlace::inCache(too_long, m_repository.id, m_repository.commit).show(file));
    m_settings.cache = too_long;
    QVERIFY(says(fetch(), "cannot create the folder"));
}

void TestFetchModel::sizesWithoutASum_areRefused()
{
    const auto listingOf = [](std::size_t files) {
        std::string list;
        for (std::size_t i = 0; i < files; ++i)
            list += (i > 0 ? "," : "") + std::string("{\"rfilename\":\"") + std::to_string(i)
                + "\",\"size\":281474976710656,\"blobId\":\"" + std::string(40, 'b') + "\"}";
        return "{\"sha\":\"" + std::string(40, 'a') + "\",\"siblings\":[" + list + "]}";
    };
    QVERIFY(parseListing(listingOf(2)));
    const auto listing = parseListing(listingOf(1 << 16)); // 2^48 bytes each
    QVERIFY(!listing);
    QVERIFY(listing.error().message.find("counted") != std::string::npos);
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
    m_repository.files["model.safetensors.index.json"]
        = "{\"weight_map\": {\"a\": \"" + kShard + "\"}}";
    QVERIFY(fetch());
    const std::size_t before = m_server->requests().size();
    m_settings.offline = true;
    const auto model = fetch();
    QVERIFY(model);
    QCOMPARE(model->folder, place().folder());
    QCOMPARE(m_server->requests().size(), before);
    fs::remove(placeOf(kShard).final); // another program's cache may be cut off
    QVERIFY(says(fetch(), kShard + " is missing"));
    fs::remove(place().folder() / "config.json");
    QVERIFY(says(fetch(), "config.json is missing"));
    QVERIFY(fetch(FetchRequest{ m_repository.id, kBranch, { "*.md" }, {} }));
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
