#include "core/base/durable_file.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

using namespace zen;
namespace fs = std::filesystem;

namespace {

/// While it lives, files of this process end at `bytes`: writes beyond fail with EFBIG, as on a
/// full disk.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes)
    {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &m_before);
        rlimit limited = m_before;
        limited.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &m_before); }

private:
    rlimit m_before{};
};

std::vector<std::string> namesIn(const fs::path& folder)
{
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

void put(const fs::path& path, const std::string& text)
{
    std::ofstream(path, std::ios::binary) << text;
}

} // namespace

class TestDurableFile : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path at(const char* name) const { return fs::path(m_folder->path().toStdString()) / name; }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void write_thenRead_givesTheBytes_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : { "plain.yaml", "with space.yaml", "größe-模型.yaml", "new\nline",
                 "quote'\"`", "-dash", ".hidden" })
            QTest::newRow(name) << QString::fromUtf8(name);
    }

    void write_thenRead_givesTheBytes()
    {
        QFETCH(QString, name);
        const std::string bytes("a\0b\r\n\xff", 6);
        const fs::path path = at(name.toUtf8().constData());
        QVERIFY(writeDurably(path, bytes));
        QVERIFY(writeDurably(path, bytes));
        QCOMPARE(readFile(path).value(), bytes);
        QCOMPARE(namesIn(path.parent_path()), std::vector<std::string>{ name.toStdString() });
    }

    void write_nameOfFullLength_works()
    {
        QVERIFY(writeDurably(at(std::string(255, 'n').c_str()), "x"));
    }

    void write_emptyFile_works()
    {
        QVERIFY(writeDurably(at("empty"), ""));
        QCOMPARE(readFile(at("empty")).value(), std::string());
    }

    void write_throughLinks_keepsThem()
    {
        fs::create_directory(at("real"));
        put(at("real/file"), "old");
        fs::create_symlink("real/file", at("link"));
        fs::create_symlink(at("link"), at("link of link"));
        QVERIFY(writeDurably(at("link of link"), "new"));
        QVERIFY(fs::is_symlink(at("link")) && fs::is_symlink(at("link of link")));
        QCOMPARE(readFile(at("real/file")).value(), std::string("new"));
        QCOMPARE(namesIn(at("real")), std::vector<std::string>{ "file" });
    }

    void write_throughDanglingLink_createsItsTarget()
    {
        fs::create_symlink("later", at("link"));
        QVERIFY(writeDurably(at("link"), "new"));
        QVERIFY(fs::is_symlink(at("link")));
        QCOMPARE(readFile(at("later")).value(), std::string("new"));
    }

    void write_throughCircle_isAnError()
    {
        fs::create_symlink("b", at("a"));
        fs::create_symlink("a", at("b"));
        QVERIFY(!writeDurably(at("a"), "x"));
        QVERIFY(!readFile(at("a")));
    }

    void write_keepsTheModeOfTheOldFile()
    {
        put(at("secret"), "old");
        QCOMPARE(::chmod(at("secret").c_str(), 0600), 0);
        QVERIFY(writeDurably(at("secret"), "new"));
        struct stat info { };
        QCOMPARE(::stat(at("secret").c_str(), &info), 0);
        QCOMPARE(info.st_mode & 07777, 0600u);
    }

    void write_overFoldersAndPipes_isRefused()
    {
        fs::create_directory(at("folder"));
        QCOMPARE(::mkfifo(at("pipe").c_str(), 0600), 0);
        for (const char* name : { "folder", "pipe" }) {
            const auto written = writeDurably(at(name), "x");
            QVERIFY(!written);
            QVERIFY(written.error().message.find("not a regular file") != std::string::npos);
        }
        QVERIFY(fs::is_fifo(at("pipe")));
        QCOMPARE(namesIn(at("")), (std::vector<std::string>{ "folder", "pipe" }));
    }

    void write_intoMissingFolder_namesIt()
    {
        const auto written = writeDurably(at("missing/file"), "x");
        QVERIFY(!written);
        QVERIFY(written.error().message.find("missing") != std::string::npos);
        QVERIFY(written.error().message.find("No such file") != std::string::npos);
    }

    void diskFull_leavesTheOldFileAndNothingElse()
    {
        put(at("file"), "old");
        {
            const FileSizeLimit limit(4096);
            const auto written = writeDurably(at("file"), std::string(10000, 'x'));
            QVERIFY(!written);
            QVERIFY2(written.error().message.find("File too large") != std::string::npos,
                written.error().message.c_str());
        }
        QCOMPARE(readFile(at("file")).value(), std::string("old"));
        QCOMPARE(namesIn(at("")), std::vector<std::string>{ "file" });
    }

    void diskFull_inAFolder_leavesNothing()
    {
        const FileSizeLimit limit(4096);
        const auto written
            = writeFolderDurably(at("step-1"), [](const fs::path& staging) -> Result<void> {
                  if (auto small = writeDurably(staging / "small", "x"); !small)
                      return small;
                  return writeDurably(staging / "large", std::string(10000, 'x'));
              });
        QVERIFY(!written);
        QVERIFY(namesIn(at("")).empty());
    }

    void folder_appearsWhole()
    {
        const auto written
            = writeFolderDurably(at("a/b/step-1"), [&](const fs::path& staging) -> Result<void> {
                  if (fs::exists(at("a/b/step-1")))
                      return fail("appeared early");
                  fs::create_directory(staging / "sub");
                  return writeDurably(staging / "sub/file", "x");
              });
        QVERIFY2(written.has_value(), written ? "" : written.error().message.c_str());
        QCOMPARE(readFile(at("a/b/step-1/sub/file")).value(), std::string("x"));
        QCOMPARE(namesIn(at("a/b")), std::vector<std::string>{ "step-1" });
    }

    void folder_thatExists_isNotTouched()
    {
        fs::create_directory(at("step-1"));
        bool filled = false;
        const auto written = writeFolderDurably(at("step-1"), [&](const fs::path&) -> Result<void> {
            filled = true;
            return {};
        });
        QVERIFY(!written && !filled);
        QVERIFY(fs::is_empty(at("step-1")));
    }

    void folder_whoseFillerThrows_leavesNothing()
    {
        QVERIFY_EXCEPTION_THROWN((void)writeFolderDurably(at("step-1"),
                                     [](const fs::path& staging) -> Result<void> {
                                         put(staging / "file", "x");
                                         throw std::runtime_error("no more");
                                     }),
            std::runtime_error);
        QVERIFY(namesIn(at("")).empty());
    }

    void staleStaging_isRemoved_othersStay()
    {
        fs::create_directory(at(".tmp-step-1-99999-0"));
        put(at(".tmp-step-1-99999-0/file"), "x");
        put(at(".tmp-config.yaml-99999-1"), "x");
        put(at("config.yaml"), "x");
        removeStaleStaging(at(""));
        removeStaleStaging(at("missing"));
        QCOMPARE(namesIn(at("")), std::vector<std::string>{ "config.yaml" });
    }

    void manyThreads_neverMixTheirBytes()
    {
        std::vector<std::thread> threads;
        for (char c : { 'a', 'b', 'c', 'd' })
            threads.emplace_back([this, c] {
                for (int i = 0; i < 10; ++i)
                    (void)writeDurably(at("file"), std::string(5000, c));
            });
        for (std::thread& thread : threads)
            thread.join();
        const std::string bytes = readFile(at("file")).value();
        QCOMPARE(bytes, std::string(5000, bytes.at(0)));
        QCOMPARE(namesIn(at("")), std::vector<std::string>{ "file" });
    }

    void read_refusesWhatIsNoFile()
    {
        fs::create_directory(at("folder"));
        QCOMPARE(::mkfifo(at("pipe").c_str(), 0600), 0);
        QVERIFY(!readFile(at("folder")));
        QVERIFY(!readFile(at("pipe"))); // and does not wait for a writer
        QVERIFY(!readFile("/dev/zero"));
        const auto missing = readFile(at("missing"));
        QVERIFY(!missing && missing.error().message.find("missing") != std::string::npos);
    }

    void read_refusesWhatIsTooLarge()
    {
        put(at("file"), "12345");
        QVERIFY(readFile(at("file"), 5));
        const auto read = readFile(at("file"), 4);
        QVERIFY(!read && read.error().message.find("at most 4") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TestDurableFile)
#include "tst_durable_file.moc"
