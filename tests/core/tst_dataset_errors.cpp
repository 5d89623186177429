#include "core/data/dataset.h"
#include "data_samples.h"

#include <QTest>

#include <random>

using namespace zen;
using namespace zen::test;

class DatasetErrorsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void badFile_namesThePlace_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("place"); ///< after the file's name
        QTest::addColumn<QString>("reason");
        const QByteArray good = "{\"prompt\":\"x\",\"answer\":\"1\"}\n";
        const auto row = [](const char* title, const char* name, const QByteArray& bytes,
                             const char* place, const char* reason) {
            QTest::newRow(title) << QString(name) << bytes << QString(place)
                                 << QString::fromUtf8(reason);
        };
        row("unquoted value", "a.jsonl", good + "{\"prompt\": y}\n", "line 2, column 12",
            "not valid JSON");
        row("cut line", "a.jsonl", good + "{\"prompt\":\"y\"\n" + good, "line 2, column 14",
            "line ends");
        row("comma after row", "a.jsonl", "{\"prompt\":\"x\",\"answer\":\"1\"},\n",
            "line 1, column 28", "not valid JSON");
        row("two rows in a line", "a.jsonl", good.trimmed() + good, "line 1, column 28",
            "not valid JSON");
        row("single quotes", "a.jsonl", good + good + "{'prompt': 1}", "line 3, column 2",
            "not valid JSON");
        row("place in characters", "a.jsonl", QByteArray("{\"\u00e9\u4e2d\":\"\u00e9\", x}"),
            "line 1, column 12", "not valid JSON");
        row("bad utf-8", "a.jsonl", good + "{\"prompt\":\"\xff\"}", "line 2, column 12", "UTF-8");
        row("nul", "a.jsonl", QByteArray("{\"prompt\":\"a\0b\"}", 16), "line 1, column 13",
            "not valid JSON");
        row("key twice", "a.jsonl", "{\"prompt\":\"x\",\"prompt\":\"y\"}", "line 1, column 27",
            "twice");
        row("row is a list", "a.jsonl", good + "5\n", "line 2, column 1", "number");
        row("missing prompt", "a.jsonl", good + "{\"answer\":\"2\"}", "line 2, column 1",
            "\"prompt\" is missing");
        row("missing answer", "a.jsonl", good + "{\"prompt\":\"2\"}", "line 2, column 1",
            "\"answer\" is missing");
        row("prompt is a number", "a.jsonl", good + "{\"prompt\":2,\"answer\":\"\"}",
            "line 2, column 1", "number, not text");
        row("prompt is null", "a.jsonl", good + "{\"prompt\":null,\"answer\":\"\"}",
            "line 2, column 1", "null, not text");
        row("prompt is blank", "a.jsonl", good + "{\"prompt\":\" \",\"answer\":\"\"}",
            "line 2, column 1", "empty");
        row("no prompt at all", "a.jsonl", "{\"a\":1,\"b\":2}", "line 1, column 1",
            "columns here: a, b");
        row("unknown role", "a.jsonl", "{\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}",
            "line 1, column 1", "message 1: the role \"robot\"");
        row("no user", "a.jsonl", "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}",
            "line 1, column 1", "no user");
        row("no content", "a.jsonl", "{\"messages\":[{\"role\":\"user\"}]}", "line 1, column 1",
            "message 1: has no content");
        row("image part", "a.jsonl",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]}",
            "line 1, column 1", "not text");
        row("deep", "a.jsonl", good + QByteArray(100'000, '['), "line 2, column 65",
            "deeper than 64");
        row("array not closed", "a.json", "[\n{\"prompt\":\"x\",\"answer\":\"1\"}\n",
            "line 3, column 1", "closing ]");
        row("array without comma", "a.json",
            "[{\"prompt\":\"x\",\"answer\":\"1\"}\n{\"prompt\":\"y\"}]", "line 2, column 1",
            "comma");
        row("comma at the end", "a.json", "[{\"prompt\":\"x\",\"answer\":\"1\"},\n]",
            "line 2, column 1", "must follow the comma");
        row("text after array", "a.json", "[{\"prompt\":\"x\",\"answer\":\"1\"}]\n{}",
            "line 2, column 1", "after the closing ]");
        row("array, bad value", "a.json", "[\n  {\"prompt\": \"x\",\n   \"answer\": nul}]",
            "line 3, column 17", "not valid JSON");
        row("array, open quote", "a.json", "[\n  {\"prompt\": \"x,\n   \"answer\": \"1\"}]",
            "line 2, column 17", "closing quote");
        row("array, wrong bracket", "a.json", "[\n  {\"prompt\": [1, 2}\n]", "line 2, column 19",
            "unexpected }");
        row("array, cut", "a.json", "[\n  {\"prompt\": \"x\"", "line 2, column 17",
            "ends inside the row");
        row("array, deep", "a.json", "[" + QByteArray(100'000, '['), "line 1, column 66",
            "deeper than 64");
        row("array, missing field", "a.json",
            "[{\"prompt\":\"x\",\"answer\":\"1\"},\n   {\"prompt\":\"y\"}]", "line 2, column 4",
            "\"answer\" is missing");
        row("array of texts", "a.json", "[\"x\"]", "line 1, column 2", "string, not an object");
        row("empty file", "a.jsonl", "", "", "has no rows");
        row("only blanks", "a.jsonl", "\n \r\n", "", "has no rows");
        row("empty array", "a.json", "[ ]\n", "", "has no rows");
        row("utf-16", "a.jsonl", QByteArray("\xFF\xFE{\0", 4), "", "UTF-16");
        row("gzip", "a.jsonl", "\x1F\x8B\x08", "", "compressed");
        row("parquet", "a.json", "PAR1....", "", "Parquet");
    }
    void badFile_namesThePlace()
    {
        QFETCH(QString, name);
        QFETCH(QByteArray, bytes);
        QFETCH(QString, place);
        QFETCH(QString, reason);
        const DataFolder folder;
        const auto data = folder.load(name.toStdString(), bytes.toStdString());
        QVERIFY(!data);
        const QString error = QString::fromStdString(data.error().message);
        QVERIFY2(
            error.contains(place.isEmpty() ? name : name + ", " + place + ":"), qPrintable(error));
        QVERIFY2(error.contains(reason), qPrintable(error));
        QVERIFY2(error.size() < 600, qPrintable(error));
    }

    void prettyPrintedObject_isExplained()
    {
        const DataFolder folder;
        const auto data = folder.load("a.json", "{\n  \"prompt\": \"x\"\n}\n");
        QVERIFY(!data);
        QVERIFY2(
            QString::fromStdString(data.error().message).contains("one row a line, or one array"),
            data.error().message.c_str());
    }

    void badRegistry_namesThePlace()
    {
        const DataFolder folder;
        folder.write("dataset_info.json", "{\n  \"a\": {\"file_name\": }\n}");
        const auto files = findDatasetFiles(folder.section({ "a" }));
        QVERIFY(!files);
        QVERIFY2(QString::fromStdString(files.error().message)
                     .contains("dataset_info.json, line 2, column 22"),
            files.error().message.c_str());
    }

    void specialFiles_areRefused()
    {
        QVERIFY(!loadDatasetFile("/dev/zero", {}));
        QVERIFY(!loadDatasetFile("/nowhere/a.jsonl", {}));
    }

    void overlongLine_isRefused()
    {
        const DataFolder folder;
        const auto data
            = folder.load("a.jsonl", "{\"prompt\":\"" + std::string(std::size_t{ 65 } << 20, 'x'));
        QVERIFY(!data);
        QVERIFY2(QString::fromStdString(data.error().message).contains("longer than 64 MiB"),
            data.error().message.c_str());
    }

    void mutatedFiles_neverCrash()
    {
        const DataFolder folder;
        const std::string lines
            = "{\"prompt\": \"x\", \"answer\": 1.5, \"tools\": [{\"name\": \"f\"}]}\n"
              "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}], \"answer\": "
              "\"\\u00e9\"}\n";
        const std::string array = "[" + lines.substr(0, lines.find('\n'))
            + ",\n{\"conversations\": [{\"from\": \"human\", "
              "\"value\": \"v\"}, {\"from\": \"function_call\", \"value\": \"{}\"}]}]";
        std::mt19937 random(41);
        for (int i = 0; i < 1500; ++i) {
            std::string bytes = i % 2 == 0 ? lines : array;
            for (std::size_t n = 1 + random() % 4; n > 0; --n) {
                const std::size_t at = random() % bytes.size();
                switch (random() % 3) {
                case 0:
                    bytes[at] = static_cast<char>(random() % 256);
                    break;
                case 1:
                    bytes.erase(at, 1 + random() % 5);
                    break;
                default:
                    bytes.insert(at, 1, "{}[]\",:\\\n"[random() % 9]);
                }
                if (bytes.empty())
                    bytes = "x";
            }
            const auto data = folder.load("a.json", bytes);
            QVERIFY(data ? !data->rows.empty() : !data.error().message.empty());
        }
    }
};

QTEST_GUILESS_MAIN(DatasetErrorsTest)
#include "tst_dataset_errors.moc"
