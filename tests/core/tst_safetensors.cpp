#include "core/weights/safetensors_header.h"

#include <QtTest>

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace zen;

namespace {

std::string lengthBytes(std::uint64_t length)
{
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(length >> (8 * i) & 0xff);
    return bytes;
}

/// A file with this header and `data` bytes behind it.
std::string fileWith(const std::string& json, std::size_t data = 0)
{
    return lengthBytes(json.size()) + json + std::string(data, '\1');
}

constexpr const char* kGood
    = R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})";

} // namespace

class TestSafetensors : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_path = std::filesystem::path(m_folder.path().toStdString()) / "file.safetensors";
    }
    void cleanup() { std::filesystem::remove(m_path); }

    void goodFile_opens();
    void legalOddities_open_data();
    void legalOddities_open();
    void hostileFile_isRefused_data();
    void hostileFile_isRefused();
    void notAFile_isRefused();
    void mutations_neverCrash();
    void truncations_areRefused();
    void changedFile_isAnErrorOnRead();
    void shrinkingFile_isAnErrorOnRead();
    void wrongBuffer_isRefused();
    void writtenFile_readsBack();
    void writtenFile_isTheSameEveryTime();
    void existingFile_isNotOverwritten();
    void duplicateName_isNotWritten();
    void referenceFiles_open();

private:
    void write(const std::string& bytes) const { std::ofstream(m_path, std::ios::binary) << bytes; }
    QTemporaryDir m_folder;
    std::filesystem::path m_path;
};

void TestSafetensors::goodFile_opens()
{
    write(fileWith(kGood, 28));
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY2(file, file ? "" : file.error().message.c_str());
    QCOMPARE(file->entries().size(), std::size_t{ 2 });
    QCOMPARE(file->entries()[0].name, std::string("a"));
    QCOMPARE(file->find("b")->shape, (std::vector<std::int64_t>{ 2, 3 }));
    QCOMPARE(file->find("b")->begin, std::uint64_t{ 8 + std::strlen(kGood) + 4 });
    QCOMPARE(file->metadata().at("format"), std::string("pt"));
    QVERIFY(file->find("c") == nullptr);
    std::vector<std::byte> bytes(24);
    QVERIFY(file->read(*file->find("b"), bytes));
    QCOMPARE(bytes.back(), std::byte{ 1 });
}

void TestSafetensors::legalOddities_open_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<int>("data");
    QTest::newRow("no tensors") << QByteArray("{}") << 0;
    QTest::newRow("white space") << QByteArray("  {} \n\t ") << 0;
    QTest::newRow("scalar") << QByteArray(
        R"({"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})")
                            << 8;
    QTest::newRow("empty tensor") << QByteArray(
        R"({"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}})")
                                  << 0;
    QTest::newRow("empty between") << QByteArray(
        R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"e":{"dtype":"F32","shape":[0],"data_offsets":[2,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})")
                                   << 3;
    QTest::newRow("any order of fields")
        << QByteArray(R"({"a":{"data_offsets":[0,1],"shape":[1],"dtype":"BOOL"}})") << 1;
    QTest::newRow("unicode name") << QByteArray(
        R"({"\u00fc \ud83d\ude00":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})")
                                  << 1;
}

void TestSafetensors::legalOddities_open()
{
    QFETCH(QByteArray, json);
    QFETCH(int, data);
    write(fileWith(json.toStdString(), static_cast<std::size_t>(data)));
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY2(file, file ? "" : file.error().message.c_str());
}

void TestSafetensors::hostileFile_isRefused_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("part"); // of the message
    const auto row = [](const char* name, const std::string& bytes, const char* part) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << QString(part);
    };
    const auto header = [&](const char* name, const char* json, std::size_t data,
                            const char* part) { row(name, fileWith(json, data), part); };
    row("empty", "", "too few");
    row("seven bytes", "1234567", "too few");
    row("header longer than the file", lengthBytes(100) + "{}", "claims 100");
    row("header of 2^64-1", lengthBytes(~0ULL) + "{}", "at most");
    row("header of 100,000,001", lengthBytes(100'000'001) + "{}", "at most");
    row("text file", "hello, this is no model at all", "at most");
    row("no JSON", fileWith("nonsense"), "JSON");
    row("unclosed", fileWith(R"({"a":{"dtype")"), "JSON");
    row("two objects", fileWith("{}{}"), "JSON");
    row("bad UTF-8",
        fileWith("{\"\xff\xfe\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"), "JSON");
    row("zero byte behind", fileWith(std::string("{}\0", 3)), "JSON");
    row("deep nesting", fileWith("{\"a\":" + std::string(100'000, '[')), "list");
    row("deep objects", fileWith([] {
        std::string json;
        for (int i = 0; i < 50'000; ++i)
            json += "{\"a\":";
        return json;
    }()),
        "unknown field");
    header("a list", "[]", 0, "list");
    header("null tensor", R"({"a":null})", 0, "null");
    header("number tensor", R"({"a":5})", 0, "number");
    header("trailing data", "{}", 3, "follow the header");
    header("short data", R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 12,
        "past the end");
    header("hole", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "hole");
    header("overlap",
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
        6, "overlap");
    header("same bytes twice",
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
        4, "overlap");
    header("shape and bytes differ", R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
        "need 12");
    header("ends before it begins", R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}})", 4,
        "before it begins");
    header("dimension product overflows",
        R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
        "larger than any");
    header("bytes overflow",
        R"({"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
        "larger than any");
    header("dimension over int64",
        R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1,
        "too large");
    header("negative dimension", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", 0,
        "negative");
    header("fraction", R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1, "fraction");
    header(
        "huge number", R"({"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,1]}})", 1, "header");
    header("negative offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", 0,
        "negative");
    header("offset of 2^64-1",
        R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}})", 0,
        "before it begins");
    header("three offsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", 1,
        "more than two");
    header("one offset", R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})", 0,
        "two data_offsets");
    header("no dtype", R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1, "needs dtype");
    header("unknown dtype", R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1,
        "F8_E4M3");
    header("dtype number", R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,1]}})", 1, "number");
    header("unknown field", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1,
        "unknown field");
    header("field twice", R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
        1, "twice");
    header("name twice",
        R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
        2, "twice");
    header("metadata number", R"({"__metadata__":{"a":1}})", 0, "number");
    header("metadata twice", R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice");
    header("metadata nested", R"({"__metadata__":{"a":{}}})", 0, "object");
}

void TestSafetensors::hostileFile_isRefused()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QString, part);
    write(bytes.toStdString());
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY(!file);
    const QString message = QString::fromStdString(file.error().message);
    QVERIFY2(message.contains(part), qPrintable(message));
    QVERIFY2(message.contains("file.safetensors"), qPrintable(message));
    QVERIFY(message.size() < 1000);
}

void TestSafetensors::notAFile_isRefused()
{
    QVERIFY(!SafetensorsFile::open(m_path));
    QVERIFY(!SafetensorsFile::open(m_path.parent_path()));
    QVERIFY(!SafetensorsFile::open("/dev/zero"));
    QCOMPARE(::mkfifo(m_path.c_str(), 0600), 0);
    QVERIFY(!SafetensorsFile::open(m_path)); // and does not wait for a writer
}

void TestSafetensors::mutations_neverCrash()
{
    std::mt19937 random(1);
    const auto draw = [&](std::size_t below) { return static_cast<std::size_t>(random()) % below; };
    const std::string alphabet = "{}[],:\"\\0123456789-+eE.\xff\x80 \nabFUB_";
    constexpr std::uint64_t kBegin = 200, kEnd = kBegin + 28;
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string json = kGood;
        for (std::size_t change = 0; change <= draw(3); ++change) {
            const std::size_t at = draw(json.size());
            switch (draw(4)) {
            case 0:
                json[at] = static_cast<char>(random());
                break;
            case 1:
                json[at] = alphabet[draw(alphabet.size())];
                break;
            case 2:
                json.erase(at, 1 + draw(4));
                break;
            default:
                json.insert(at, json.substr(draw(json.size()), draw(12)));
                break;
            }
        }
        const auto header = parseSafetensorsHeader(json, kBegin, kEnd);
        if (!header) {
            QVERIFY(!header.error().message.empty());
            continue;
        }
        ++accepted;
        std::uint64_t place = kBegin; // whatever was accepted tiles the data
        for (const TensorEntry& entry : header->entries) {
            QCOMPARE(entry.begin, place);
            place += entry.bytes;
        }
        QCOMPARE(place, kEnd);
    }
    QVERIFY(accepted > 0 && accepted < 10'000);
}

void TestSafetensors::truncations_areRefused()
{
    const std::string good = fileWith(kGood, 28);
    for (std::size_t length = 0; length < good.size(); length += length < 20 ? 1 : 13) {
        write(good.substr(0, length));
        QVERIFY(!SafetensorsFile::open(m_path));
    }
}

void TestSafetensors::changedFile_isAnErrorOnRead()
{
    write(fileWith(kGood, 28));
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY(file);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::fstream(m_path, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end)
        << 'x';
    std::vector<std::byte> bytes(24);
    const auto read = file->read(*file->find("b"), bytes);
    QVERIFY(!read);
    QVERIFY(read.error().message.find("changed") != std::string::npos);
}

void TestSafetensors::shrinkingFile_isAnErrorOnRead()
{
    write(fileWith(kGood, 28));
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY(file);
    std::filesystem::resize_file(m_path, 60);
    std::vector<std::byte> bytes(24);
    const auto read = file->read(*file->find("b"), bytes);
    QVERIFY(!read);
    QVERIFY(read.error().message.find("shorter") != std::string::npos);
}

void TestSafetensors::wrongBuffer_isRefused()
{
    write(fileWith(kGood, 28));
    const auto file = SafetensorsFile::open(m_path);
    std::vector<std::byte> bytes(23);
    QVERIFY(!file->read(*file->find("b"), bytes));
}

void TestSafetensors::writtenFile_readsBack()
{
    const std::vector<float> numbers = { 1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f };
    const std::int64_t scalar = -7;
    const std::vector<TensorToWrite> tensors = { { "z/\"quoted\"", TensorType::f32, { 2, 3 },
                                                     numbers.data() },
        { "a", TensorType::i64, {}, &scalar }, { "empty", TensorType::f16, { 0, 4 }, nullptr } };
    QVERIFY(writeSafetensors(m_path, tensors, { { "format", "pt" }, { "note", "ü" } }));
    const auto file = SafetensorsFile::open(m_path);
    QVERIFY2(file, file ? "" : file.error().message.c_str());
    QCOMPARE(file->metadata().at("note"), std::string("ü"));
    QCOMPARE(file->entries().size(), std::size_t{ 3 });
    std::vector<float> again(6);
    QVERIFY(file->read(*file->find("z/\"quoted\""), std::as_writable_bytes(std::span(again))));
    QCOMPARE(again, numbers);
    QVERIFY(file->find("a")->shape.empty());
    QVERIFY(file->entries().front().begin % 8 == 0);
}

void TestSafetensors::writtenFile_isTheSameEveryTime()
{
    const float one = 1, two = 2;
    const std::vector<TensorToWrite> forward
        = { { "a", TensorType::f32, { 1 }, &one }, { "b", TensorType::f32, { 1 }, &two } };
    const std::vector<TensorToWrite> backward = { forward[1], forward[0] };
    const auto bytesOf = [&](const std::vector<TensorToWrite>& tensors) {
        std::filesystem::remove(m_path);
        if (!writeSafetensors(m_path, tensors, { { "k", "v" } }))
            return std::string();
        std::ifstream file(m_path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    QVERIFY(!bytesOf(forward).empty());
    QCOMPARE(bytesOf(forward), bytesOf(backward));
}

void TestSafetensors::existingFile_isNotOverwritten()
{
    write("precious");
    QVERIFY(!writeSafetensors(m_path, {}, {}));
    QCOMPARE(std::filesystem::file_size(m_path), std::uintmax_t{ 8 });
}

void TestSafetensors::duplicateName_isNotWritten()
{
    const float one = 1;
    const std::vector<TensorToWrite> twice
        = { { "a", TensorType::f32, { 1 }, &one }, { "a", TensorType::f32, { 1 }, &one } };
    QVERIFY(!writeSafetensors(m_path, twice, {}));
    QVERIFY(!std::filesystem::exists(m_path));
}

void TestSafetensors::referenceFiles_open()
{
    int files = 0;
    for (const auto& item : std::filesystem::recursive_directory_iterator(
             std::filesystem::path(ZEN_SOURCE_DIR) / "tests/reference-cases")) {
        if (item.path().extension() != ".safetensors")
            continue;
        const auto file = SafetensorsFile::open(item.path());
        QVERIFY2(file, file ? "" : file.error().message.c_str());
        ++files;
    }
    QVERIFY(files > 20);
}

QTEST_GUILESS_MAIN(TestSafetensors)
#include "tst_safetensors.moc"
