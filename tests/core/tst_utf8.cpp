#include "core/base/log.h"
#include "core/base/nearest_word.h"
#include "core/base/sha256.h"
#include "core/base/utf8.h"

#include <QFile>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

#include <array>

using namespace zen;

class TestUtf8 : public QObject {
    Q_OBJECT

private Q_SLOTS:
    // Table 3-7 of the Unicode standard; replacement of maximal subparts as in its section 3.9,
    // table 3-8.
    void repair_followsTheStandard_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("replaced"); // how many U+FFFD
        QTest::addColumn<QByteArray>("kept"); // without the replacements
        const auto row
            = [](const char* name, const QByteArray& text, int replaced, const QByteArray& kept) {
                  QTest::newRow(name) << text << replaced << kept;
              };
        row("ASCII", "abc", 0, "abc");
        row("NUL", QByteArray("a\0b", 3), 0, QByteArray("a\0b", 3));
        row("2 bytes", "\xC3\xA9", 0, "\xC3\xA9");
        row("3 bytes", "\xE2\x82\xAC", 0, "\xE2\x82\xAC");
        row("4 bytes", "\xF0\x9F\x98\x80", 0, "\xF0\x9F\x98\x80");
        row("last code point", "\xF4\x8F\xBF\xBF", 0, "\xF4\x8F\xBF\xBF");
        row("beyond the last", "\xF4\x90\x80\x80", 4, "");
        row("lone continuation", "a\x80z", 1, "az");
        row("overlong 2", "\xC0\xAF", 2, "");
        row("overlong 3", "\xE0\x80\xAF", 3, "");
        row("overlong 4", "\xF0\x80\x80\xAF", 4, "");
        row("surrogate", "\xED\xA0\x80", 3, "");
        row("below the surrogates", "\xED\x9F\xBF", 0, "\xED\x9F\xBF");
        row("cut 3", "\xE2\x82", 1, "");
        row("cut 3 then a", "\xE2\x82z", 1, "z");
        row("cut 4", "\xF0\x9F\x98z", 1, "z");
        row("FE FF", "\xFE\xFF", 2, "");
        row("table 3-8", "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", 6, "abcd");
    }

    void repair_followsTheStandard()
    {
        QFETCH(QByteArray, text);
        QFETCH(int, replaced);
        QFETCH(QByteArray, kept);
        const std::string_view view(text.constData(), static_cast<std::size_t>(text.size()));
        QCOMPARE(isUtf8(view), replaced == 0);
        const std::string repaired = repairUtf8(view);
        QVERIFY(isUtf8(repaired));
        QByteArray rest = QByteArray::fromStdString(repaired);
        QCOMPARE(int(rest.count("\xEF\xBF\xBD")), replaced);
        QCOMPARE(rest.replace("\xEF\xBF\xBD", ""), kept);
    }

    void everyCodePoint_isAccepted_surrogatesAreNot()
    {
        for (char32_t code = 0; code <= 0x10FFFF; code += code < 0x11000 ? 1 : 37) {
            const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
            std::string text;
            if (code < 0x80)
                text = { static_cast<char>(code) };
            else if (code < 0x800)
                text = { static_cast<char>(0xC0 | code >> 6),
                    static_cast<char>(0x80 | (code & 63)) };
            else if (code < 0x10000)
                text = { static_cast<char>(0xE0 | code >> 12),
                    static_cast<char>(0x80 | (code >> 6 & 63)),
                    static_cast<char>(0x80 | (code & 63)) };
            else
                text = { static_cast<char>(0xF0 | code >> 18),
                    static_cast<char>(0x80 | (code >> 12 & 63)),
                    static_cast<char>(0x80 | (code >> 6 & 63)),
                    static_cast<char>(0x80 | (code & 63)) };
            if (isUtf8(text) == surrogate)
                QFAIL(qPrintable(QString("U+%1").arg(static_cast<uint>(code), 0, 16)));
        }
    }

    void incompleteTail_countsTheOpenSequence_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("tail");
        QTest::newRow("none") << QByteArray("abc") << 0;
        QTest::newRow("empty") << QByteArray() << 0;
        QTest::newRow("whole") << QByteArray("a\xE2\x82\xAC") << 0;
        QTest::newRow("1 of 2") << QByteArray("a\xC3") << 1;
        QTest::newRow("1 of 4") << QByteArray("\xF0") << 1;
        QTest::newRow("2 of 3") << QByteArray("a\xE2\x82") << 2;
        QTest::newRow("3 of 4") << QByteArray("a\xF0\x9F\x98") << 3;
        QTest::newRow("never valid") << QByteArray("a\xED\xA0") << 0;
        QTest::newRow("lone continuations") << QByteArray("\x80\x80\x80") << 0;
    }

    void incompleteTail_countsTheOpenSequence()
    {
        QFETCH(QByteArray, text);
        QFETCH(int, tail);
        QCOMPARE(
            int(incompleteTail({ text.constData(), static_cast<std::size_t>(text.size()) })), tail);
    }

    void printable_showsControlCharacters()
    {
        QCOMPARE(printable("a\x1b[31mb\x7f\r"), std::string("a\\x1b[31mb\\x7f\\x0d"));
        QCOMPARE(printable("tab\tline\n\xff"), std::string("tab\tline\n\xEF\xBF\xBD"));
    }

    void log_writesLevelsAndIndentsLines()
    {
        QTemporaryDir folder;
        const std::string path = folder.filePath("console.log").toStdString();
        for (int i = 0; i < 2; ++i) { // opening again appends
            auto log = ConsoleLog::open(path);
            QVERIFY(log.has_value());
            log->write("info", "one\ntwo");
            log->write("error", "three {} %v\x1b");
        }
        QFile file(folder.filePath("console.log"));
        QVERIFY(file.open(QFile::ReadOnly));
        const QStringList lines = QString::fromUtf8(file.readAll()).split('\n');
        QCOMPARE(lines.size(), 7);
        const QRegularExpression stamp("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (.*)$");
        QCOMPARE(stamp.match(lines[0]).captured(1), QString("info one"));
        QCOMPARE(lines[1], QString("    two"));
        QCOMPARE(stamp.match(lines[2]).captured(1), QString("error three {} %v\\x1b"));
        QVERIFY(!ConsoleLog::open("/proc/none/console.log"));
    }

    // FIPS 180-2, appendix B
    void sha256_matchesThePublishedVectors()
    {
        QCOMPARE(sha256Hex("abc"),
            std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        QCOMPARE(sha256Hex(""),
            std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        QCOMPARE(sha256Hex(std::string(1000000, 'a')),
            std::string("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
        QTemporaryDir folder;
        QFile file(folder.filePath("file"));
        QVERIFY(file.open(QFile::WriteOnly));
        file.write(QByteArray(1000000, 'a'));
        file.close();
        QCOMPARE(sha256HexOfFile(folder.filePath("file").toStdString()).value(),
            sha256Hex(std::string(1000000, 'a')));
        QVERIFY(!sha256HexOfFile(folder.filePath("missing").toStdString()));
        QVERIFY(!sha256HexOfFile(folder.path().toStdString()));
    }

    void nearestWord_isNearOrNone()
    {
        static constexpr std::array<std::string_view, 3> kKnown
            = { "lora_rank", "lora_alpha", "seed" };
        QCOMPARE(nearestWord("lora_rnk", kKnown), std::string("lora_rank"));
        QCOMPARE(nearestWord("lora-alpha", kKnown), std::string("lora_alpha"));
        QCOMPARE(nearestWord("seeed", kKnown), std::string("seed"));
        QCOMPARE(nearestWord("temperature", kKnown), std::string());
        QCOMPARE(nearestWord("", kKnown), std::string());
        QCOMPARE(nearestWord(std::string(100000, 'x'), kKnown), std::string());
    }
};

QTEST_GUILESS_MAIN(TestUtf8)
#include "tst_utf8.moc"
