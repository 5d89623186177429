#include "core/base/utf8.h"
#include "core/text/tokenizer.h"
#include "text_samples.h"

#include <QTest>

#include <algorithm>
#include <thread>

using namespace zen;
using namespace zen::test;

namespace {

using Ids = std::vector<TokenId>;

#ifdef __SANITIZE_ADDRESS__
constexpr int kMutations = 300; // some fifty times slower there
#else
constexpr int kMutations = 3000;
#endif

Tokenizer smallTokenizer()
{
    return Tokenizer::fromJson(smallTokenizerJson()).value();
}

nlohmann::json smallFile()
{
    return nlohmann::json::parse(smallTokenizerJson());
}

std::string errorOf(const nlohmann::json& file)
{
    const auto tokenizer = Tokenizer::fromJson(file.dump());
    return tokenizer ? "" : tokenizer.error().message;
}

/// The textbook way: merge the leftmost pair of lowest rank until there is none. Quadratic,
/// independent of the heap.
Ids naiveMerges(const nlohmann::json& file, const std::string& ascii_word)
{
    const auto& merges = file["model"]["merges"];
    std::vector<std::string> parts;
    for (const char c : ascii_word)
        parts.emplace_back(1, c);
    for (bool merged = true; merged;) {
        merged = false;
        for (std::size_t rank = 0; rank < merges.size() && !merged; ++rank)
            for (std::size_t i = 0; i + 1 < parts.size() && !merged; ++i)
                if (merges[rank][0] == parts[i] && merges[rank][1] == parts[i + 1]) {
                    parts[i] += parts[i + 1];
                    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                    merged = true;
                }
    }
    Ids ids;
    for (const std::string& part : parts)
        ids.push_back(file["model"]["vocab"][part].get<TokenId>());
    return ids;
}

} // namespace

class TokenizerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void qwenFile_givesReferenceIds()
    {
        if (!hasSharedTokenizer())
            QSKIP("the Qwen3 tokenizer is not at hand");
        const auto tokenizer = Tokenizer::load(kSharedTokenizer);
        QVERIFY2(tokenizer, tokenizer ? "" : tokenizer.error().message.c_str());
        const auto cases = jsonOfFile(ZEN_SOURCE_DIR "/tests/reference-cases/tokenizer.json");
        QVERIFY(cases.size() >= 26);
        for (const auto& one : cases) {
            const auto text = one["text"].get<std::string>();
            const Ids ids = tokenizer->encode(text);
            QVERIFY2(ids == one["ids"].get<Ids>(), text.c_str());
            QCOMPARE(tokenizer->decode(ids), one["decoded"].get<std::string>());
        }
        QCOMPARE(tokenizer->encode("Hello world"), (Ids{ 9707, 1879 }));
        QCOMPARE(tokenizer->encode(" Hello world"), (Ids{ 21927, 1879 }));
        QCOMPARE(tokenizer->size(), std::int64_t{ 151669 });
        QCOMPARE(tokenizer->idOf("<|im_end|>"), std::optional<TokenId>(151645));
    }

    void mergesAsStrings_giveTheSameIdsAsPairs()
    {
        nlohmann::json file = smallFile();
        for (auto& merge : file["model"]["merges"])
            merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
        const auto strings = Tokenizer::fromJson(file.dump());
        QVERIFY(strings);
        const std::string text = "The quick apples don't jump 12 times.\n  Ok";
        QCOMPARE(strings->encode(text), smallTokenizer().encode(text));
    }

    void oneWord_isMergedByRank()
    {
        const nlohmann::json file = smallFile();
        const Tokenizer tokenizer = smallTokenizer();
        std::mt19937 random(7);
        const std::string letters = "theaplsrdsw";
        for (int i = 0; i < 300; ++i) {
            std::string word;
            for (std::size_t n = random() % 24; word.size() <= n;)
                word += letters[random() % letters.size()];
            QCOMPARE(tokenizer.encode(word), naiveMerges(file, word));
        }
    }

    void digits_areOneByOne()
    {
        QCOMPARE(smallTokenizer().encode("1212121212").size(), std::size_t{ 10 });
    }

    void decodeOfEncode_isTheText()
    {
        std::vector<Tokenizer> tokenizers{ smallTokenizer() };
        if (hasSharedTokenizer())
            tokenizers.push_back(Tokenizer::load(kSharedTokenizer).value());
        std::mt19937 random(20);
        for (const Tokenizer& tokenizer : tokenizers)
            for (int i = 0; i < 1000; ++i) {
                const std::string text = stableText(random, random() % 60);
                QCOMPARE(tokenizer.decode(tokenizer.encode(text)), text);
                QCOMPARE(tokenizer.decode(tokenizer.encode(text, SpecialTokens::as_text)), text);
            }
    }

    void decomposedText_becomesNormalFormC()
    {
        const Tokenizer tokenizer = smallTokenizer();
        QCOMPARE(tokenizer.encode("cafe\u0301"), tokenizer.encode("caf\u00e9"));
        QCOMPARE(tokenizer.decode(tokenizer.encode("\u1112\u1161\u11ab")), std::string("\ud55c"));
    }

    void illFormedInput_becomesReplacementCharacters()
    {
        const Tokenizer tokenizer = smallTokenizer();
        std::mt19937 random(3);
        for (int i = 0; i < 500; ++i) {
            std::string bytes;
            for (std::size_t n = random() % 40; bytes.size() < n;)
                bytes += static_cast<char>(random() % 256);
            const std::string decoded
                = tokenizer.decode(tokenizer.encode(bytes, SpecialTokens::as_text));
            QVERIFY(isUtf8(decoded));
        }
        QCOMPARE(tokenizer.decode(tokenizer.encode("a\xffz")), std::string("a\uFFFDz"));
    }

    void halfACharacter_decodesToReplacement()
    {
        const Tokenizer tokenizer = smallTokenizer();
        const Ids whole = tokenizer.encode("\u4e2d");
        QCOMPARE(whole.size(), std::size_t{ 3 });
        QCOMPARE(tokenizer.decode(std::span(whole).first(2)), std::string("\uFFFD"));
        QCOMPARE(std::string(tokenizer.bytesOf(whole[0])), std::string("\xE4"));
    }

    void unknownIds_areLeftOut()
    {
        const Tokenizer tokenizer = smallTokenizer();
        QCOMPARE(
            tokenizer.decode(Ids{ -1, tokenizer.size(), std::int64_t{ 1 } << 40 }), std::string());
        QVERIFY(tokenizer.bytesOf(-5).empty());
        QVERIFY(!tokenizer.isSpecial(-5));
    }

    void addedTokens_areCutFromRawText()
    {
        const Tokenizer tokenizer = smallTokenizer();
        const TokenId start = *tokenizer.idOf("<|im_start|>");
        const Ids ids = tokenizer.encode("a<|im_start|>b<think>");
        QCOMPARE(ids.size(), std::size_t{ 4 });
        QCOMPARE(ids[1], start);
        QCOMPARE(ids[3], *tokenizer.idOf("<think>"));
        const Ids text = tokenizer.encode("a<|im_start|>b<think>", SpecialTokens::as_text);
        QVERIFY(std::find(text.begin(), text.end(), start) == text.end());
        QCOMPARE(tokenizer.decode(text), std::string("a<|im_start|>b<think>"));
    }

    void addedTokens_longestOfOnePlaceWins()
    {
        nlohmann::json file = smallFile();
        const std::size_t next = 400;
        for (const char* content : { "<<", "<<<x", "<<<" })
            file["added_tokens"].push_back({ { "id", next + file["added_tokens"].size() },
                { "content", content }, { "special", true } });
        const Tokenizer tokenizer = Tokenizer::fromJson(file.dump()).value();
        QCOMPARE(tokenizer.encode("<<<x<<<<<"),
            (Ids{ *tokenizer.idOf("<<<x"), *tokenizer.idOf("<<<"), *tokenizer.idOf("<<") }));
    }

    void skipSpecial_keepsThoughtTags()
    {
        const Tokenizer tokenizer = smallTokenizer();
        const Ids ids = tokenizer.encode("<|im_start|><think>x</think><|im_end|>");
        QCOMPARE(tokenizer.decode(ids, true), std::string("<think>x</think>"));
        QCOMPARE(tokenizer.decode(ids), std::string("<|im_start|><think>x</think><|im_end|>"));
    }

    void longInputs_finish()
    {
        const Tokenizer tokenizer = smallTokenizer();
        for (const std::string& text : { std::string(1 << 20, 'a'), std::string(1 << 20, ' ') + "x",
                 std::string(1 << 20, '\n'), std::string(1 << 20, '!'),
                 std::string(1 << 18, ' ') + "\n" + std::string(1 << 18, '\t') })
            QVERIFY(tokenizer.decode(tokenizer.encode(text)) == text);
    }

    void threads_seeTheSameIds()
    {
        const Tokenizer tokenizer = smallTokenizer();
        std::mt19937 random(5);
        std::vector<std::string> texts;
        std::vector<Ids> expected;
        for (int i = 0; i < 200; ++i)
            texts.push_back(stableText(random, 40));
        for (const std::string& text : texts)
            expected.push_back(smallTokenizer().encode(text));
        std::vector<int> wrong(4, 0);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < wrong.size(); ++t)
            threads.emplace_back([&, t] {
                for (std::size_t i = 0; i < texts.size(); ++i)
                    wrong[t] += tokenizer.encode(texts[i]) == expected[i] ? 0 : 1;
            });
        for (auto& thread : threads)
            thread.join();
        QCOMPARE(wrong, std::vector<int>(4, 0));
    }

    void badFile_isRefusedWithReason_data()
    {
        QTest::addColumn<QString>("patch");
        QTest::addColumn<QString>("reason");
        const auto row = [](const char* name, const char* patch, const char* reason) {
            QTest::newRow(name) << QString(patch) << QString(reason);
        };
        row("model type", R"([{"op":"replace","path":"/model/type","value":"WordPiece"}])",
            "WordPiece");
        row("no vocab", R"([{"op":"remove","path":"/model/vocab"}])", "model.vocab");
        row("vocab array", R"([{"op":"replace","path":"/model/vocab","value":[]}])", "model.vocab");
        row("no merges", R"([{"op":"remove","path":"/model/merges"}])", "model.merges");
        row("negative id", R"([{"op":"replace","path":"/model/vocab/a","value":-1}])", "\"a\"");
        row("huge id", R"([{"op":"replace","path":"/model/vocab/a","value":4000000000}])", "\"a\"");
        row("float id", R"([{"op":"replace","path":"/model/vocab/a","value":1.5}])", "\"a\"");
        row("text id", R"([{"op":"replace","path":"/model/vocab/a","value":"7"}])", "whole number");
        row("id twice", R"([{"op":"replace","path":"/model/vocab/a","value":5}])", "used twice");
        row("byte missing", R"([{"op":"remove","path":"/model/vocab/a"}])", "byte 97");
        row("merge of unknown", R"([{"op":"replace","path":"/model/merges/0","value":["zz","q"]}])",
            "merges[0]");
        row("merge of one", R"([{"op":"replace","path":"/model/merges/3","value":["t"]}])",
            "two parts");
        row("merge of three",
            R"([{"op":"replace","path":"/model/merges/3","value":["t","h","e"]}])", "two parts");
        row("merge no space", R"([{"op":"replace","path":"/model/merges/3","value":"the"}])",
            "one space");
        row("merge number", R"([{"op":"replace","path":"/model/merges/3","value":4}])",
            "model.merges");
        row("merge twice", R"([{"op":"copy","from":"/model/merges/3","path":"/model/merges/4"}])",
            "twice");
        row("other pattern",
            R"([{"op":"replace","path":"/pre_tokenizer/pretokenizers/0/pattern/Regex","value":"(a+)+$"}])",
            "pattern");
        row("no pre_tokenizer", R"([{"op":"remove","path":"/pre_tokenizer"}])", "pre_tokenizer");
        row("lower case", R"([{"op":"replace","path":"/normalizer","value":{"type":"Lowercase"}}])",
            "NFC");
        row("decoder", R"([{"op":"replace","path":"/decoder","value":{"type":"Metaspace"}}])",
            "decoder");
        row("template",
            R"([{"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing"}}])",
            "post_processor");
        row("lstrip", R"([{"op":"replace","path":"/added_tokens/0/lstrip","value":true}])",
            "lstrip");
        row("added id taken", R"([{"op":"replace","path":"/added_tokens/0/id","value":3}])",
            "endoftext");
        row("added twice", R"([{"op":"copy","from":"/added_tokens/1","path":"/added_tokens/2"}])",
            "twice");
        row("added empty", R"([{"op":"replace","path":"/added_tokens/1/content","value":""}])",
            "added_tokens[1]");
        row("byte fallback", R"([{"op":"replace","path":"/model/byte_fallback","value":true}])",
            "byte_fallback");
        row("ignore merges", R"([{"op":"replace","path":"/model/ignore_merges","value":1}])",
            "ignore_merges");
    }
    void badFile_isRefusedWithReason()
    {
        QFETCH(QString, patch);
        QFETCH(QString, reason);
        const auto file = smallFile().patch(nlohmann::json::parse(patch.toStdString()));
        const QString error = QString::fromStdString(errorOf(file));
        QVERIFY2(error.contains(reason), qPrintable(error));
    }

    void tokenGivenTwice_isRefused()
    {
        std::string json = smallTokenizerJson();
        const std::size_t at = json.find("\"vocab\": {") + 10;
        json.insert(at, "\"a\": 399999,");
        const auto tokenizer = Tokenizer::fromJson(json);
        QVERIFY(!tokenizer);
        QVERIFY(QString::fromStdString(tokenizer.error().message).contains("twice"));
    }

    void syntaxError_namesLineAndColumn()
    {
        const auto tokenizer = Tokenizer::fromJson("{\n  \"model\": {,\n}");
        QVERIFY(!tokenizer);
        QVERIFY2(QString::fromStdString(tokenizer.error().message).startsWith("line 2, column 13"),
            tokenizer.error().message.c_str());
    }

    void deepNesting_isRefused()
    {
        for (const char* opening : { "[", "{\"a\":" }) {
            std::string json = "{\"x\":";
            for (int i = 0; i < 200'000; ++i)
                json += opening;
            const auto tokenizer = Tokenizer::fromJson(json);
            QVERIFY(!tokenizer);
            QVERIFY(QString::fromStdString(tokenizer.error().message).contains("deeper than 64"));
        }
    }

    void mutatedFile_neverCrashes()
    {
        const std::string original = smallTokenizerJson(320);
        const std::vector<std::string> pieces{ "\"", "{", "}", "[", "]", ",", ":", "null", "-1",
            "1e999", "\\u0000", "\\ud800", "99999999999999999999", "true",
            "\"model\":", "\"vocab\":{}", "\xff", "" };
        std::mt19937 random(30);
        std::vector<std::string> texts;
        for (int i = 0; i < 4; ++i)
            texts.push_back(stableText(random, 40));
        int accepted = 0;
        for (int i = 0; i < kMutations; ++i) {
            std::string json = original;
            for (std::size_t n = 1 + random() % 3; n > 0; --n) {
                const std::size_t at = random() % json.size();
                const std::size_t length = std::min<std::size_t>(random() % 12, json.size() - at);
                if (random() % 3 == 0)
                    json[at] = static_cast<char>(random() % 256);
                else
                    json.replace(at, length, pieces[random() % pieces.size()]);
            }
            const auto tokenizer = Tokenizer::fromJson(json);
            if (!tokenizer) {
                QVERIFY(!tokenizer.error().message.empty());
                continue;
            }
            ++accepted;
            for (const std::string& text : texts)
                QCOMPARE(tokenizer->decode(tokenizer->encode(text, SpecialTokens::as_text)), text);
        }
        QVERIFY(accepted < kMutations);
    }

    void missingFile_isNamed()
    {
        const auto tokenizer = Tokenizer::load("/nowhere/tokenizer.json");
        QVERIFY(!tokenizer);
        QVERIFY(
            QString::fromStdString(tokenizer.error().message).contains("/nowhere/tokenizer.json"));
    }
};

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tst_tokenizer.moc"
