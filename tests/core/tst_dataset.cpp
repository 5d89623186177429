#include "core/data/dataset.h"
#include "data_samples.h"

#include <QFile>
#include <QTest>

#include <algorithm>
#include <set>

using namespace zen;
using namespace zen::test;

namespace {

const std::string kShared = std::string(ZEN_SOURCE_DIR) + "/../shared/data/";

bool hasShared()
{
    return QFile::exists(QString::fromStdString(kShared));
}

std::string countedRows(int count)
{
    std::string text;
    for (int i = 0; i < count; ++i)
        text += "{\"question\": \"q" + std::to_string(i) + "\", \"answer\": \"" + std::to_string(i)
            + "\"}\n";
    return text;
}

std::vector<std::string> questions(const Dataset& dataset)
{
    std::vector<std::string> all;
    for (const Example& row : dataset.rows)
        all.push_back(row.prompt.back().content);
    return all;
}

} // namespace

class DatasetTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void gsm8k_asPublished()
    {
        const DataFolder folder;
        const auto data = folder.load("train.jsonl",
            "{\"question\": \"Two bolts and half that much. How many?\", "
            "\"answer\": \"It takes 2/2=<<2/2=1>>1 bolt\\n#### 3\"}\n");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        const Example& row = data->rows.at(0);
        QCOMPARE(
            row.prompt, std::vector{ said("user", "Two bolts and half that much. How many?") });
        QCOMPARE(row.response, std::string("It takes 2/2=<<2/2=1>>1 bolt\n#### 3"));
        QCOMPARE(row.columns.at("answer"), row.response);
        QCOMPARE(row.source, (folder.path() / "train.jsonl").string() + ":1");
        QCOMPARE(data->column_names, (std::vector<std::string>{ "question", "answer" }));
    }

    void arrayFile_givesTheSameRowsAsLines()
    {
        const DataFolder folder;
        const auto lines = folder.load(
            "a.jsonl", "{\"prompt\":\"x\",\"answer\":1}\n{\"prompt\":\"y\",\"answer\":2}");
        const auto array = folder.load("b.json",
            "[\n  {\"prompt\": \"x\", \"answer\": 1},\n  {\"prompt\": \"y\", \"answer\": 2}\n]\n");
        QVERIFY(lines);
        QVERIFY2(array, array ? "" : array.error().message.c_str());
        QCOMPARE(array->rows.size(), std::size_t{ 2 });
        QCOMPARE(questions(*array), questions(*lines));
        QCOMPARE(array->rows[1].source, (folder.path() / "b.json").string() + ":3");
        QCOMPARE(array->rows[1].columns.at("answer"), std::string("2"));
    }

    void bomCrlfAndBlankLines_areAccepted()
    {
        const DataFolder folder;
        const auto data = folder.load("a.jsonl",
            "\xEF\xBB\xBF{\"prompt\":\"x\",\"answer\":\"1\"}\r\n\r\n{\"prompt\":\"y\",\"answer\":"
            "\"2\"}\r\n  \r\n\r\n");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        QCOMPARE(questions(*data), (std::vector<std::string>{ "x", "y" }));
        QCOMPARE(data->rows[1].source, (folder.path() / "a.jsonl").string() + ":3");
        QVERIFY(folder.load(
            "b.json", "\xEF\xBB\xBF\r\n[ {\"prompt\":\"x\",\"answer\":\"1\"}\r\n]\r\n"));
    }

    void numbers_keepTheirSpelling()
    {
        const DataFolder folder;
        const auto data = folder.load("a.jsonl",
            "{\"prompt\":\"x\",\"answer\":1.50,\"big\":1e3,\"list\":[1,2],\"yes\":true,\"none\":"
            "null}");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        const auto& columns = data->rows[0].columns;
        QCOMPARE(columns.at("answer"), std::string("1.50"));
        QCOMPARE(columns.at("big"), std::string("1e3"));
        QCOMPARE(columns.at("list"), std::string("[1, 2]"));
        QCOMPARE(columns.at("yes"), std::string("true"));
        QVERIFY(!columns.contains("none"));
    }

    void alpaca_joinsInstructionAndInput()
    {
        const DataFolder folder;
        const auto data = folder.load("a.json",
            R"([{"instruction": "Add.", "input": "1 and 2", "output": "3", "system": "Be brief.",)"
            R"( "history": [["hi", "hello"]]}, {"instruction": "Go", "input": "", "output": ""}])");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        QCOMPARE(data->rows[0].prompt,
            (std::vector{ said("system", "Be brief."), said("user", "hi"),
                said("assistant", "hello"), said("user", "Add.\n1 and 2") }));
        QCOMPARE(data->rows[0].response, std::string("3"));
        QCOMPARE(data->rows[0].columns.at("answer"), std::string("3"));
        QCOMPARE(data->rows[1].prompt, std::vector{ said("user", "Go") });
        QCOMPARE(data->rows[1].response, std::string());
    }

    void sharegpt_splitsTheLastAnswerOff()
    {
        const DataFolder folder;
        const auto data = folder.load("a.json",
            "[{\"conversations\": [{\"from\": \"human\", \"value\": \"area?\"}"
            ", {\"from\": \"function_call\", \"value\": "
            "\"{\\\"name\\\":\\\"area\\\",\\\"arguments\\\":{\\\"b\\\":2,\\\"a\\\":[5,3]}}\"}"
            ", {\"from\": \"observation\", \"value\": \"15\"}"
            ", {\"from\": \"gpt\", \"value\": \"It is 15.\"}], \"tools\": "
            "\"[{\\\"name\\\":\\\"area\\\"}]\"}]");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        const Example& row = data->rows[0];
        QCOMPARE(row.prompt.size(), std::size_t{ 3 });
        QCOMPARE(row.prompt[1].tool_calls,
            (std::vector<ToolCall>{ { "area", R"({"b": 2, "a": [5, 3]})" } }));
        QCOMPARE(row.prompt[2], said("tool", "15"));
        QCOMPARE(row.response, std::string("It is 15."));
        QCOMPARE(row.tools_json,
            (std::vector<std::string>{ R"({"type": "function", "function": {"name": "area"}})" }));
    }

    void openAiMessages_areRead()
    {
        const DataFolder folder;
        const auto data = folder.load("a.jsonl",
            R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "q"}]},)"
            R"( {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "f",)"
            R"( "arguments": "{}"}}]}, {"role": "tool", "content": "r"},)"
            R"( {"role": "assistant", "content": "a", "reasoning_content": "why"}]})");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        const Example& row = data->rows[0];
        QCOMPARE(row.prompt.size(), std::size_t{ 4 });
        QCOMPARE(row.prompt[1], said("user", "q"));
        QCOMPARE(row.prompt[2].tool_calls.at(0).name, std::string("f"));
        QCOMPARE(row.response, std::string("<think>\nwhy\n</think>\n\na"));
    }

    void promptMessages_withAnswerColumn()
    {
        const DataFolder folder;
        const auto data = folder.load("a.jsonl",
            R"({"prompt": [{"role": "user", "content": "1+1?"}], "solution": "2", "answer": 2})");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        QCOMPARE(data->rows[0].prompt, std::vector{ said("user", "1+1?") });
        QCOMPARE(data->rows[0].response, std::string("2"));
    }

    void completionMessages_endTheConversation()
    {
        const DataFolder folder;
        const auto data = folder.load("a.jsonl",
            R"({"prompt": [{"role": "user", "content": "sky?"}], "completion": [{"role": "assistant", "content": "blue"}]})");
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        QCOMPARE(data->rows[0].response, std::string("blue"));
    }

    void namedColumns_comeFirst()
    {
        const DataFolder folder;
        DataSection options;
        options.prompt_column = "task";
        options.answer_column = "gold";
        options.system_prompt = "Think.";
        const auto data = folder.load(
            "a.jsonl", R"({"prompt": "no", "task": "yes", "answer": "5", "gold": "6"})", options);
        QVERIFY2(data, data ? "" : data.error().message.c_str());
        QCOMPARE(
            data->rows[0].prompt, (std::vector{ said("system", "Think."), said("user", "yes") }));
        QCOMPARE(data->rows[0].response, std::string("6"));
        QCOMPARE(data->rows[0].columns.at("answer"), std::string("5"));
    }

    void registeredNames_followTheirEntry()
    {
        const DataFolder folder;
        folder.write("dataset_info.json",
            R"({"mine": {"file_name": "sub/x.jsonl", "columns": {"prompt": "q", "query": "more", "response": "r"}},)"
            R"( "talk": {"file_name": "talk.json", "formatting": "sharegpt", "num_samples": 1, "columns": {"messages": "m"},)"
            R"( "tags": {"role_tag": "who", "content_tag": "what", "user_tag": "you", "assistant_tag": "me"}}})");
        folder.write("sub/x.jsonl", R"({"q": "1", "more": "2", "r": "3", "prompt": "no"})");
        folder.write("talk.json",
            R"([{"m": [{"who": "you", "what": "hi"}, {"who": "me", "what": "ho"}]}, {"m": 5}])");
        const auto split = loadDatasets(folder.section({ "mine", "talk" }), 1);
        QVERIFY2(split, split ? "" : split.error().message.c_str());
        QCOMPARE(questions(split->train), (std::vector<std::string>{ "1\n2", "hi" }));
        QCOMPARE(split->train.rows[1].response, std::string("ho"));
        const auto by_path = loadDatasets(folder.section({ "sub/x.jsonl" }), 1);
        QVERIFY(by_path);
        QCOMPARE(questions(by_path->train), std::vector<std::string>{ "1\n2" });
    }

    void folder_givesAllItsFiles()
    {
        const DataFolder folder;
        folder.write("set/b.jsonl", countedRows(2));
        folder.write("set/a.jsonl", countedRows(1));
        const auto files = findDatasetFiles(folder.section({ "set" }));
        QVERIFY(files);
        QCOMPARE(files->size(), std::size_t{ 2 });
        QCOMPARE(files->front(), folder.path() / "set/a.jsonl");
    }

    void entriesElsewhere_areExplained_data()
    {
        QTest::addColumn<QString>("entry");
        QTest::addColumn<QString>("reason");
        QTest::newRow("hub") << R"({"hf_hub_url": "Open-Orca/OpenOrca"})"
                             << "Open-Orca/OpenOrca";
        QTest::newRow("script") << R"({"script_url": "hh_rlhf_en"})"
                                << "script_url: hh_rlhf_en";
        QTest::newRow("ranking") << R"({"file_name": "a.json", "ranking": true})"
                                 << "preference";
        QTest::newRow("images") << R"({"file_name": "a.json", "columns": {"images": "i"}})"
                                << "only text";
        QTest::newRow("no file") << R"({"file_name": "gone.json"})"
                                 << "gone.json";
        QTest::newRow("text file") << R"({"file_name": "wiki.txt"})"
                                   << "neither .json nor .jsonl";
        QTest::newRow("nothing") << R"({})"
                                 << "file_name";
        QTest::newRow("formatting") << R"({"file_name": "a.json", "formatting": "x"})"
                                    << "\"x\" is not known";
        QTest::newRow("columns") << R"({"file_name": "a.json", "columns": {"prompt": 4}})"
                                 << "columns.prompt";
        QTest::newRow("no object") << "7"
                                   << "must be an object";
    }
    void entriesElsewhere_areExplained()
    {
        QFETCH(QString, entry);
        QFETCH(QString, reason);
        const DataFolder folder;
        folder.write("wiki.txt", "text");
        folder.write("dataset_info.json", "{\"it\": " + entry.toStdString() + "}");
        const auto files = findDatasetFiles(folder.section({ "it" }));
        QVERIFY(!files);
        const QString error = QString::fromStdString(files.error().message);
        QVERIFY2(error.contains(reason) && error.contains("dataset_info.json"), qPrintable(error));
    }

    void unknownName_listsWhatWasLookedFor()
    {
        const DataFolder folder;
        folder.write("dataset_info.json", R"({"mine": {"file_name": "x.jsonl"}})");
        const auto files = findDatasetFiles(folder.section({ "minne" }));
        QVERIFY(!files);
        const QString error = QString::fromStdString(files.error().message);
        QVERIFY2(error.contains("mine)")
                && error.contains(QString::fromStdString((folder.path() / "minne").string())),
            qPrintable(error));
        QVERIFY(!findDatasetFiles(folder.section({})));
        QVERIFY(!findDatasetFiles(folder.section({ "" })));
    }

    void valSize_holdsOutRowsBySeed()
    {
        const DataFolder folder;
        folder.write("a.jsonl", countedRows(100));
        DataSection options = folder.section({ "a.jsonl" });
        options.val_size = 0.07;
        const auto split = loadDatasets(options, 5);
        QVERIFY2(split, split ? "" : split.error().message.c_str());
        QCOMPARE(split->held_out.rows.size(), std::size_t{ 7 });
        QCOMPARE(split->train.rows.size(), std::size_t{ 93 });
        auto all = questions(split->train);
        const auto held_out = questions(split->held_out);
        all.insert(all.end(), held_out.begin(), held_out.end());
        QCOMPARE(std::set<std::string>(all.begin(), all.end()).size(), std::size_t{ 100 });
        QCOMPARE(questions(loadDatasets(options, 5)->held_out), held_out);
        QVERIFY(questions(loadDatasets(options, 6)->held_out) != held_out);
        options.val_size = 12;
        QCOMPARE(loadDatasets(options, 5)->held_out.rows.size(), std::size_t{ 12 });
        options.val_size = 100;
        QVERIFY(!loadDatasets(options, 5));
        options.val_size = -1;
        QVERIFY(!loadDatasets(options, 5));
    }

    void evalDataset_isTheHeldOutPart()
    {
        const DataFolder folder;
        folder.write("a.jsonl", countedRows(10));
        folder.write("b.jsonl", R"({"question": "other", "answer": "1"})");
        DataSection options = folder.section({ "a.jsonl" });
        options.eval_dataset = { "b.jsonl" };
        options.val_size = 0.5;
        options.max_samples = 4;
        const auto split = loadDatasets(options, 1);
        QVERIFY(split);
        QCOMPARE(questions(split->train), (std::vector<std::string>{ "q0", "q1", "q2", "q3" }));
        QCOMPARE(questions(split->held_out), std::vector<std::string>{ "other" });
    }

    void fingerprint_followsContentAndOptions()
    {
        const DataFolder folder;
        folder.write("a.jsonl", countedRows(10));
        folder.write("copy/a.jsonl", countedRows(10));
        DataSection options = folder.section({ "a.jsonl" });
        const std::string first = loadDatasets(options, 1)->fingerprint;
        QCOMPARE(first.size(), std::size_t{ 64 });
        QCOMPARE(loadDatasets(options, 1)->fingerprint, first);
        QCOMPARE(loadDatasets(folder.section({ "copy/a.jsonl" }), 1)->fingerprint, first);
        QVERIFY(loadDatasets(options, 2)->fingerprint != first);
        options.max_samples = 5;
        QVERIFY(loadDatasets(options, 1)->fingerprint != first);
        folder.write("a.jsonl", countedRows(11));
        QVERIFY(loadDatasets(folder.section({ "a.jsonl" }), 1)->fingerprint != first);
    }

    void permutation_isOneAndDependsOnSeed()
    {
        for (const std::size_t count : { 0, 1, 2, 3, 1000 }) {
            std::vector<std::size_t> order = permutation(count, 9);
            QCOMPARE(permutation(count, 9), order);
            std::sort(order.begin(), order.end());
            for (std::size_t i = 0; i < count; ++i)
                QCOMPARE(order[i], i);
        }
        QVERIFY(permutation(1000, 1) != permutation(1000, 2));
        // Each of the six orders of three things must come up about equally often: 1000 +- 5
        // deviations.
        std::map<std::vector<std::size_t>, int> seen;
        for (std::uint64_t seed = 0; seed < 6000; ++seed)
            ++seen[permutation(3, seed)];
        QCOMPARE(seen.size(), std::size_t{ 6 });
        for (const auto& [order, times] : seen)
            QVERIFY2(std::abs(times - 1000) < 150, std::to_string(times).c_str());
    }

    void publishedFiles_load()
    {
        if (!hasShared())
            QSKIP("the published data is not at hand");
        DataSection options;
        options.dataset_dir = kShared + "gsm8k";
        options.dataset = { "train.jsonl" };
        options.eval_dataset = { "test.jsonl" };
        const auto gsm8k = loadDatasets(options, 1);
        QVERIFY2(gsm8k, gsm8k ? "" : gsm8k.error().message.c_str());
        QCOMPARE(gsm8k->train.rows.size(), std::size_t{ 7473 });
        QCOMPARE(gsm8k->held_out.rows.size(), std::size_t{ 1319 });
        for (const Example& row : gsm8k->train.rows)
            QVERIFY(row.response.find("\n#### ") != std::string::npos);

        options = {};
        options.dataset_dir = kShared + "chat";
        const std::vector<std::pair<std::string, std::size_t>> expected{ { "identity", 91 },
            { "alpaca_en_demo", 999 }, { "glaive_toolcall_en_demo", 300 },
            { "zen-nano-instruct-v1.0.1_training", 20 } };
        for (const auto& [name, count] : expected) {
            options.dataset = { name };
            const auto split = loadDatasets(options, 1);
            QVERIFY2(split, split ? "" : split.error().message.c_str());
            QCOMPARE(split->train.rows.size(), count);
            for (const Example& row : split->train.rows)
                QVERIFY(!row.response.empty());
        }
        options.dataset = { "openorca" };
        QVERIFY(QString::fromStdString(loadDatasets(options, 1).error().message)
                    .contains("Open-Orca/OpenOrca"));
    }
};

QTEST_GUILESS_MAIN(DatasetTest)
#include "tst_dataset.moc"
