#include "core/text/bpe_trainer.h"
#include "core/text/tokenizer.h"
#include "text_samples.h"

#include <QTest>

using namespace zen;
using namespace zen::test;

namespace {

/// What Qwen3's tokenizer.json says besides vocabulary and merges.
const std::string kQwensFormat = ZEN_SOURCE_DIR "/tests/core/qwen_tokenizer_format.json";

} // namespace

class BpeTrainerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void countedPairs_areMergedByFrequency()
    {
        // Words: aab x 4, ab x 2, cd x 3. Pairs: ab 6, aa 4, cd 3; once "ab" is merged, a+ab 4;
        // then cd.
        const std::vector<std::string> texts{ "aab", "aab", "aab", "aab", "ab", "ab", "cd", "cd",
            "cd" };
        BpeTrainingOptions options{ 256 + 3 + 1, 2, { { "<e>", true } } };
        const auto file = nlohmann::json::parse(trainTokenizerJson(texts, options).value());
        QCOMPARE(
            file["model"]["merges"].dump(), std::string(R"([["a","b"],["a","ab"],["c","d"]])"));
        QCOMPARE(file["model"]["vocab"]["aab"].get<int>(), 257);
        QCOMPARE(file["added_tokens"][0]["id"].get<int>(), 259);
    }

    void equalCounts_areMergedInIdOrder()
    {
        const std::vector<std::string> texts{ "zy", "zy", "ba", "ba" };
        BpeTrainingOptions options{ 258, 2, {} };
        const auto file = nlohmann::json::parse(trainTokenizerJson(texts, options).value());
        QCOMPARE(file["model"]["merges"].dump(), std::string(R"([["b","a"],["z","y"]])"));
    }

    void bytes_haveQwensFirstIds()
    {
        const auto vocab = nlohmann::json::parse(smallTokenizerJson())["model"]["vocab"];
        QCOMPARE(vocab["!"].get<int>(), 0);
        QCOMPARE(vocab["A"].get<int>(), 32);
        QCOMPARE(
            vocab["Ġ"].get<int>(), 220); // as in Qwen3's own file, where " " is 220 and "\n" 198
        QCOMPARE(vocab["Ċ"].get<int>(), 198);
    }

    void rareMerges_areNotMade()
    {
        BpeTrainingOptions options{ 1000, 2, {} };
        const std::vector<std::string> texts{ "xy once" };
        const auto file = nlohmann::json::parse(trainTokenizerJson(texts, options).value());
        QVERIFY(file["model"]["merges"].empty());
        QCOMPARE(file["model"]["vocab"].size(), std::size_t{ 256 });
    }

    void sameTexts_giveTheSameBytes() { QCOMPARE(smallTokenizerJson(), smallTokenizerJson()); }

    void vocabulary_hasTheSizeAskedFor()
    {
        const Tokenizer tokenizer = Tokenizer::fromJson(smallTokenizerJson(330)).value();
        QCOMPARE(tokenizer.size(), std::int64_t{ 330 });
        QCOMPARE(tokenizer.idOf("</think>"), std::optional<TokenId>(329));
        QCOMPARE(tokenizer.idOf("<|endoftext|>"), std::optional<TokenId>(330 - 26));
    }

    void trainedMerges_shortenText()
    {
        const Tokenizer tokenizer = Tokenizer::fromJson(smallTokenizerJson()).value();
        QVERIFY(tokenizer.encode("The quick apples").size() < 16 / 2);
    }

    void addedTokens_neverBecomeMerges()
    {
        std::vector<std::string> texts(50, "abc abc<think>abc");
        BpeTrainingOptions options{ 300, 2, { { "abc", true }, { "<think>", false } } };
        const auto file = nlohmann::json::parse(trainTokenizerJson(texts, options).value());
        QVERIFY(!file["model"]["vocab"].contains("abc"));
        QVERIFY(Tokenizer::fromJson(file.dump()));
    }

    void format_isQwens_data()
    {
        QTest::addColumn<QByteArray>("file");
        QTest::newRow("its parts, written down")
            << QByteArray::fromStdString(bytesOfFile(kQwensFormat));
        if (hasSharedTokenizer()) // and the file itself, where it is at hand
            QTest::newRow("the file") << QByteArray::fromStdString(bytesOfFile(kSharedTokenizer));
    }

    void format_isQwens()
    {
        QFETCH(QByteArray, file);
        const auto qwen = nlohmann::json::parse(file.toStdString());
        const auto ours = nlohmann::json::parse(smallTokenizerJson());
        for (const char* key :
            { "normalizer", "pre_tokenizer", "post_processor", "decoder", "version" }) {
            QVERIFY2(qwen.contains(key), key);
            QCOMPARE(ours[key].dump(), qwen[key].dump());
        }
        const auto added = qwenAddedTokens();
        QCOMPARE(added.size(), qwen["added_tokens"].size());
        for (std::size_t i = 0; i < added.size(); ++i) {
            QCOMPARE(added[i].content, qwen["added_tokens"][i]["content"].get<std::string>());
            QCOMPARE(added[i].special, qwen["added_tokens"][i]["special"].get<bool>());
        }
    }

    void impossibleOptions_areRefused()
    {
        QVERIFY(!trainTokenizerJson({}, { .vocab_size = 281 }));
        QVERIFY(trainTokenizerJson({}, { .vocab_size = 282 }));
        QVERIFY(!trainTokenizerJson({}, { .vocab_size = 400, .added = { { "", true } } }));
        QVERIFY(!trainTokenizerJson(
            {}, { .vocab_size = 400, .added = { { "x", true }, { "x", false } } }));
    }
};

QTEST_GUILESS_MAIN(BpeTrainerTest)
#include "tst_bpe_trainer.moc"
