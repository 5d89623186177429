#include "core/algorithm/policy_loss.h"
#include "core/weights/tensor_file.h"

#include <QFile>
#include <QTest>

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

using namespace zen;

namespace {

const std::string kCases = ZEN_SOURCE_DIR "/tests/reference-cases/";

LossType lossTypeOf(const std::string& name)
{
    if (name == "bnpo")
        return LossType::bnpo;
    if (name == "dr_grpo")
        return LossType::dr_grpo;
    return name == "dapo" ? LossType::dapo : LossType::grpo;
}

/// Two rows of three and two tokens; ratios at token level 1.5, 1, 0.5 | 0.5, 2.
PolicyLossInputs handMade()
{
    PolicyLossInputs inputs;
    inputs.old_logprobs_BT = at::full({ 2, 3 }, -1.0);
    const at::Tensor log_ratio
        = at::tensor({ 1.5, 1.0, 0.5, 0.5, 2.0, 1.0 }, at::kFloat).log().view({ 2, 3 });
    inputs.logprobs_BT = (inputs.old_logprobs_BT + log_ratio).detach().requires_grad_(true);
    inputs.mask_BT = at::tensor({ 1, 1, 1, 1, 1, 0 }, at::kFloat).view({ 2, 3 });
    inputs.advantages_B = at::tensor({ 1.0, -2.0 }, at::kFloat);
    return inputs;
}

const StepNormalizer kTwoRows{ 2, 5 };

bool near(double a, double b, double tolerance = 1e-5)
{
    return std::abs(a - b) <= tolerance;
}

} // namespace

class TestPolicyLoss : public QObject {
    Q_OBJECT

private Q_SLOTS:
    /// Losses and metrics of huggingface/trl for 16 settings (tests/reference-cases/README.md).
    void reference_matches()
    {
        std::ifstream file(kCases + "policy-loss.json");
        QVERIFY(file.good());
        const nlohmann::json cases = nlohmann::json::parse(file);
        const auto tensors = readTensors(kCases + "policy-loss.safetensors");
        QVERIFY2(tensors, tensors ? "" : tensors.error().message.c_str());
        QCOMPARE(cases["rows"].size(), std::size_t{ 16 });
        for (const auto& row : cases["rows"]) {
            PolicyLossSettings settings;
            settings.level = row["importance_sampling_level"] == "sequence"
                ? ImportanceLevel::sequence
                : ImportanceLevel::token;
            settings.loss_type = lossTypeOf(row["loss_type"]);
            settings.epsilon = row["epsilon"];
            settings.epsilon_high = row["epsilon_high"];
            settings.beta = row["beta"];
            settings.max_completion_length = row["max_completion_length"];
            PolicyLossInputs inputs;
            inputs.logprobs_BT = tensors->at("policy_logprobs");
            inputs.old_logprobs_BT = tensors->at("old_logprobs");
            inputs.reference_logprobs_BT = tensors->at("ref_logprobs");
            inputs.entropies_BT = tensors->at("entropies");
            inputs.mask_BT = tensors->at("completion_mask");
            inputs.advantages_B = tensors->at("advantages");
            const StepNormalizer step{ static_cast<double>(inputs.mask_BT.size(0)),
                inputs.mask_BT.sum().item<double>() };

            const PolicyLoss loss = policyLoss(inputs, settings, step);
            const std::string name = row["loss_type"].get<std::string>() + " "
                + row["importance_sampling_level"].get<std::string>();
            QVERIFY2(near(loss.loss.item<double>(), row["loss"], 1e-4), name.c_str());
            const auto metrics = policyMetrics(loss.sums);
            for (const auto& [key, value] : row["metrics"].items())
                QVERIFY2(metrics.contains(key) && near(metrics.at(key), value, 1e-4),
                    (name + " " + key).c_str());
        }
    }

    void tokenLevel_clipsEachToken()
    {
        const PolicyLossInputs inputs = handMade();
        PolicyLossSettings settings;
        settings.epsilon = 0.2;
        settings.epsilon_high = 0.2;
        const PolicyLoss loss = policyLoss(inputs, settings, kTwoRows);
        // Row 0, A = 1: min(1.5, 1.2) + 1 + 0.5 = 2.7 over 3. Row 1, A = -2: min(-1, -1.6) +
        // min(-4, -2.4) = -5.6 over 2.
        QVERIFY(near(loss.loss.item<double>(), -(2.7 / 3 - 5.6 / 2) / 2));
        loss.loss.backward();
        const at::Tensor gradient = inputs.logprobs_BT.grad();
        // -A ratio / (rows * length) where the unclipped branch counts; 0 outside the range.
        const at::Tensor expected
            = at::tensor({ 0.0, -1.0 / 6, -0.5 / 6, 0.0, 1.0, 0.0 }, at::kFloat).view({ 2, 3 });
        QVERIFY((gradient - expected).abs().max().item<double>() < 1e-6);
    }

    void sequenceLevel_weighsTokensEqually()
    {
        const PolicyLossInputs inputs = handMade();
        PolicyLossSettings settings;
        settings.level = ImportanceLevel::sequence;
        settings.epsilon = 0.5;
        settings.epsilon_high = 0.5;
        const PolicyLoss loss = policyLoss(inputs, settings, kTwoRows);
        const double first = std::cbrt(1.5 * 1.0 * 0.5);
        QVERIFY(near(loss.loss.item<double>(), -(first - 2.0) / 2));
        loss.loss.backward();
        const double each = -first / (2 * 3);
        const at::Tensor expected
            = at::tensor({ each, each, each, 0.5, 0.5, 0.0 }, at::kFloat).view({ 2, 3 });
        QVERIFY((inputs.logprobs_BT.grad() - expected).abs().max().item<double>() < 1e-6);
    }

    void ratioOutsideClip_givesNoGradient()
    {
        PolicyLossInputs inputs = handMade();
        inputs.advantages_B = at::tensor({ 1.0, 1.0 }, at::kFloat);
        inputs.logprobs_BT = (inputs.old_logprobs_BT + 1).detach().requires_grad_(true);
        for (const ImportanceLevel level : { ImportanceLevel::token, ImportanceLevel::sequence }) {
            PolicyLossSettings settings;
            settings.level = level;
            inputs.logprobs_BT.mutable_grad() = at::Tensor();
            policyLoss(inputs, settings, kTwoRows).loss.backward();
            QCOMPARE(inputs.logprobs_BT.grad().abs().max().item<double>(), 0.0);
        }
    }

    void onPolicy_ratioIsOneAndGradientRemains()
    {
        PolicyLossInputs inputs = handMade();
        inputs.old_logprobs_BT = at::Tensor();
        const PolicyLoss loss = policyLoss(inputs, {}, kTwoRows);
        QVERIFY(near(loss.loss.item<double>(), -(1.0 - 2.0) / 2));
        loss.loss.backward();
        QVERIFY(near(inputs.logprobs_BT.grad()[1][0].item<double>(), 2.0 / (2 * 2)));
    }

    void delta_capsTheNegativeBranch()
    {
        const PolicyLossInputs inputs = handMade();
        PolicyLossSettings settings;
        settings.delta = 1.6;
        const PolicyLoss loss = policyLoss(inputs, settings, kTwoRows);
        // As tokenLevel_clipsEachToken, but the ratio 2 counts as 1.6: min(-3.2, -2.4).
        QVERIFY(near(loss.loss.item<double>(), -(2.7 / 3 - (1.6 + 3.2) / 2) / 2));
    }

    void beta_addsK3()
    {
        PolicyLossInputs inputs = handMade();
        inputs.reference_logprobs_BT = (inputs.logprobs_BT.detach() + 0.3).detach();
        PolicyLossSettings settings;
        settings.beta = 0;
        const double without = policyLoss(inputs, settings, kTwoRows).loss.item<double>();
        settings.beta = 0.1;
        const PolicyLoss with = policyLoss(inputs, settings, kTwoRows);
        const double k3 = std::exp(0.3) - 0.3 - 1;
        QVERIFY(near(with.loss.item<double>() - without, 0.1 * k3));
        QVERIFY(near(policyMetrics(with.sums).at("kl"), k3));
    }

    void microBatches_addUpToTheWhole_data()
    {
        QTest::addColumn<int>("type");
        QTest::newRow("grpo") << static_cast<int>(LossType::grpo);
        QTest::newRow("dr_grpo") << static_cast<int>(LossType::dr_grpo);
        QTest::newRow("dapo") << static_cast<int>(LossType::dapo);
    }

    void microBatches_addUpToTheWhole()
    {
        QFETCH(int, type);
        const PolicyLossInputs whole = handMade();
        PolicyLossSettings settings;
        settings.loss_type = static_cast<LossType>(type);
        settings.max_completion_length = 4;
        const PolicyLoss together = policyLoss(whole, settings, kTwoRows);
        double parts = 0;
        std::map<std::string, double> sums;
        for (std::int64_t row = 0; row < 2; ++row) {
            PolicyLossInputs part;
            part.logprobs_BT = whole.logprobs_BT.narrow(0, row, 1);
            part.old_logprobs_BT = whole.old_logprobs_BT.narrow(0, row, 1);
            part.mask_BT = whole.mask_BT.narrow(0, row, 1);
            part.advantages_B = whole.advantages_B.narrow(0, row, 1);
            const PolicyLoss loss = policyLoss(part, settings, kTwoRows);
            parts += loss.loss.item<double>();
            addSums(sums, loss.sums);
        }
        QVERIFY(near(parts, together.loss.item<double>(), 1e-6));
        const auto expected = policyMetrics(together.sums);
        for (const auto& [key, value] : policyMetrics(sums))
            QVERIFY2(near(value, expected.at(key), 1e-6), key.c_str());
    }

    void allMasked_givesZeroLossAndGradient()
    {
        PolicyLossInputs inputs = handMade();
        inputs.mask_BT = at::zeros({ 2, 3 });
        for (const LossType type :
            { LossType::grpo, LossType::bnpo, LossType::dr_grpo, LossType::dapo }) {
            PolicyLossSettings settings;
            settings.loss_type = type;
            settings.max_completion_length = 4;
            inputs.logprobs_BT.mutable_grad() = at::Tensor();
            const PolicyLoss loss = policyLoss(inputs, settings, { 2, 0 });
            QCOMPARE(loss.loss.item<double>(), 0.0);
            loss.loss.backward();
            QCOMPARE(inputs.logprobs_BT.grad().abs().max().item<double>(), 0.0);
        }
    }

    void clipMetrics_countTheSideThatClips()
    {
        PolicyLossSettings settings;
        const auto metrics = policyMetrics(policyLoss(handMade(), settings, kTwoRows).sums);
        // High: ratio 1.5 of row 0. Low: ratio 0.5 of row 1 (A < 0). Five active tokens.
        QVERIFY(near(metrics.at("clip_ratio/high_mean"), 1.0 / 5));
        QVERIFY(near(metrics.at("clip_ratio/low_mean"), 1.0 / 5));
        QVERIFY(near(metrics.at("clip_ratio/region_mean"), 2.0 / 5));
        QVERIFY(near(metrics.at("clip_ratio/high_max"), 1.0 / 3));
        QVERIFY(near(metrics.at("clip_ratio/low_min"), 0.0));
    }
};

QTEST_GUILESS_MAIN(TestPolicyLoss)
#include "tst_policy_loss.moc"
