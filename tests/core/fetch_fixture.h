#pragma once

#include "core/base/durable_file.h"
#include "core/fetch/fetch_model.h"
#include "core/fetch/hub_cache.h"
#include "core/fetch/hub_listing.h"
#include "hub_server.h"

#include <QTemporaryDir>
#include <QtTest>

namespace zen::test {

namespace fs = std::filesystem;

inline const std::string kShard = "model-00001-of-00002.safetensors";
inline const std::string kBranch = "main";

inline std::string contentOf(const fs::path& path)
{
    const auto bytes = readFile(path);
    return bytes ? *bytes : "(" + bytes.error().message + ")";
}

inline bool says(const Result<FetchedModel>& result, const std::string& part)
{
    if (result || result.error().message.find(part) == std::string::npos) {
        qWarning("%s", result ? "it worked" : result.error().message.c_str());
        return false;
    }
    return true;
}

/// A small repository on a local server, and an empty cache.
class FetchFixture : public QObject {
protected:
    void startServer()
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

    /// Waits of milliseconds, so that tests are quick.
    Result<FetchedModel> fetch(const FetchRequest& request, const std::stop_token& stop = {},
        const ReportProgress& report = {})
    {
        return fetchModel(request, m_settings, report, stop,
            { 3, std::chrono::milliseconds(5), std::chrono::milliseconds(10) });
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

} // namespace zen::test
