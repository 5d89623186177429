#include "core/algorithm/policy_loss.h"
#include "core/base/durable_file.h"
#include "core/train/policy.h"
#include "core/train/verify.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zen {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr double kLoss = 1e-4;
constexpr double kLossGradients = 1e-3;

std::vector<std::int64_t> realIds(const at::Tensor& ids_T, const at::Tensor& mask_T)
{
    const at::Tensor real = ids_T.index({ mask_T.to(at::kBool) }).contiguous();
    return { real.data_ptr<std::int64_t>(), real.data_ptr<std::int64_t>() + real.numel() };
}

std::vector<float> realValues(const at::Tensor& values_T, const at::Tensor& mask_T)
{
    const at::Tensor real = values_T.index({ mask_T.to(at::kBool) }).contiguous();
    return { real.data_ptr<float>(), real.data_ptr<float>() + real.numel() };
}

std::vector<RolloutRow> rowsOf(const NamedTensors& tensors)
{
    const at::Tensor& completion_mask = tensors.at("completion_mask");
    std::vector<RolloutRow> rows;
    for (std::int64_t index = 0; index < completion_mask.size(0); ++index) {
        RolloutRow row;
        row.prompt_ids = realIds(tensors.at("prompt_ids")[index], tensors.at("prompt_mask")[index]);
        row.completion_ids = realIds(tensors.at("completion_ids")[index], completion_mask[index]);
        row.old_logprobs = realValues(tensors.at("old_logprobs")[index], completion_mask[index]);
        row.reference_logprobs
            = realValues(tensors.at("ref_logprobs")[index], completion_mask[index]);
        row.advantage = tensors.at("advantages")[index].item<double>();
        rows.push_back(std::move(row));
    }
    return rows;
}

PolicyLossSettings settingsOf(const json& row)
{
    PolicyLossSettings settings;
    settings.level = row.at("importance_sampling_level") == "sequence" ? ImportanceLevel::sequence
                                                                       : ImportanceLevel::token;
    const std::string type = row.at("loss_type");
    settings.loss_type = type == "bnpo" ? LossType::bnpo
        : type == "dr_grpo"             ? LossType::dr_grpo
        : type == "dapo"                ? LossType::dapo
                                        : LossType::grpo;
    settings.epsilon = row.at("epsilon");
    settings.epsilon_high = row.at("epsilon_high");
    settings.beta = row.at("beta");
    settings.delta
        = row.contains("delta") && row["delta"].is_number() ? row["delta"].get<double>() : 0;
    settings.max_completion_length = row.at("max_completion_length");
    return settings;
}

/// The pieces of one setting's pass: model, rows, temperature.
class PolicyLossCheck {
public:
    PolicyLossCheck(Qwen3 model, std::vector<RolloutRow> rows)
        : m_model(std::move(model))
        , m_rows(std::move(rows))
    {
        for (const RolloutRow& row : m_rows)
            m_pointers.push_back(&row);
        m_batch = batchOf(m_pointers);
    }

    PolicyLoss run(const PolicyLossSettings& settings, double temperature)
    {
        for (at::Tensor parameter : m_model.trainableParameters())
            parameter.mutable_grad() = at::Tensor();
        const TokenLogprobs scored
            = scoreTargets(m_model, m_batch, {}, temperature, 7, LogprobDetail::all);
        PolicyLossInputs inputs;
        inputs.logprobs_BT = toRectangle(scored.logprobs_N, m_pointers);
        inputs.entropies_BT = toRectangle(scored.entropies_N, m_pointers);
        inputs.mask_BT = completionMask(m_pointers);
        inputs.advantages_B = advantagesOf(m_pointers);
        inputs.old_logprobs_BT = rectangleOf(m_pointers, &RolloutRow::old_logprobs);
        inputs.reference_logprobs_BT = rectangleOf(m_pointers, &RolloutRow::reference_logprobs);
        const StepNormalizer step{ static_cast<double>(m_rows.size()),
            inputs.mask_BT.sum().item<double>() };
        PolicyLoss loss = policyLoss(inputs, settings, step);
        loss.loss.backward();
        return loss;
    }

    double gradientNorm() const
    {
        double squares = 0;
        for (const at::Tensor& parameter : m_model.trainableParameters())
            if (parameter.grad().defined())
                squares += parameter.grad().to(at::kDouble).pow(2).sum().item<double>();
        return std::sqrt(squares);
    }

    const Qwen3& model() const { return m_model; }

private:
    Qwen3 m_model;
    std::vector<RolloutRow> m_rows;
    std::vector<const RolloutRow*> m_pointers;
    TokenBatch m_batch;
};

Result<void> checkSetting(const std::string& name, const fs::path& grads_file, const json& row,
    PolicyLossCheck& check, CaseReport& report)
{
    const PolicyLoss loss = check.run(settingsOf(row), row.value("temperature", 1.0));
    double error = std::abs(loss.loss.item<double>() - row.at("loss").get<double>());
    const auto metrics = policyMetrics(loss.sums);
    if (row.contains("metrics"))
        for (const auto& [key, expected] : row["metrics"].items())
            error = metrics.contains(key)
                ? std::max(error, std::abs(metrics.at(key) - expected.get<double>()))
                : std::numeric_limits<double>::infinity();
    report.compare(name, error, kLoss);

    double gradient_error = 0;
    if (row.contains("grad_norm")) {
        const double expected = row["grad_norm"];
        gradient_error = std::abs(check.gradientNorm() - expected) / std::max(expected, 1e-12);
    }
    if (fs::exists(grads_file)) {
        const auto grads = readTensors(grads_file);
        if (!grads)
            return tl::unexpected(grads.error());
        gradient_error = std::max(gradient_error, gradientError(check.model(), *grads));
    }
    report.compare(name + " gradients", gradient_error, kLossGradients);
    return {};
}

Result<void> checkFile(const std::string& stem, const fs::path& folder, CaseReport& report)
{
    const auto text = readFile(folder / (stem + ".json"));
    if (!text)
        return tl::unexpected(text.error());
    const json cases = json::parse(*text);
    const auto tensors = readTensors(folder / (stem + ".safetensors"));
    if (!tensors)
        return tl::unexpected(tensors.error());
    auto model = loadReferenceAdapter(folder / "lora-adapter");
    if (!model)
        return tl::unexpected(model.error());
    PolicyLossCheck check(std::move(*model), rowsOf(*tensors));
    std::size_t index = 0;
    for (const json& row : cases.at("rows")) {
        const std::string name = fmt::format("{} {} ({} level, {}, beta {})", stem, index,
            row.at("importance_sampling_level").get<std::string>(),
            row.at("loss_type").get<std::string>(), row.at("beta").get<double>());
        const fs::path grads = folder / fmt::format("{}-grads-{}.safetensors", stem, index);
        report.guard(name, [&] { return checkSetting(name, grads, row, check, report); });
        ++index;
    }
    return {};
}

} // namespace

void verifyPolicyLosses(const fs::path& folder, CaseReport& report)
{
    for (const std::string& stem : stemsOf(folder, ".json"))
        if (stem.starts_with("policy-loss") && fs::exists(folder / (stem + ".safetensors")))
            report.guard(stem, [&] { return checkFile(stem, folder, report); });
}

} // namespace zen
