#include "core/reward/answer_number.h"
#include "core/reward/rubric.h"

#include <QTest>

#include <cmath>
#include <limits>

using namespace zen;

namespace {

using Parameters = std::map<std::string, std::vector<std::string>>;
using Columns = std::map<std::string, std::string>;

RewardTermSpec spec(const std::string& type, Parameters parameters = {}, int line = 7)
{
    RewardTermSpec one;
    one.name = type;
    one.type = type;
    one.parameters = std::move(parameters);
    one.line = line;
    return one;
}

std::optional<double> scoreOf(const RewardTermSpec& one, std::string_view completion,
    const Columns& columns = {}, std::vector<std::int64_t> ids = { 1, 2, 3 })
{
    const auto term = makeRewardTerm(one);
    if (!term)
        qFatal("%s", term.error().message.c_str());
    RewardInput input;
    input.completion = completion;
    input.completion_ids = ids;
    input.columns = &columns;
    return (*term)->score(input);
}

std::string problemOf(const RewardTermSpec& one)
{
    const auto term = makeRewardTerm(one);
    return term ? std::string() : term.error().message;
}

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kHostileBytes = 1 << 17; // sanitizers slow this down thirtyfold
#else
constexpr std::size_t kHostileBytes = 1 << 20;
#endif

std::string repeated(std::string_view piece, std::size_t bytes)
{
    std::string text;
    while (text.size() < bytes)
        text += piece;
    return text;
}

} // namespace

class TestRewards : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void numberEqual_data()
    {
        QTest::addColumn<QString>("completion");
        QTest::addColumn<QString>("gold");
        QTest::addColumn<double>("score"); // -1: unscored
        const auto row
            = [](const char* name, const char* completion, const char* gold, double score) {
                  QTest::newRow(name)
                      << QString::fromUtf8(completion) << QString::fromUtf8(gold) << score;
              };
        // where the answer stands
        row("boxed", "so \\boxed{42}", "42", 1);
        row("boxed wins over a later number", "\\boxed{42} (step 7)", "42", 1);
        row("last boxed", "\\boxed{1} no: \\boxed{42}", "42", 1);
        row("nested braces", "\\boxed{\\frac{1}{2}}", "0.5", 1);
        row("boxed in boxed", "\\boxed{\\boxed{5}}", "5", 1);
        row("boxed with a word", "\\boxed{42\\text{ apples}}", "42", 1);
        row("boxed equation", "\\boxed{x = 42}", "42", 1);
        row("boxed no number", "It is 42. \\boxed{\\text{forty-two}}", "42", 0);
        row("boxed never closed", "\\boxed{41} then \\boxed{42", "41", 1);
        row("boxed two numbers", "\\boxed{42, 43}", "43", 0);
        row("boxed tuple", "\\boxed{(1,2)}", "2", 0);
        row("boxed variable", "\\boxed{2x}", "2", 0);
        row("boxed root", "\\boxed{\\sqrt{2}}", "2", 0);
        row("hashes", "3 + 4 = 7\n#### 7", "7", 1);
        row("hashes win over a later line", "#### 7\nThat took 9 steps", "7", 1);
        row("hashes glued", "####7", "7", 1);
        row("hashes with dollar", "#### $1,200", "1200", 1);
        row("hashes negative", "#### -5", "-5", 1);
        row("heading, then a number", "#### Answer\n42", "42", 1);
        row("last number", "First 3, then 4, so 12 apples.", "12", 1);
        row("last number is wrong", "First 12, then 4", "12", 0);
        row("no number at all", "I do not know", "12", 0);
        row("empty", "", "12", 0);
        // how it is written
        row("thousands", "1,234,567", "1234567", 1);
        row("thousands in LaTeX", "\\boxed{1{,}234}", "1234", 1);
        row("thin space in LaTeX", "\\boxed{1\\,234}", "1234", 1);
        row("a list is no thousand", "1,23", "23", 1);
        row("dollar", "\\boxed{\\$18}", "18", 1);
        row("dollar and cents", "$18.00", "18", 1);
        row("negative dollars", "-$5", "-5", 1);
        row("unicode minus",
            "\xE2\x88\x92"
            "5",
            "-5", 1);
        row("minus between numbers", "that is 8-3", "3", 1);
        row("fraction", "3/4", "0.75", 1);
        row("fraction of fractions", "\\boxed{\\dfrac{3}{4}}", "\\frac{6}{8}", 1);
        row("short frac", "\\boxed{\\frac12}", "0.5", 1);
        row("negative frac", "\\boxed{-\\frac{1}{2}}", "-0.5", 1);
        row("mixed number", "2 1/2 cups", "2.5", 1);
        row("mixed number in LaTeX", "\\boxed{2\\frac{1}{2}}", "2.5", 1);
        row("division by zero", "\\boxed{1/0}", "1", 0);
        row("date is no fraction", "on 1/2/3", "3", 1);
        row("rounded third", "0.3333333", "1/3", 1);
        row("coarse third", "0.33", "1/3", 0);
        row("percent as figure", "50%", "50", 1);
        row("percent as share", "50\\%", "0.5", 1);
        row("percent in gold", "0.5", "50%", 1);
        row("percent in words", "50 percent", "50", 1);
        row("percent wrong", "5%", "50", 0);
        row("unit", "\\boxed{12\\text{ cm}^2}", "12", 1);
        row("unit with exponent at the end", "The area is 12 cm^2", "12", 1);
        row("digits in a word", "12 kg of CO2", "12", 1);
        row("degrees", "\\boxed{90^\\circ}", "90", 1);
        row("single unit letter", "\\boxed{5m}", "5", 1);
        row("full stop", "The answer is 42.", "42", 1);
        row("scientific", "1.5e3", "1500", 1);
        row("times ten to the", "\\boxed{1.5 \\times 10^{3}}", "1500", 1);
        row("power", "\\boxed{10^3}", "10", 0);
        row("leading zeros", "007", "7", 1);
        row("decimal zeros", "7.000", "7", 1);
        row("minus zero", "-0", "0", 1);
        row("big integers differ", "10000000", "10000001", 0);
        row("beyond double differ", "12345678901234567890", "12345678901234567891", 0);
        row("bold", "**42**", "42", 1);
        // the gold
        row("GSM8K", "#### 72", "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n#### 72", 1);
        row("GSM8K thousands", "\\boxed{1200}", "text 3\n#### 1,200", 1);
        row("gold boxed", "7", "So 3+4, that is \\boxed{7}.", 1);
        row("gold prose", "7", "Three of them and four more make 7 apples, not 8 of 9 but 7", 1);
        row("gold with unit", "18", "18 dollars", 1);
        row("gold equation", "7", "3 + 4 = 7", 1);
        row("gold tuple", "4", "(3, 4)", -1);
        row("gold expression", "2", "2x + 1", -1);
        row("gold word", "42", "forty-two", -1);
        row("gold blank", "42", "  ", -1);
        row("gold boxed expression", "2", "\\boxed{x^2}", -1);
        row("gold marked expression", "3", "many words stand before this mark 3\n#### x", -1);
        row("gold infinite", "1", "1/0", -1);
    }

    void numberEqual()
    {
        QFETCH(QString, completion);
        QFETCH(QString, gold);
        QFETCH(double, score);
        const auto got = scoreOf(
            spec("number_equal"), completion.toStdString(), { { "answer", gold.toStdString() } });
        QCOMPARE(got.value_or(-1), score);
    }

    void numberEqual_withoutGoldColumn_isUnscored()
    {
        QVERIFY(!scoreOf(spec("number_equal"), "42", { { "question", "?" } }));
        QVERIFY(!scoreOf(
            spec("number_equal", { { "field", { "solution" } } }), "42", { { "answer", "42" } }));
        QCOMPARE(scoreOf(spec("number_equal", { { "field", { "solution" } } }), "42",
                     { { "solution", "42" } }),
            1.0);
    }

    void numberEqual_parametersAct()
    {
        const Columns gold{ { "answer", "100" } };
        QCOMPARE(
            scoreOf(spec("number_equal", { { "extract", { "\\boxed{}" } } }), "100", gold), 0.0);
        QCOMPARE(scoreOf(spec("number_equal", { { "extract", { "\\\\boxed{}" } } }),
                     "\\boxed{100} 7", gold),
            1.0);
        QCOMPARE(scoreOf(spec("number_equal", { { "extract", { "last_number", "####" } } }),
                     "#### 100\n7", gold),
            0.0);
        QCOMPARE(scoreOf(spec("number_equal", { { "rel_tol", { "0.05" } } }), "104", gold), 1.0);
        QCOMPARE(scoreOf(spec("number_equal", { { "rel_tol", { "0.05" } } }), "106", gold), 0.0);
        QCOMPARE(scoreOf(spec("number_equal", { { "on", { "after_think" } } }),
                     "<think>100</think> no idea", gold),
            0.0);
        QCOMPARE(scoreOf(spec("number_equal"), "<think>100</think> no idea", gold), 1.0);
    }

    void exact_data()
    {
        QTest::addColumn<QString>("completion");
        QTest::addColumn<QString>("gold");
        QTest::addColumn<QStringList>("normalize");
        QTest::addColumn<double>("score");
        QTest::newRow("equal") << "Paris"
                               << "Paris" << QStringList() << 1.0;
        QTest::newRow("stripped by default") << " Paris\n"
                                             << "Paris" << QStringList() << 1.0;
        QTest::newRow("case matters") << "paris"
                                      << "Paris" << QStringList() << 0.0;
        QTest::newRow("lower") << "PARIS"
                               << "Paris" << QStringList{ "lower" } << 1.0;
        QTest::newRow("lower is Unicode's")
            << QString::fromUtf8("ÉCOLE") << QString::fromUtf8("école") << QStringList{ "lower" }
            << 1.0;
        QTest::newRow("lower alone does not strip") << "Paris "
                                                    << "Paris" << QStringList{ "lower" } << 0.0;
        QTest::newRow("nfkc") << QString::fromUtf8("４２ ﬁsh") << "42 fish" << QStringList{ "nfkc" }
                              << 1.0;
        QTest::newRow("composed") << QString::fromUtf8("e\u0301") << QString::fromUtf8("\u00e9")
                                  << QStringList{ "nfkc" } << 1.0;
        QTest::newRow("collapse") << "a \n\t b"
                                  << "a b" << QStringList{ "collapse_space" } << 1.0;
        QTest::newRow("after think") << "<think>Rome?</think>\nParis"
                                     << "Paris" << QStringList() << 1.0;
        QTest::newRow("thought never ends") << "<think>Paris"
                                            << "Paris" << QStringList() << 0.0;
        QTest::newRow("gold blank") << "Paris"
                                    << "" << QStringList() << -1.0;
    }

    void exact()
    {
        QFETCH(QString, completion);
        QFETCH(QString, gold);
        QFETCH(QStringList, normalize);
        QFETCH(double, score);
        Parameters parameters;
        for (const QString& one : normalize)
            parameters["normalize"].push_back(one.toStdString());
        const auto got = scoreOf(spec("exact", parameters), completion.toStdString(),
            { { "answer", gold.toStdString() } });
        QCOMPARE(got.value_or(-1), score);
    }

    void exact_onAll_seesTheThought()
    {
        const RewardTermSpec all = spec("exact", { { "on", { "all" } } });
        QCOMPARE(scoreOf(all, "<think></think>Paris", { { "answer", "Paris" } }), 0.0);
        QCOMPARE(scoreOf(all, "Paris", { { "answer", "Paris" } }), 1.0);
    }

    void regex_findsWithFlags()
    {
        const auto pattern = [](const char* text, std::vector<std::string> flags = {}) {
            Parameters parameters{ { "pattern", { text } } };
            if (!flags.empty())
                parameters["flags"] = std::move(flags);
            return spec("regex", parameters);
        };
        QCOMPARE(scoreOf(pattern("^<think>.*</think>\\s*\\S"), "<think>a\nb</think> c"), 0.0);
        QCOMPARE(
            scoreOf(pattern("^<think>.*</think>\\s*\\S", { "dotall" }), "<think>a\nb</think> c"),
            1.0);
        QCOMPARE(scoreOf(pattern("HELLO", { "ignorecase" }), "well, hello"), 1.0);
        QCOMPARE(scoreOf(pattern("^b$"), "a\nb\nc"), 0.0);
        QCOMPARE(scoreOf(pattern("^b$", { "multiline" }), "a\nb\nc"), 1.0);
        QCOMPARE(scoreOf(pattern("\\d"), "none"), 0.0);
    }

    void regex_ofExponentialPattern_isLinear()
    {
        QCOMPARE(
            scoreOf(spec("regex", { { "pattern", { "(a+)+$" } } }), repeated("a", 200000) + "b"),
            0.0);
    }

    void contains_anyAndAll()
    {
        const std::vector<std::string> fruits{ "apple", "pear" };
        QCOMPARE(scoreOf(spec("contains", { { "text", fruits } }), "a pear"), 1.0);
        QCOMPARE(
            scoreOf(spec("contains", { { "text", fruits }, { "match", { "all" } } }), "a pear"),
            0.0);
        QCOMPARE(scoreOf(spec("contains", { { "text", fruits }, { "match", { "all" } } }),
                     "apple, pear"),
            1.0);
        QCOMPARE(scoreOf(spec("contains", { { "text", fruits } }), "Apple"), 0.0);
        QCOMPARE(scoreOf(spec("contains", { { "text", fruits }, { "normalize", { "lower" } } }),
                     "Apple"),
            1.0);
        QCOMPARE(scoreOf(spec("contains"), "it is Paris.", { { "answer", "Paris" } }), 1.0);
        QCOMPARE(scoreOf(spec("contains", { { "field", { "city" } } }), "it is Paris.",
                     { { "city", "Rome" } }),
            0.0);
        QVERIFY(!scoreOf(spec("contains", { { "field", { "city" } } }), "it is Paris.",
            { { "answer", "Paris" } }));
    }

    void thinkFormat_data()
    {
        QTest::addColumn<QString>("completion");
        QTest::addColumn<double>("score");
        QTest::newRow("good") << "<think>a\nb</think>c" << 1.0;
        QTest::newRow("empty thought") << "<think></think>" << 1.0;
        QTest::newRow("not at the beginning") << " <think>a</think>c" << 0.0;
        QTest::newRow("never closed") << "<think>a" << 0.0;
        QTest::newRow("opened twice") << "<think>a<think>b</think>c" << 0.0;
        QTest::newRow("closed before it opens") << "</think><think>" << 0.0;
        QTest::newRow("none") << "c" << 0.0;
    }

    void thinkFormat()
    {
        QFETCH(QString, completion);
        QFETCH(double, score);
        QCOMPARE(scoreOf(spec("think_format"), completion.toStdString()), score);
    }

    void tagsOnce_data()
    {
        QTest::addColumn<QString>("completion");
        QTest::addColumn<double>("score");
        QTest::newRow("good") << "<think>a</think><answer>b</answer>" << 1.0;
        QTest::newRow("twice") << "<think>a</think><answer>b</answer><answer>c</answer>" << 0.0;
        QTest::newRow("missing") << "<think>a</think>b" << 0.0;
        QTest::newRow("unclosed") << "<think>a</think><answer>b" << 0.0;
        QTest::newRow("other order") << "<answer>b</answer><think>a</think>" << 0.0;
        QTest::newRow("nested") << "<think><answer>b</answer></think>" << 0.0;
        QTest::newRow("backwards") << "</think>a<think><answer>b</answer>" << 0.0;
    }

    void tagsOnce()
    {
        QFETCH(QString, completion);
        QFETCH(double, score);
        QCOMPARE(scoreOf(spec("tags_once", { { "tags", { "think", "answer" } } }),
                     completion.toStdString()),
            score);
    }

    // DAPO, equation 13, with L_max = 10 and L_cache = 4
    void overlong_isDaposPunishment()
    {
        const RewardTermSpec one = spec("overlong", { { "max", { "10" } }, { "cache", { "4" } } });
        const auto of = [&](std::size_t length) {
            return scoreOf(one, "x", {}, std::vector<std::int64_t>(length, 5));
        };
        QCOMPARE(of(1), 0.0);
        QCOMPARE(of(6), 0.0);
        QCOMPARE(of(7), -0.25);
        QCOMPARE(of(8), -0.5);
        QCOMPARE(of(10), -1.0);
        QCOMPARE(of(11), -1.0);
        QCOMPARE(of(1000), -1.0);
        QVERIFY(!of(0)); // text without tokens cannot be measured
    }

    void repetition_countsTokenNgrams()
    {
        const RewardTermSpec one
            = spec("repetition", { { "n", { "2" } }, { "max_penalty", { "-0.5" } } });
        QCOMPARE(scoreOf(one, "x", {}, { 1, 2, 3, 4 }), 0.0);
        QCOMPARE(scoreOf(one, "x", {}, { 1 }), 0.0);
        // 1 1, 1 1, 1 1: one of three is unique
        QCOMPARE(scoreOf(one, "x", {}, { 1, 1, 1, 1 }), -0.5 * (1.0 - 1.0 / 3.0));
        // 1 2, 2 1, 1 2, 2 1, 1 2: two of five
        QCOMPARE(scoreOf(one, "x", {}, { 1, 2, 1, 2, 1, 2 }), -0.5 * (1.0 - 2.0 / 5.0));
        QCOMPARE(scoreOf(spec("repetition"), "x", {}, { 7, 7, 7, 7, 7 }), -1.0 * (1.0 - 1.0 / 3.0));
    }

    void badParameters_areNamedWithWhatIsAllowed_data()
    {
        QTest::addColumn<QString>("type");
        QTest::addColumn<QString>("parameter");
        QTest::addColumn<QStringList>("value");
        QTest::addColumn<QStringList>("expected");
        const auto row = [](const char* name, const char* type, const char* parameter,
                             QStringList value, QStringList expected) {
            QTest::newRow(name) << QString(type) << QString(parameter) << value << expected;
        };
        row("unknown type", "number_equals", "", {},
            { "Did you mean number_equal?", "repetition" });
        row("no type", "", "", {}, { "type is missing", "number_equal" });
        row("unknown parameter", "overlong", "cach", { "4" },
            { "cach", "Did you mean cache?", "max" });
        row("missing max", "overlong", "cache", { "4" }, { "max is missing" });
        row("missing pattern", "regex", "flags", { "dotall" }, { "pattern is missing" });
        row("bad pattern", "regex", "pattern", { "(a" }, { "pattern", "RE2" });
        row("look-ahead", "regex", "pattern", { "(?!a)b" }, { "pattern", "no look-around" });
        row("not a number", "number_equal", "rel_tol", { "small" },
            { "rel_tol", "small", "from 0 to 1" });
        row("NaN", "number_equal", "rel_tol", { "nan" }, { "rel_tol", "from 0 to 1" });
        row("out of range", "repetition", "n", { "0" }, { "n is \"0\"", "from 1 to 64" });
        row("not whole", "repetition", "n", { "2.5" }, { "whole number" });
        row("positive penalty", "repetition", "max_penalty", { "1" }, { "max_penalty", "to 0" });
        row("unknown way", "number_equal", "extract", { "box" },
            { "extract", "\\boxed{}, ####, last_number" });
        row("unknown normalisation", "exact", "normalize", { "stripp" }, { "Did you mean strip?" });
        row("unknown part", "exact", "on", { "before_think" }, { "all, after_think" });
        row("list for one", "exact", "field", { "a", "b" }, { "field takes one value" });
        row("empty list", "tags_once", "tags", {}, { "tags is an empty list" });
        row("tag with brackets", "tags_once", "tags", { "<think>" }, { "write the names alone" });
        row("any parameter of none", "think_format", "strict", { "true" }, { "strict" });
    }

    void badParameters_areNamedWithWhatIsAllowed()
    {
        QFETCH(QString, type);
        QFETCH(QString, parameter);
        QFETCH(QStringList, value);
        QFETCH(QStringList, expected);
        RewardTermSpec one = spec(type.toStdString(), {}, 12);
        if (!parameter.isEmpty()) {
            auto& values = one.parameters[parameter.toStdString()];
            for (const QString& text : value)
                values.push_back(text.toStdString());
        }
        const auto term = makeRewardTerm(one);
        QVERIFY(!term);
        QCOMPARE(term.error().line, 12);
        QCOMPARE(term.error().key, std::string("rewards"));
        for (const QString& part : expected)
            QVERIFY2(QString::fromStdString(term.error().message).contains(part),
                term.error().message.c_str());
    }

    void overlong_cacheAboveMax_isRefused()
    {
        QVERIFY(problemOf(spec("overlong", { { "max", { "4" } }, { "cache", { "5" } } }))
                    .find("larger than max")
            != std::string::npos);
    }

    void rubric_weighsScoredTermsOnly()
    {
        RewardTermSpec right = spec("number_equal");
        right.weight = 2;
        RewardTermSpec format = spec("think_format");
        format.weight = 0.25;
        const auto rubric = Rubric::build(std::vector{ right, format });
        QVERIFY(rubric);
        Columns columns{ { "answer", "42" } };
        RewardInput input;
        input.completion = "<think></think>42";
        input.columns = &columns;
        RewardScores scores = rubric->score(input);
        QCOMPARE(scores.total, std::optional(2.25));
        columns["answer"] = "unknown";
        scores = rubric->score(input);
        QVERIFY(!scores.terms[0]);
        QCOMPARE(scores.terms[1], std::optional(1.0));
        QCOMPARE(scores.total, std::optional(0.25));
        const auto alone = Rubric::build(std::vector{ right });
        QVERIFY(!alone->score(input).total);
    }

    void rubric_findsTheAccuracyTerm()
    {
        const auto term = [](std::vector<RewardTermSpec> specs) {
            return Rubric::build(specs)->accuracyTerm();
        };
        QCOMPARE(term({ spec("think_format"), spec("contains"), spec("number_equal") }),
            std::optional<std::size_t>(2));
        QCOMPARE(term({ spec("contains"), spec("exact") }), std::optional<std::size_t>(1));
        QCOMPARE(term({ spec("think_format") }), std::nullopt);
    }

    void rubric_reportsEverythingAtOnce()
    {
        RewardTermSpec unnamed = spec("think_format", {}, 3);
        unnamed.name.clear();
        RewardTermSpec heavy = spec("exact", {}, 9);
        heavy.weight = std::numeric_limits<double>::quiet_NaN();
        const auto rubric = Rubric::build(
            std::vector{ unnamed, spec("think_format", {}, 4), spec("nonsense", {}, 5), heavy });
        QVERIFY(!rubric);
        QCOMPARE(rubric.error().size(), std::size_t{ 3 });
        QCOMPARE(rubric.error()[0].line, 4); // the second think_format
        QCOMPARE(rubric.error()[1].line, 5);
        QCOMPARE(rubric.error()[2].line, 9);
        QVERIFY(hasErrors(rubric.error()));
        QVERIFY(!Rubric::build({}));
        QCOMPARE(Rubric::build(std::vector{ unnamed })->names(),
            std::vector<std::string>{ "think_format" });
    }

    // A megabyte of anything: linear, no deep recursion, no crash. The test's time limit is the
    // bar.
    void hostileCompletions_areScored_data()
    {
        QTest::addColumn<QByteArray>("piece");
        for (const char* piece : { "\\boxed{", "}", "{", "#### ", "#", "1", "1,111", "1/",
                 "\\frac{1}{", "\\frac", "\\frac{", "1 1/2 ", "-", "-1", ".", "1.", "1e", "\\",
                 "\\\\", "<think>", "</think>", "<", "a", " ", "$", "\xff", "\xe2\x88", "x^", "{,}",
                 "\\,", "1 \\times 10^", "%", "=", "\n", "\\boxed{1}" })
            QTest::newRow(piece) << QByteArray(piece);
        QTest::newRow("NUL") << QByteArray(1, '\0');
    }

    void hostileCompletions_areScored()
    {
        QFETCH(QByteArray, piece);
        const std::string completion = repeated(
            { piece.constData(), static_cast<std::size_t>(piece.size()) }, kHostileBytes);
        const Columns columns{ { "answer", "7" } };
        const std::vector<std::int64_t> ids(1 << 16, 3);
        for (const RewardTermSpec& one : { spec("number_equal"),
                 spec("exact", { { "normalize", { "strip", "lower", "nfkc", "collapse_space" } } }),
                 spec("regex",
                     { { "pattern", { "(<think>.*)+</think>(\\s*\\S)*$" } },
                         { "flags", { "dotall" } } }),
                 spec("contains"), spec("think_format"), spec("tags_once"),
                 spec("overlong", { { "max", { "10" } } }), spec("repetition") }) {
            const auto score = scoreOf(one, completion, columns, ids);
            QVERIFY(score && std::isfinite(*score));
        }
        QCOMPARE(scoreOf(spec("number_equal"), completion + " \\boxed{7}", columns), 1.0);
        scoreOf(spec("number_equal"), "7", { { "answer", completion } });
    }
};

QTEST_GUILESS_MAIN(TestRewards)
#include "tst_rewards.moc"
