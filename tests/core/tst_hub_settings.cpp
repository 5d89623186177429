#include "core/fetch/hub_settings.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace zen;

class TestHubSettings : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        for (const char* name : { "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
                 "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME",
                 "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                 "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HF_HOME" })
            qunsetenv(name);
        m_dir = std::make_unique<QTemporaryDir>();
        qputenv("HOME", m_dir->path().toUtf8());
    }

    void defaults_areTheHubAndTheHomesCache()
    {
        const auto settings = hubSettings();
        QVERIFY(settings);
        QCOMPARE(settings->endpoint, std::string("https://huggingface.co"));
        QCOMPARE(settings->cache.string(),
            m_dir->filePath(QStringLiteral(".cache/huggingface/hub")).toStdString());
        QVERIFY(settings->token.empty());
        QVERIFY(!settings->offline);
    }

    void variables_count()
    {
        qputenv("HF_ENDPOINT", "http://localhost:99/");
        qputenv("HF_HOME", m_dir->filePath(QStringLiteral("hf")).toUtf8());
        qputenv("HF_TOKEN", " hf_abc\n");
        qputenv("HF_HUB_OFFLINE", "yes");
        const auto settings = hubSettings();
        QVERIFY(settings);
        QCOMPARE(settings->endpoint, std::string("http://localhost:99"));
        QCOMPARE(settings->cache.string(), m_dir->filePath(QStringLiteral("hf/hub")).toStdString());
        QCOMPARE(settings->token, std::string("hf_abc"));
        QVERIFY(settings->offline);
        qputenv("HF_HUB_CACHE", "/somewhere");
        QCOMPARE(hubSettings()->cache.string(), std::string("/somewhere"));
        qputenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        QVERIFY(hubSettings()->token.empty());
    }

    void tokenFile_isRead()
    {
        qputenv("HF_HOME", m_dir->path().toUtf8());
        QFile file(m_dir->filePath(QStringLiteral("token")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("hf_from_file\n");
        file.close();
        QCOMPARE(hubSettings()->token, std::string("hf_from_file"));
        qputenv("HF_TOKEN", "hf_set");
        QCOMPARE(hubSettings()->token, std::string("hf_set"));
    }

    void homeWithATilde_isBelowTheHome()
    {
        qputenv("HF_HOME", "~/x");
        QVERIFY(QDir(m_dir->path()).mkdir(QStringLiteral("x")));
        QFile file(m_dir->filePath(QStringLiteral("x/token")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("hf_from_file\n");
        file.close();
        QCOMPARE(hubSettings()->token, std::string("hf_from_file"));
        QCOMPARE(
            hubSettings()->cache.string(), m_dir->filePath(QStringLiteral("x/hub")).toStdString());
    }

    void badValues_areErrors()
    {
        qputenv("HF_TOKEN", "hf_a\r\nX-Other: 1");
        QVERIFY(!hubSettings());
        qunsetenv("HF_TOKEN");
        qputenv("HF_ENDPOINT", "ftp://x");
        QVERIFY(!hubSettings());
    }

private:
    std::unique_ptr<QTemporaryDir> m_dir;
};

QTEST_GUILESS_MAIN(TestHubSettings)
#include "tst_hub_settings.moc"
