#include "fetch_fixture.h"

#include <QtTest>

using namespace zen;
using namespace zen::test;

/// A fetch over a line that breaks, turns away, redirects or lies.
class TestFetchTransfer : public FetchFixture {
    Q_OBJECT

private Q_SLOTS:
    void init() { startServer(); }
    void cleanup() { m_server.reset(); }

    void partialFile_isResumedByRange();
    void partialFileOfOtherBytes_isFetchedAnew();
    void serverIgnoringRanges_startsAnew();
    void refusedRange_startsAnew();
    void tooLongPartialFile_startsAnew();
    void redirectToOtherPort_dropsTheToken();
    void redirectToForeignHost_dropsTheToken();
    void endlessRedirects_areGivenUp();
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
};

void TestFetchTransfer::partialFile_isResumedByRange()
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

void TestFetchTransfer::partialFileOfOtherBytes_isFetchedAnew()
{
    put(placeOf(kShard).incomplete, std::string(100'000, 'x'));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 2 });
}

void TestFetchTransfer::serverIgnoringRanges_startsAnew()
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

void TestFetchTransfer::refusedRange_startsAnew()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.range_start) {
            reply = {};
            reply.status = 416;
        }
    };
    put(placeOf(kShard).incomplete, m_repository.files[kShard].substr(0, 100'000));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 2 });
}

void TestFetchTransfer::tooLongPartialFile_startsAnew()
{
    put(placeOf(kShard).incomplete, std::string(m_repository.files[kShard].size() + 1, 'x'));
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
}

void TestFetchTransfer::redirectToOtherPort_dropsTheToken()
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

void TestFetchTransfer::redirectToForeignHost_dropsTheToken()
{
    m_settings.token = "hf_secret";
    const std::string port = m_server->url().substr(m_server->url().rfind(':'));
    m_change = [&](const HubRequest& request, HubReply& reply) {
        if (request.path.find("/resolve/") == std::string::npos)
            return;
        const std::string name = request.path.substr(request.path.rfind('/') + 1);
        if (request.headers.at("host").starts_with("localhost")) {
            reply = HubRepository::partOf(m_repository.files[name], request);
            return;
        }
        reply = {};
        reply.status = 302;
        reply.headers = { "Location: http://localhost" + port + request.path };
    };
    const auto model = fetch();
    QVERIFY2(model, model ? "" : model.error().message.c_str());
    verifyFiles(model->folder);
    std::size_t foreign = 0;
    for (const HubRequest& request : m_server->requests()) {
        const bool is_foreign = request.headers.at("host").starts_with("localhost");
        QCOMPARE(request.headers.count("authorization"), std::size_t{ is_foreign ? 0U : 1U });
        foreign += is_foreign ? 1 : 0;
    }
    QCOMPARE(foreign, std::size_t{ 7 });
}

void TestFetchTransfer::endlessRedirects_areGivenUp()
{
    m_change = [](const HubRequest& request, HubReply& reply) {
        if (request.path.find(kShard) == std::string::npos)
            return;
        reply = {};
        reply.status = 302;
        reply.headers = { "Location: " + request.path };
    };
    QVERIFY(says(fetch(), "more than ten redirects"));
    QCOMPARE(m_server->requestsFor(kShard), std::size_t{ 11 });
}

void TestFetchTransfer::unauthorized_saysHowToGiveAToken_data()
{
    QTest::addColumn<int>("status");
    QTest::addColumn<QString>("token");
    QTest::addColumn<QString>("advice");
    QTest::newRow("401") << 401 << QString() << QStringLiteral("HF_TOKEN");
    QTest::newRow("403") << 403 << QStringLiteral("hf_x") << QStringLiteral("token that was sent");
}

void TestFetchTransfer::unauthorized_saysHowToGiveAToken()
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

void TestFetchTransfer::missingRepository_isNamed()
{
    FetchRequest request{ "Some/Other", "v2", {}, {} };
    const auto model = fetch(request);
    QVERIFY(says(model, "Some/Other"));
    QVERIFY(says(model, "v2"));
}

void TestFetchTransfer::missingFile_isNamed()
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

void TestFetchTransfer::truncatedBody_isResumed()
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

void TestFetchTransfer::bodyWithoutLength_isResumed()
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

void TestFetchTransfer::passingTrouble_isTriedAgain_data()
{
    QTest::addColumn<int>("status");
    QTest::newRow("500") << 500;
    QTest::newRow("503") << 503;
    QTest::newRow("429") << 429;
    QTest::newRow("reset before a byte") << 0;
}

void TestFetchTransfer::passingTrouble_isTriedAgain()
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

void TestFetchTransfer::serverThatStaysDown_isGivenUp()
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

void TestFetchTransfer::wrongHash_deletesTheFile_data()
{
    QTest::addColumn<QString>("name");
    QTest::newRow("large, SHA-256") << QString::fromStdString(kShard);
    QTest::newRow("small, git") << QStringLiteral("tokenizer.json");
}

void TestFetchTransfer::wrongHash_deletesTheFile()
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

void TestFetchTransfer::wrongSize_isRefusedBeforeAnyByteIsLost()
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

void TestFetchTransfer::stop_keepsWhatCame()
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

void TestFetchTransfer::stop_endsAWait()
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

QTEST_GUILESS_MAIN(TestFetchTransfer)
#include "tst_fetch_transfer.moc"
