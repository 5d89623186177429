#include "core/base/durable_file.h"
#include "core/weights/gguf_reader.h"
#include "core/weights/gguf_writer.h"

#include <QTemporaryDir>
#include <QTest>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

using namespace zen;
namespace fs = std::filesystem;

namespace {

/// A file put together byte by byte.
struct Bytes {
    std::string text;
    template <class T>
    requires std::is_arithmetic_v<T> Bytes& add(T number)
    {
        text.append(reinterpret_cast<const char*>(&number), sizeof number);
        return *this;
    }
    Bytes& add(std::string_view word)
    {
        add(std::uint64_t{ word.size() });
        text.append(word);
        return *this;
    }
    Bytes& raw(std::string_view bytes)
    {
        text.append(bytes);
        return *this;
    }
    Bytes& padTo(std::size_t alignment)
    {
        text.resize((text.size() + alignment - 1) / alignment * alignment);
        return *this;
    }
};

/// "GGUF", version 3, one tensor, one key, both as small as possible.
Bytes smallFile()
{
    Bytes file;
    file.raw("GGUF").add(std::uint32_t{ 3 }).add(std::uint64_t{ 1 }).add(std::uint64_t{ 1 });
    file.add("general.architecture").add(std::uint32_t{ 8 }).add("qwen3");
    file.add("t").add(std::uint32_t{ 2 }).add(std::uint64_t{ 2 }).add(std::uint64_t{ 3 });
    file.add(std::uint32_t{ 0 }).add(std::uint64_t{ 0 }).padTo(32);
    for (int i = 1; i <= 6; ++i)
        file.add(static_cast<float>(i));
    return file.padTo(32);
}

std::vector<float> numbersOf(const GgufFile& file, const char* name)
{
    const GgufTensor* tensor = file.tensor(name);
    if (tensor == nullptr)
        return {};
    std::vector<float> numbers(tensor->count());
    return file.read(*tensor, 0, numbers) ? numbers : std::vector<float>{};
}

} // namespace

class TestGguf : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    fs::path path(const char* name) const { return fs::path(m_folder.path().toStdString()) / name; }
    fs::path written(const char* name, const std::string& bytes) const
    {
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }
    QString problem(const std::string& bytes) const
    {
        const auto file = GgufFile::open(written("hostile.gguf", bytes));
        return file ? QString() : QString::fromStdString(file.error().message);
    }

private Q_SLOTS:
    void writtenBytes_areThoseOfTheFormat()
    {
        auto writer = GgufWriter::create(path("small.gguf"),
            { { "general.architecture", std::string("qwen3") } },
            { { "t", { 2, 3 }, NumberFormat::f32, 0 } });
        QVERIFY(writer.has_value());
        const std::vector<float> numbers{ 1, 2, 3, 4, 5, 6 };
        QVERIFY(writer->append(numbers).has_value());
        QVERIFY(writer->finish().has_value());
        QCOMPARE(QByteArray::fromStdString(readFile(path("small.gguf")).value()),
            QByteArray::fromStdString(smallFile().text));
    }

    void handMadeFile_isRead()
    {
        const auto file = GgufFile::open(written("hand.gguf", smallFile().text));
        QVERIFY(file.has_value());
        QCOMPARE(file->text("general.architecture").value(), std::string("qwen3"));
        QCOMPARE(file->tensors().size(), std::size_t{ 1 });
        QCOMPARE(file->tensors()[0].dimensions, (std::vector<std::uint64_t>{ 2, 3 }));
        QCOMPARE(numbersOf(*file, "t"), (std::vector<float>{ 1, 2, 3, 4, 5, 6 }));
    }

    void everyKindOfValue_isReadBack()
    {
        const GgufMetadata metadata{ { "a", std::uint8_t{ 200 } }, { "b", std::int8_t{ -3 } },
            { "c", std::uint16_t{ 65000 } }, { "d", std::int16_t{ -300 } },
            { "e", std::uint32_t{ 4'000'000'000 } }, { "f", std::int32_t{ -70000 } }, { "g", 0.1F },
            { "h", true }, { "i", std::string("naïve") },
            { "j", GgufArray(std::vector<std::string>{ "x", "", "Ġy" }) },
            { "k", std::uint64_t{ 1 } << 40 }, { "l", -(std::int64_t{ 1 } << 40) }, { "m", 0.1 },
            { "n", GgufArray(std::vector<std::int32_t>{ 1, 3, 5 }) },
            { "o", GgufArray(std::vector<bool>{ true, false }) },
            { "p", GgufArray(std::vector<double>{ 0.5 }) },
            { "q", GgufArray(std::vector<std::uint64_t>{}) } };
        auto writer = GgufWriter::create(path("values.gguf"), metadata, {});
        QVERIFY(writer.has_value() && writer->finish().has_value());
        const auto file = GgufFile::open(path("values.gguf"));
        QVERIFY(file.has_value());
        QVERIFY(file->metadata() == metadata);
        QCOMPARE(file->integer("e").value(), std::int64_t{ 4'000'000'000 });
        QCOMPARE(file->list<std::int32_t>("n")->size(), std::size_t{ 3 });
        QVERIFY(!file->integer("i").has_value());
    }

    void q8Block_isTheHandComputedOne()
    {
        std::array<float, 64> numbers{};
        numbers[0] = 127.0F; // the step is 1, 0x3c00 as float16
        numbers[1] = 1.4F;
        numbers[2] = 1.5F; // halves go away from zero
        numbers[3] = -2.5F;
        numbers[31] = -127.0F;
        numbers[32] = -1.0F; // the step is 1/127, 0x2008 as float16 (0.00787353515625)
        numbers[33] = 0.25F; // 31.75
        numbers[34] = 0.1F; // 12.7
        std::array<std::byte, 68> bytes{};
        encodeNumbers(NumberFormat::q8_0, numbers, bytes.data());
        std::array<std::uint8_t, 68> expected{};
        expected[0] = 0x00, expected[1] = 0x3c;
        expected[2] = 127, expected[3] = 1, expected[4] = 2, expected[5] = 0xfd;
        expected[33] = 0x81;
        expected[34] = 0x08, expected[35] = 0x20;
        expected[36] = 0x81, expected[37] = 32, expected[38] = 13;
        QCOMPARE(std::memcmp(bytes.data(), expected.data(), expected.size()), 0);
        std::array<float, 64> back{};
        decodeNumbers(NumberFormat::q8_0, bytes.data(), back);
        QCOMPARE(back[3], -3.0F);
        QCOMPARE(back[33], 32 * 0.00787353515625F);
    }

    void q8BlockOfTinyNumbers_isZero()
    {
        std::array<float, 32> numbers{};
        numbers[0] = 127 * 0x1p-130F; // the step's inverse is infinite
        numbers[1] = -std::numeric_limits<float>::denorm_min();
        std::array<std::byte, 34> bytes{};
        bytes.fill(std::byte{ 0xaa });
        encodeNumbers(NumberFormat::q8_0, numbers, bytes.data());
        const std::array<std::byte, 34> zeros{};
        QVERIFY(bytes == zeros);
    }

    void changedFile_isNoticedWhenRead()
    {
        const auto file = GgufFile::open(written("changing.gguf", smallFile().text));
        QVERIFY(file.has_value());
        std::ofstream(path("changing.gguf"), std::ios::binary | std::ios::app) << "more";
        std::vector<float> numbers(6);
        const auto read = file->read(*file->tensor("t"), 0, numbers);
        QVERIFY(!read.has_value());
        QVERIFY2(read.error().message.find("changed while it was read") != std::string::npos,
            read.error().message.c_str());
    }

    void float16_roundsToNearestEven()
    {
        const std::pair<float, std::uint16_t> cases[] = { { 0.0F, 0 }, { -0.0F, 0x8000 },
            { 1.0F, 0x3c00 }, { -2.0F, 0xc000 }, { 65504.0F, 0x7bff }, { 65519.0F, 0x7bff },
            { 65520.0F, 0x7c00 }, { 1e6F, 0x7c00 }, { 0x1p-14F, 0x0400 }, { 0x1p-24F, 0x0001 },
            { 0x1p-25F, 0x0000 }, { 0x1.8p-24F, 0x0002 }, { 1.0F + 0x1p-11F, 0x3c00 },
            { 1.0F + 0x3p-11F, 0x3c02 }, { 0.1F, 0x2e66 },
            { std::numeric_limits<float>::infinity(), 0x7c00 } };
        for (const auto& [value, bits] : cases)
            QCOMPARE(toFloat16(value), bits);
        QVERIFY(std::isnan(fromFloat16(toFloat16(std::nanf("")))));
        for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
            const float value = fromFloat16(static_cast<std::uint16_t>(bits));
            if (!std::isnan(value))
                QCOMPARE(toFloat16(value), static_cast<std::uint16_t>(bits));
        }
    }

    void bfloat16_roundsToNearestEven()
    {
        QCOMPARE(toBfloat16(1.0F), std::uint16_t{ 0x3f80 });
        QCOMPARE(toBfloat16(1.0F + 0x1p-8F), std::uint16_t{ 0x3f80 }); // a tie
        QCOMPARE(toBfloat16(1.0F + 0x3p-8F), std::uint16_t{ 0x3f82 }); // a tie
        QCOMPARE(toBfloat16(std::bit_cast<float>(0x3f808001U)), std::uint16_t{ 0x3f81 });
        QVERIFY(std::isnan(fromBfloat16(toBfloat16(std::bit_cast<float>(0x7f800001U)))));
    }

    void pieces_makeTheSameFileAsWholeTensors()
    {
        std::vector<float> numbers(96);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            numbers[i] = static_cast<float>(i) - 40;
        const std::vector<GgufTensor> tensors{ { "a", { 32, 3 }, NumberFormat::q8_0, 0 },
            { "b", { 96 }, NumberFormat::f16, 0 } };
        for (const char* name : { "whole.gguf", "pieces.gguf" }) {
            auto writer = GgufWriter::create(path(name), {}, tensors);
            QVERIFY(writer.has_value());
            const std::size_t piece = name == std::string("whole.gguf") ? 96 : 32;
            for (int tensor = 0; tensor < 2; ++tensor)
                for (std::size_t at = 0; at < 96; at += piece)
                    QVERIFY(writer->append(std::span(numbers).subspan(at, piece)).has_value());
            QVERIFY(writer->finish().has_value());
        }
        QCOMPARE(readFile(path("whole.gguf")).value(), readFile(path("pieces.gguf")).value());
        const auto file = GgufFile::open(path("whole.gguf"));
        QCOMPARE(file->tensor("b")->begin % 32, std::uint64_t{ 0 });
        QCOMPARE(numbersOf(*file, "b"), numbers);
    }

    void unfinishedFile_isRemoved()
    {
        {
            auto writer = GgufWriter::create(
                path("half.gguf"), {}, { { "a", { 4 }, NumberFormat::f32, 0 } });
            QVERIFY(writer.has_value());
            const auto finished = writer->finish();
            QVERIFY(!finished.has_value());
            QVERIFY(finished.error().message.find("a are missing") != std::string::npos);
        }
        QVERIFY(!fs::exists(path("half.gguf")));
    }

    void numbersBeyondFloat16_areRefusedByName()
    {
        auto writer = GgufWriter::create(
            path("large.gguf"), {}, { { "big", { 1 }, NumberFormat::f16, 0 } });
        const std::vector<float> numbers{ 70000.0F };
        const auto appended = writer->append(numbers);
        QVERIFY(!appended.has_value());
        QVERIFY(appended.error().message.find("big holds 70000") != std::string::npos);
    }

    void rowsThatNoBlockDivides_areRefused()
    {
        const auto writer = GgufWriter::create(
            path("rows.gguf"), {}, { { "a", { 33, 2 }, NumberFormat::q8_0, 0 } });
        QVERIFY(!writer.has_value());
        QVERIFY(!fs::exists(path("rows.gguf")));
    }

    void everyCutFile_isRefused()
    {
        const std::string whole = smallFile().text;
        const std::size_t end_of_numbers = whole.size() - 8; // 24 bytes of numbers, padded to 32
        for (std::size_t length = 0; length < end_of_numbers; ++length)
            QVERIFY2(!problem(whole.substr(0, length)).isEmpty(), std::to_string(length).c_str());
    }

    void hostileFiles_areRefused_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const Bytes& file, const char* says) {
            QTest::newRow(name) << QByteArray::fromStdString(file.text) << QString::fromUtf8(says);
        };
        const auto start = [](std::uint64_t tensors, std::uint64_t keys) {
            Bytes file;
            return file.raw("GGUF").add(std::uint32_t{ 3 }).add(tensors).add(keys);
        };
        row("another magic", Bytes().raw("GGML").add(std::uint64_t{ 3 }), "does not begin");
        row("version 1", Bytes().raw("GGUF").add(std::uint32_t{ 1 }).add(0ULL).add(0ULL),
            "version 1");
        row("counts", start(~0ULL, 1), "more than any model");
        row("long key", start(0, 1).add(~0ULL), "key 1: a text of");
        row("long text", start(0, 1).add("k").add(std::uint32_t{ 8 }).add(~0ULL),
            "the key \"k\": a text of");
        row("cut off", start(0, 1).add("k").add(std::uint32_t{ 5 }),
            "the key \"k\": it ends inside");
        row("cut-off tensor", start(1, 0).add("t"), "tensor \"t\": it ends inside");
        row("long list",
            start(0, 1).add("k").add(std::uint32_t{ 9 }).add(std::uint32_t{ 4 }).add(~0ULL),
            "elements");
        row("list of lists",
            start(0, 1).add("k").add(std::uint32_t{ 9 }).add(std::uint32_t{ 9 }).add(1ULL),
            "the key \"k\": a list has elements of type 9");
        row("unknown type", start(0, 1).add("k").add(std::uint32_t{ 13 }),
            "the key \"k\": a value has the unknown type 13");
        row("truth value", start(0, 1).add("k").add(std::uint32_t{ 7 }).add(std::uint8_t{ 2 }),
            "the key \"k\": a truth value is 2");
        Bytes twice = start(0, 2);
        for (int i = 0; i < 2; ++i)
            twice.add("k").add(std::uint32_t{ 7 }).add(std::uint8_t{ 1 });
        row("key twice", twice, "twice");
        const auto tensor
            = [](Bytes file, std::uint64_t in, std::uint32_t type, std::uint64_t offset) {
                  return file.add("t").add(std::uint32_t{ 1 }).add(in).add(type).add(offset);
              };
        row("quantised", tensor(start(1, 0), 256, 12, 0), "tensor \"t\": it has the ggml type 12");
        row("unaligned", tensor(start(1, 0), 4, 0, 4).padTo(256), "not aligned");
        row("outside", tensor(start(1, 0), 4, 0, 1 << 20).padTo(256), "past the end");
        row("overflow", tensor(start(1, 0), ~0ULL, 0, 0),
            "tensor \"t\": it has dimensions that no memory");
        row("same place", tensor(tensor(start(2, 0), 4, 0, 0), 4, 0, 0).padTo(512), "twice");
        row("alignment",
            start(0, 1).add("general.alignment").add(std::uint32_t{ 4 }).add(std::uint32_t{ 0 }),
            "alignment");
    }

    void hostileFiles_areRefused()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, says);
        const QString found = problem(bytes.toStdString());
        QVERIFY2(found.contains(says), qPrintable(found));
        QVERIFY2(found.contains(QStringLiteral("hostile.gguf")), qPrintable(found));
    }
};

QTEST_GUILESS_MAIN(TestGguf)
#include "tst_gguf.moc"
