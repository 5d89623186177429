#include "core/config/yaml_document.h"

#include <QDirIterator>
#include <QFile>
#include <QTest>

#include <random>

using zen::YamlDocument;

namespace {

std::string bytesOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string();
}

constexpr const char* kSample = R"(# A run of mine.
model_name_or_path: zen/starter   # ships with the program
stage: gspo

### LoRA
lora_rank: 4      # small
lora_target: [q_proj, 'v_proj']  # two
my_own_key: {kept: yes}
system_prompt: "Say: # no comment"
rewards:   # what counts
  # the answer
  - type: number_equal
    weight: 1.0
  - {type: regex, pattern: '^it''s #1$'}  # odd

# about time
learning_rate: 1.0e-05
run_name: two words
  over lines
notes: |
  # not a comment
  text

# the end)";

/// The value of `key` as text, or a mark if the file has no such entry.
std::string valueOf(const YamlDocument& document, std::string_view key)
{
    const zen::YamlEntry* entry = document.find(key);
    return entry ? entry->value_text : "(absent)";
}

bool saysLine(const zen::Diagnostics& findings, int line, const std::string& part)
{
    for (const zen::Diagnostic& finding : findings)
        if (finding.line == line && finding.message.find(part) != std::string::npos)
            return true;
    return false;
}

} // namespace

class TestYamlDocument : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void entries_haveSourceTextAndLine()
    {
        const YamlDocument document = YamlDocument::fromText(kSample);
        QVERIFY(document.check().empty());
        QCOMPARE(document.entries().size(), std::size_t{ 10 });
        QCOMPARE(valueOf(document, "lora_rank"), std::string("4"));
        QCOMPARE(document.find("lora_rank")->line, 6);
        QCOMPARE(valueOf(document, "lora_target"), std::string("[q_proj, 'v_proj']"));
        QCOMPARE(valueOf(document, "system_prompt"), std::string("\"Say: # no comment\""));
        QCOMPARE(valueOf(document, "run_name"), std::string("two words\n  over lines"));
        QCOMPARE(valueOf(document, "notes"), std::string("|\n  # not a comment\n  text"));
        QCOMPARE(document.find("rewards")->line, 10);
        QVERIFY(valueOf(document, "rewards").starts_with("  - type: number_equal\n"));
    }

    void scalarReplaced_changesNothingElse()
    {
        YamlDocument document = YamlDocument::fromText(kSample);
        QVERIFY(document.set("lora_rank", "32"));
        std::string expected = kSample;
        expected.replace(expected.find("4      # small"), 14, "32     # small");
        QCOMPARE(document.text(), expected);
        QVERIFY(document.set("learning_rate", "2.0e-05"));
        expected.replace(expected.find("1.0e-05"), 7, "2.0e-05");
        QCOMPARE(document.text(), expected);
    }

    void longValue_keepsOneSpaceBeforeComment()
    {
        YamlDocument document = YamlDocument::fromText("a: 1  # one\nb: 2\n");
        QVERIFY(document.set("a", "123456789"));
        QCOMPARE(document.text(), std::string("a: 123456789 # one\nb: 2\n"));
    }

    void multiLineValues_areReplacedWhole()
    {
        YamlDocument document = YamlDocument::fromText(kSample);
        QVERIFY(document.set("run_name", "short"));
        QVERIFY(document.text().find("run_name: short\nnotes: |\n") != std::string::npos);
        QVERIFY(document.set("notes", "plain"));
        QVERIFY(document.text().ends_with("notes: plain\n\n# the end"));
    }

    void blockList_canBecomeFlowAndBack()
    {
        YamlDocument document = YamlDocument::fromText(kSample);
        QVERIFY(document.set("rewards", "[think_format]"));
        QVERIFY(document.text().find(
                    "rewards: [think_format]   # what counts\n  # the answer\n\n# about")
            != std::string::npos);
        QVERIFY(document.set("rewards", "  - {type: exact}\n  - {type: regex, pattern: a}"));
        QVERIFY(document.text().find(
                    "rewards:   # what counts\n  - {type: exact}\n  - {type: regex, pattern: a}\n")
            != std::string::npos);
        QVERIFY(document.check().empty());
    }

    void flowList_canBecomeBlock()
    {
        YamlDocument document = YamlDocument::fromText("a: [x]  # list\nb: 2\n");
        QVERIFY(document.set("a", "- x\n- y"));
        QCOMPARE(document.text(), std::string("a:  # list\n- x\n- y\nb: 2\n"));
    }

    void emptyValue_isFilled()
    {
        YamlDocument document = YamlDocument::fromText("a:\nb:   # later\nc: 1\n");
        QVERIFY(document.set("a", "1"));
        QVERIFY(document.set("b", "2"));
        QCOMPARE(document.text(), std::string("a: 1\nb: 2 # later\nc: 1\n"));
    }

    void newKey_goesAfterItsNeighbourOrToTheEnd()
    {
        YamlDocument document = YamlDocument::fromText("a: 1\nlist:\n  - x\n\n# notes\nb: 2");
        QVERIFY(document.set("c", "3", "list"));
        QCOMPARE(document.text(), std::string("a: 1\nlist:\n  - x\nc: 3\n\n# notes\nb: 2"));
        QVERIFY(document.set("d", "4"));
        QCOMPARE(document.text(), std::string("a: 1\nlist:\n  - x\nc: 3\n\n# notes\nb: 2\nd: 4"));
        QVERIFY(document.set("e", "  - 5", "absent"));
        QVERIFY(document.text().ends_with("d: 4\ne:\n  - 5"));
    }

    void emptyFile_takesKeys()
    {
        YamlDocument document = YamlDocument::fromText("");
        QVERIFY(document.check().empty());
        QVERIFY(document.set("a", "1"));
        QCOMPARE(document.text(), std::string("a: 1\n"));
        YamlDocument comments = YamlDocument::fromText("# only this\n");
        QVERIFY(comments.set("a", "1"));
        QCOMPARE(comments.text(), std::string("# only this\na: 1\n"));
    }

    void windowsLineEnds_survive()
    {
        YamlDocument document
            = YamlDocument::fromText("a: 1 # x\r\nlist:\r\n  - y\r\nb: |\r\n  t\r\nc: 3\r\n");
        QVERIFY(document.check().empty());
        QCOMPARE(valueOf(document, "list"), std::string("  - y"));
        QVERIFY(document.set("a", "2"));
        QVERIFY(document.set("list", "  - p\n  - q"));
        QVERIFY(document.set("d", "4"));
        QCOMPARE(document.text(),
            std::string("a: 2 # x\r\nlist:\r\n  - p\r\n  - q\r\nb: |\r\n  t\r\nc: 3\r\nd: 4\r\n"));
    }

    void byteOrderMarkAndIndentedFile_survive()
    {
        YamlDocument document = YamlDocument::fromText("\xEF\xBB\xBF  a: 1\n  b: 2\n");
        QVERIFY(document.check().empty());
        QVERIFY(document.set("a", "3"));
        QVERIFY(document.set("c", "4", "a"));
        QCOMPARE(document.text(), std::string("\xEF\xBB\xBF  a: 3\n  c: 4\n  b: 2\n"));
    }

    void documentMarks_surviveAndBoundAppends()
    {
        YamlDocument document = YamlDocument::fromText("---\na: 1\n...\n# after\n");
        QVERIFY(document.check().empty());
        QVERIFY(document.set("b", "2"));
        QCOMPARE(document.text(), std::string("---\na: 1\nb: 2\n...\n# after\n"));
    }

    void removedKey_takesItsCommentAlong()
    {
        YamlDocument document = YamlDocument::fromText(kSample);
        QVERIFY(document.remove("lora_rank"));
        QVERIFY(document.text().find("small") == std::string::npos);
        QVERIFY(document.remove("rewards"));
        QVERIFY(document.text().find("number_equal") == std::string::npos);
        QVERIFY(document.text().find("# about time") != std::string::npos);
        const std::string before = document.text();
        QVERIFY(document.remove("absent"));
        QCOMPARE(document.text(), before);
    }

    void impossibleValue_changesNothing_data()
    {
        QTest::addColumn<QString>("value");
        QTest::newRow("empty") << "";
        QTest::newRow("open list") << "[1, 2";
        QTest::newRow("second key") << "1\nother: 2";
        QTest::newRow("anchor") << "&a 1";
        QTest::newRow("comment only") << "# nothing";
        QTest::newRow("colon") << "a: b";
        QTest::newRow("open quote") << "\"a";
        QTest::newRow("document mark") << "1\n---\n2";
    }
    void impossibleValue_changesNothing()
    {
        QFETCH(QString, value);
        YamlDocument document = YamlDocument::fromText(kSample);
        const auto done = document.set("lora_rank", value.toStdString());
        if (done) // a comment leaves an empty value, which is one
            QVERIFY(document.check().empty());
        else
            QCOMPARE(document.text(), std::string(kSample));
        QCOMPARE(valueOf(document, "stage"), std::string("gspo"));
        QCOMPARE(document.entries().size(), std::size_t{ 10 });
    }

    void badText_isRefusedWithLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("line");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, QByteArray text, int line, const char* says) {
            QTest::newRow(name) << text << line << QString::fromLatin1(says);
        };
        row("duplicate", "a: 1\nb: 2\na: 3\n", 3, "line 1");
        row("duplicate inside", "a: {x: 1, x: 2}\n", 1, "given twice");
        row("anchor", "a: 1\nb: &x 2\n", 2, "anchors");
        row("alias", "a: &x 1\nb: *x\n", 2, "aliases");
        row("cycle", "a: &a [*a]\n", 1, "aliases");
        row("tag", "a: 1\nb: !!str 2\n", 2, "tags");
        row("own tag", "a: !python/object x\n", 1, "tags");
        row("list", "- a\n- b\n", 1, "a list");
        row("one value", "just words\n", 1, "one value");
        row("braces", "{a: 1}\n", 1, "start of its line");
        row("empty braces", "{}\n", 1, "braces");
        row("question mark", "? a\n: b\n", 1, "start of its line");
        row("list as key", "a: 1\n[x]: 2\n", 2, "a key must be a word");
        row("two documents", "a: 1\n---\nb: 2\n", 3, "second document");
        row("open bracket", "a: [1, 2\nb: 3\n", 2, "not valid YAML");
        row("indented second key", "a: 1\n b: 2\n", 2, "not valid YAML");
        row("latin 1", "a: 1\nb: caf\xE9\n", 2, "UTF-8");
        row("null byte", QByteArray("a: 1\nb: \0x\n", 11), 2, "control character");
        row("end-of-text byte", "a: 1\n\x04\nb: 2\n", 2, "control character");
        row("lone return", "a: 1\nb: 2\rc: 3\n", 2, "carriage return");
        row("too large", "a: " + QByteArray(1 << 20, 'x'), 0, "1 MiB");
        row("undefined alias", "a: *nobody\n", 1, "not valid YAML");
        for (const char* opening : { "[", "{", "- ", "? ", "[{a: ", "- - ", "a: {" }) {
            QByteArray bomb;
            while (bomb.size() < 100000)
                bomb += opening;
            row(opening, bomb, 1, "");
        }
        QByteArray aliases = "a: &a [x,x,x,x,x,x,x,x,x]\n";
        for (char c = 'b'; c < 'j'; ++c) {
            aliases += QByteArray(1, c) + ": &" + QByteArray(1, c) + " [";
            for (int i = 0; i < 9; ++i)
                aliases += QByteArray(i ? ",*" : "*") + QByteArray(1, static_cast<char>(c - 1));
            aliases += "]\n";
        }
        row("alias bomb", aliases, 2, "aliases");
    }
    void badText_isRefusedWithLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(int, line);
        QFETCH(QString, says);
        YamlDocument document = YamlDocument::fromText(text.toStdString());
        const zen::Diagnostics findings = document.check();
        QVERIFY(!findings.empty());
        QVERIFY2(saysLine(findings, line, says.toStdString()),
            zen::toText(findings.front()).substr(0, 300).c_str());
        QVERIFY(document.entries().empty());
        QVERIFY(!document.set("a", "1"));
        QVERIFY(!document.remove("a"));
        QCOMPARE(document.text(), text.toStdString());
    }

    void severalProblems_areAllReported()
    {
        const zen::Diagnostics findings
            = YamlDocument::fromText("a: &x 1\na: !!int 2\nb: *x\n").check();
        QVERIFY(saysLine(findings, 1, "anchors"));
        QVERIFY(saysLine(findings, 2, "given twice"));
        QVERIFY(saysLine(findings, 2, "tags"));
        QVERIFY(saysLine(findings, 3, "aliases"));
    }

    void missingFile_isAnError()
    {
        QVERIFY(!YamlDocument::load("/nonexistent/x.yaml"));
        QVERIFY(!YamlDocument::load("/tmp"));
    }

    void everyFile_survivesSettingEachValueToItself()
    {
        QStringList files;
        for (const char* folder : { "/configs", "/../shared/data/peer-configs/gym" }) {
            QDirIterator found(QStringLiteral(ZEN_SOURCE_DIR) + folder, { "*.yaml" }, QDir::Files);
            while (found.hasNext())
                files << found.next();
        }
        QVERIFY(files.size() >= 9);
        for (const QString& file : files) {
            const auto document = YamlDocument::load(file.toStdString());
            QVERIFY2(document && document->check().empty(), qPrintable(file));
            QCOMPARE(document->text(), bytesOf(file));
            for (const zen::YamlEntry& entry : document->entries()) {
                YamlDocument copy = *document;
                QVERIFY2(copy.set(entry.key, entry.value_text), entry.key.c_str());
                QCOMPARE(copy.text(), document->text());
                QVERIFY(copy.remove(entry.key));
                QCOMPARE(copy.entries().size() + 1, document->entries().size());
            }
        }
    }

    void mutatedText_neverBreaksTheRules()
    {
        std::mt19937 random(7);
        const std::string alphabet = "ab:-#[]{}\"' \n\r\t|>&*!%@?,.0\\\xC3\xA9~";
        const std::vector<std::string> values
            = { "1", "[a, 'b']", "\"x: y\"", "  - a\n  - b", "|\n  # t", "'it''s'" };
        int edited = 0;
        for (int round = 0; round < 4000; ++round) {
            std::string text = kSample;
            for (unsigned n = random() % 6; n-- > 0;) {
                const std::size_t at = random() % text.size();
                switch (random() % 3) {
                case 0:
                    text.insert(at, 1, alphabet[random() % alphabet.size()]);
                    break;
                case 1:
                    text.erase(at, 1 + random() % 8);
                    break;
                default:
                    text[at] = alphabet[random() % alphabet.size()];
                }
            }
            YamlDocument document = YamlDocument::fromText(text);
            QCOMPARE(document.text(), text);
            if (!document.check().empty() || document.entries().empty())
                continue;
            const std::size_t chosen = random() % document.entries().size();
            const std::string key = document.entries()[chosen].key;
            std::vector<std::string> others;
            for (const zen::YamlEntry& entry : document.entries())
                if (entry.key != key)
                    others.push_back(entry.key + "=" + entry.value_text);
            if (!document.set(key, values[random() % values.size()])) {
                QCOMPARE(document.text(), text);
                continue;
            }
            ++edited;
            QVERIFY2(document.check().empty(), document.text().c_str());
            std::vector<std::string> after;
            for (const zen::YamlEntry& entry : document.entries())
                if (entry.key != key)
                    after.push_back(entry.key + "=" + entry.value_text);
            QCOMPARE(after, others);
        }
        QVERIFY2(edited > 1000, qPrintable(QString::number(edited)));
    }
};

QTEST_GUILESS_MAIN(TestYamlDocument)
#include "tst_yaml_document.moc"
