#include "core/algorithm/logprobs.h"

#include <QTest>

#include <ATen/ATen.h>

using namespace zen;

namespace {

struct Case {
    at::Tensor hidden, head, targets;
};

Case randomCase(at::ScalarType head_type)
{
    auto generator = at::detail::createCPUGenerator(7);
    Case made;
    made.hidden = at::randn({ 11, 6 }, generator);
    made.head = at::randn({ 23, 6 }, generator).to(head_type);
    made.targets = at::arange(11, at::kLong).mul(2);
    return made;
}

/// The definition, in float64 with the whole [N, V] at once.
at::Tensor plainLogprobs(
    const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets, double temperature)
{
    const at::Tensor logits = at::mm(hidden, head.t()).div(temperature);
    return at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

double largest(const at::Tensor& difference)
{
    return difference.abs().max().item<double>();
}

} // namespace

class TestLogprobs : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void chunked_equalsWhole_data()
    {
        QTest::addColumn<int>("chunk");
        QTest::addColumn<double>("temperature");
        QTest::addColumn<bool>("half");
        QTest::newRow("one chunk") << 64 << 1.0 << false;
        QTest::newRow("uneven chunks") << 4 << 0.9 << false;
        QTest::newRow("single tokens") << 1 << 1.3 << false;
        QTest::newRow("bfloat16 head") << 4 << 0.7 << true;
    }

    void chunked_equalsWhole()
    {
        QFETCH(int, chunk);
        QFETCH(double, temperature);
        QFETCH(bool, half);
        const Case made = randomCase(half ? at::kBFloat16 : at::kFloat);

        const at::Tensor hidden = made.hidden.clone().requires_grad_(true);
        const at::Tensor head = half ? made.head : made.head.clone().requires_grad_(true);
        const TokenLogprobs result = tokenLogprobs(hidden, head, made.targets, temperature, chunk);
        const at::Tensor weights = at::linspace(-1, 2, 11);
        (result.logprobs_N * weights).sum().backward();

        const at::Tensor hidden64 = made.hidden.to(at::kDouble).requires_grad_(true);
        const at::Tensor head64 = made.head.to(at::kDouble).requires_grad_(true);
        const at::Tensor expected = plainLogprobs(hidden64, head64, made.targets, temperature);
        (expected * weights).sum().backward();

        QVERIFY(largest(result.logprobs_N.detach() - expected.detach()) < 1e-5);
        QVERIFY(largest(hidden.grad() - hidden64.grad()) < 1e-5);
        if (!half)
            QVERIFY(largest(head.grad() - head64.grad()) < 1e-5);

        const at::Tensor all = at::log_softmax(at::mm(hidden64, head64.t()).div(temperature), 1);
        QVERIFY(largest(result.entropies_N + (all.exp() * all).sum(1).detach()) < 1e-5);
        const at::Tensor unscaled = plainLogprobs(hidden64, head64, made.targets, 1.0);
        QVERIFY(largest(result.unscaled_logprobs_N - unscaled.detach()) < 1e-5);
        QVERIFY(!result.entropies_N.requires_grad());
    }

    void targetsOnly_givesTheSameLogprobs()
    {
        const Case made = randomCase(at::kFloat);
        const TokenLogprobs all = tokenLogprobs(made.hidden, made.head, made.targets, 0.8, 3);
        const TokenLogprobs few
            = tokenLogprobs(made.hidden, made.head, made.targets, 0.8, 3, LogprobDetail::targets);
        QVERIFY(at::equal(all.logprobs_N, few.logprobs_N));
        QVERIFY(!few.entropies_N.defined());
    }

    void frozenHead_getsNoGradient()
    {
        const Case made = randomCase(at::kFloat);
        const at::Tensor hidden = made.hidden.clone().requires_grad_(true);
        tokenLogprobs(hidden, made.head, made.targets, 1.0, 4).logprobs_N.sum().backward();
        QVERIFY(hidden.grad().defined());
        QVERIFY(!made.head.grad().defined());
    }

    void noTokens_giveEmptyTensors()
    {
        const Case made = randomCase(at::kFloat);
        const TokenLogprobs result
            = tokenLogprobs(at::empty({ 0, 6 }), made.head, at::empty({ 0 }, at::kLong), 1.0, 4);
        QCOMPARE(result.logprobs_N.numel(), 0);
    }
};

QTEST_GUILESS_MAIN(TestLogprobs)
#include "tst_logprobs.moc"
