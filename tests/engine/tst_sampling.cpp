#include "core/rollout/sampling.h"
#include "reference_case.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <set>

using namespace zen;
using namespace reference;

namespace {

std::vector<NoiseKey> keysFor(std::int64_t rows, std::uint64_t step)
{
    std::vector<NoiseKey> keys;
    for (std::int64_t row = 0; row < rows; ++row)
        keys.push_back({ 1, step, static_cast<std::uint64_t>(row), 0 });
    return keys;
}

/// Shares of each id over `rounds` draws for the same logits.
at::Tensor sharesOf(
    const at::Tensor& logits_V, const SamplingOptions& options, std::int64_t limit, int rounds)
{
    const at::Tensor rows = logits_V.unsqueeze(0).expand({ 1000, logits_V.size(0) });
    std::vector<float> counts(static_cast<std::size_t>(logits_V.size(0)), 0.0f);
    for (int round = 0; round < rounds; ++round) {
        for (const std::int64_t id :
            sampleTokens(rows, options, keysFor(1000, static_cast<std::uint64_t>(round)), limit)
                .ids)
            counts[static_cast<std::size_t>(id)] += 1.0f / (1000.0f * static_cast<float>(rounds));
    }
    return at::tensor(counts);
}

} // namespace

class TestSampling : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void filteredDistribution_matchesReference();
    void topK_keepsTies();
    void filters_keepAtLeastOne();
    void topP_overLargeVocabulary_matchesFullSort();
    void draws_followTheDistribution_data();
    void draws_followTheDistribution();
    void logprobs_areOfTheUnfilteredDistribution();
    void draws_dependOnTheKeyAlone();
    void zeroTemperature_isGreedy();
    void limitedIds_areNeverDrawn();
    void uniform_isUniform();
};

void TestSampling::filteredDistribution_matchesReference()
{
    const NamedTensors expected = tensors("sampling");
    std::ifstream file(folder() / "sampling.json");
    const nlohmann::json settings = nlohmann::json::parse(file);
    QCOMPARE(settings.size(), std::size_t{ 6 });
    for (std::size_t i = 0; i < settings.size(); ++i) {
        SamplingOptions options;
        options.temperature = settings[i]["temperature"];
        options.top_k = settings[i]["top_k"];
        options.top_p = settings[i]["top_p"];
        options.min_p = settings[i]["min_p"];
        const at::Tensor& wanted = expected.at("probs_" + std::to_string(i));
        const at::Tensor got = filteredProbabilities(expected.at("logits"), options);
        QVERIFY(largestError(got, wanted) < 1e-6);
        QVERIFY((got > 0).equal(wanted > 0));
    }
}

void TestSampling::topK_keepsTies()
{
    SamplingOptions options;
    options.top_k = 2;
    const at::Tensor got
        = filteredProbabilities(at::tensor({ 1.0f, 3.0f, 2.0f, 2.0f, 0.0f }).unsqueeze(0), options);
    QVERIFY((got[0] > 0).equal(at::tensor({ 0, 1, 1, 1, 0 }).to(at::kBool)));
}

void TestSampling::filters_keepAtLeastOne()
{
    const at::Tensor flat = at::zeros({ 1, 7 });
    SamplingOptions top_p, min_p;
    top_p.top_p = 1e-9;
    min_p.min_p = 1.0;
    QCOMPARE(
        (filteredProbabilities(flat, top_p) > 0).sum().item<std::int64_t>(), std::int64_t{ 1 });
    QVERIFY((filteredProbabilities(flat, min_p) > 0).sum().item<std::int64_t>() >= 1);
    const at::Tensor spiked = at::tensor({ 0.0f, 5.0f, 1.0f }).unsqueeze(0);
    QCOMPARE(
        (filteredProbabilities(spiked, min_p) > 0).sum().item<std::int64_t>(), std::int64_t{ 1 });
}

void TestSampling::topP_overLargeVocabulary_matchesFullSort()
{
    const at::Tensor logits = at::randn({ 2, 20000 });
    SamplingOptions options;
    options.top_p = 0.9;
    const at::Tensor got = filteredProbabilities(logits, options);
    const auto [sorted, order] = logits.to(at::kDouble).softmax(-1).sort(-1, true);
    const at::Tensor before = sorted.cumsum(-1) - sorted; // kept while what comes before is below p
    const at::Tensor kept = at::zeros_like(logits).scatter(1, order, (before < 0.9).to(at::kFloat));
    QVERIFY(((got > 0).to(at::kFloat) - kept).abs().sum().item<double>()
        <= 2); // rounding at the boundary
}

void TestSampling::draws_followTheDistribution_data()
{
    QTest::addColumn<double>("temperature");
    QTest::addColumn<double>("top_p");
    QTest::addColumn<int>("top_k");
    QTest::newRow("plain") << 1.0 << 1.0 << 0;
    QTest::newRow("cold") << 0.5 << 1.0 << 0;
    QTest::newRow("top-p") << 1.0 << 0.8 << 0;
    QTest::newRow("top-k") << 1.5 << 1.0 << 4;
}

void TestSampling::draws_followTheDistribution()
{
    QFETCH(double, temperature);
    QFETCH(double, top_p);
    QFETCH(int, top_k);
    SamplingOptions options;
    options.temperature = temperature;
    options.top_p = top_p;
    options.top_k = top_k;
    const at::Tensor logits = tensors("sampling").at("logits")[0];
    const at::Tensor wanted = filteredProbabilities(logits.unsqueeze(0), options)[0];
    const at::Tensor shares = sharesOf(logits, options, 0, 40);
    // 40,000 draws: five standard deviations of each share
    QVERIFY(((shares - wanted).abs() <= 5.0 * (wanted * (1.0 - wanted) / 40000.0).sqrt() + 1e-6)
                .all()
                .item<bool>());
}

void TestSampling::logprobs_areOfTheUnfilteredDistribution()
{
    SamplingOptions options;
    options.temperature = 0.7;
    options.top_k = 5;
    const at::Tensor logits = tensors("sampling").at("logits");
    const SampledTokens drawn = sampleTokens(logits, options, keysFor(4, 0), 0);
    const at::Tensor wanted = (logits / 0.7).log_softmax(-1);
    for (std::int64_t row = 0; row < 4; ++row) {
        const auto i = static_cast<std::size_t>(row);
        QVERIFY(std::abs(drawn.logprobs[i] - wanted[row][drawn.ids[i]].item<float>()) < 1e-5f);
    }
}

void TestSampling::draws_dependOnTheKeyAlone()
{
    const at::Tensor logits = at::randn({ 32, 700 });
    const std::vector<NoiseKey> keys = keysFor(32, 3);
    const std::vector<std::int64_t> all = sampleTokens(logits, {}, keys, 0).ids;
    std::set<std::int64_t> different(all.begin(), all.end());
    QVERIFY(different.size() > 20);
    for (std::int64_t row = 0; row < 32; ++row) {
        const auto i = static_cast<std::size_t>(row);
        QCOMPARE(sampleTokens(logits.narrow(0, row, 1), {}, { keys[i] }, 0).ids[0], all[i]);
    }
    QVERIFY(sampleTokens(logits, {}, keysFor(32, 4), 0).ids != all);
}

void TestSampling::zeroTemperature_isGreedy()
{
    SamplingOptions options;
    options.temperature = 0;
    const at::Tensor logits = at::randn({ 5, 333 });
    const SampledTokens drawn = sampleTokens(logits, options, keysFor(5, 0), 0);
    const at::Tensor best = logits.argmax(-1), logprobs = logits.log_softmax(-1);
    for (std::int64_t row = 0; row < 5; ++row) {
        const auto i = static_cast<std::size_t>(row);
        QCOMPARE(drawn.ids[i], best[row].item<std::int64_t>());
        QVERIFY(std::abs(drawn.logprobs[i] - logprobs[row][drawn.ids[i]].item<float>()) < 1e-5f);
    }
}

void TestSampling::limitedIds_areNeverDrawn()
{
    at::Tensor logits = at::zeros({ 1, 600 });
    logits.narrow(1, 550, 50).fill_(20.0);
    for (const double temperature : { 0.0, 1.0 }) {
        SamplingOptions options;
        options.temperature = temperature;
        for (const std::int64_t id :
            sampleTokens(logits.expand({ 200, 600 }), options, keysFor(200, 0), 550).ids)
            QVERIFY(id < 550);
    }
    // the logprob counts them all the same: e^0 / (550 + 50 e^20)
    const SampledTokens drawn = sampleTokens(logits, {}, keysFor(1, 0), 550);
    QVERIFY(std::abs(drawn.logprobs[0] + std::log(550.0 + 50.0 * std::exp(20.0))) < 1e-4);
}

void TestSampling::uniform_isUniform()
{
    double sum = 0, squares = 0;
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const double u = uniform({ 5, i / 5000, i % 5000 / 100, i % 100 }, 0);
        QVERIFY(u > 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    QVERIFY(std::abs(sum / 20000 - 0.5) < 0.01);
    QVERIFY(std::abs(squares / 20000 - 1.0 / 3.0) < 0.01);
}

QTEST_GUILESS_MAIN(TestSampling)
#include "tst_sampling.moc"
