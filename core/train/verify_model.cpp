#include "core/rollout/generator.h"
#include "core/train/verify.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

namespace zen {

// B rows, T tokens, V vocabulary

namespace fs = std::filesystem;

namespace {

constexpr double kLogits = 2e-4;
constexpr double kGradients = 1e-3;

/// PEFT's names with or without the wrapper's prefix and the adapter's name.
std::string plainName(std::string name)
{
    constexpr std::string_view wrapper = "base_model.model.";
    if (name.starts_with(wrapper))
        name.erase(0, wrapper.size());
    constexpr std::string_view adapter = ".default";
    if (const auto place = name.find(adapter); place != std::string::npos)
        name.erase(place, adapter.size());
    return name;
}

Result<NamedTensors> readCase(const fs::path& path, std::initializer_list<const char*> wanted)
{
    auto tensors = readTensors(path);
    if (!tensors)
        return tensors;
    for (const char* name : wanted)
        if (!tensors->contains(name))
            return fail(path.string() + " has no tensor " + name);
    return tensors;
}

/// Values at real tokens only: what padding computes is nobody's business.
at::Tensor atTokens(const at::Tensor& values, const at::Tensor& mask_BT)
{
    return values.index({ mask_BT.to(at::kBool) });
}

at::Tensor nextTokenLogprobs(const at::Tensor& logits_BTV, const at::Tensor& ids_BT)
{
    const std::int64_t columns = ids_BT.size(1);
    return at::log_softmax(logits_BTV.narrow(1, 0, columns - 1), 2)
        .gather(2, ids_BT.narrow(1, 1, columns - 1).unsqueeze(2))
        .squeeze(2);
}

/// Logits that are all bfloat16 numbers come from bfloat16 arithmetic, which is known to a few
/// units in its last place only; our float32 arithmetic on the same weights is the more exact one.
double logitTolerance(const at::Tensor& logits)
{
    if (!logits.to(at::kBFloat16).to(at::kFloat).equal(logits))
        return kLogits;
    return logits.abs().max().item<double>() / 32;
}

Result<void> checkLogits(
    const std::string& name, const fs::path& model_folder, const fs::path& file, CaseReport& report)
{
    auto model = loadReferenceModel(model_folder);
    if (!model)
        return tl::unexpected(model.error());
    const auto tensors = readCase(file, { "input_ids", "attention_mask", "logits" });
    if (!tensors)
        return tl::unexpected(tensors.error());
    const c10::NoGradGuard no_grad;
    const at::Tensor ids_BT = tensors->at("input_ids"), mask_BT = tensors->at("attention_mask");
    std::vector<at::Tensor> layers;
    ForwardOptions forward;
    forward.layer_outputs = &layers;
    const at::Tensor hidden_BTD = model->forward(ids_BT, mask_BT, forward);
    const at::Tensor logits_BTV = model->logits(hidden_BTD);
    report.compare(name + " logits",
        largestError(atTokens(logits_BTV, mask_BT), atTokens(tensors->at("logits"), mask_BT)),
        logitTolerance(tensors->at("logits")));

    if (const auto expected = tensors->find("logprobs"); expected != tensors->end()) {
        const std::int64_t columns = ids_BT.size(1);
        const at::Tensor both
            = mask_BT.narrow(1, 1, columns - 1) * mask_BT.narrow(1, 0, columns - 1);
        report.compare(name + " log-probabilities",
            largestError(atTokens(nextTokenLogprobs(logits_BTV, ids_BT), both),
                atTokens(expected->second, both)),
            kLogits);
    }
    double hidden_error = -1;
    for (std::size_t layer = 0; layer < layers.size(); ++layer)
        if (const auto expected = tensors->find("hidden_" + std::to_string(layer));
            expected != tensors->end())
            hidden_error = std::max(hidden_error,
                largestError(
                    atTokens(layers[layer], mask_BT), atTokens(expected->second, mask_BT)));
    if (const auto last = tensors->find("hidden_last"); last != tensors->end())
        hidden_error = std::max(hidden_error,
            largestError(atTokens(hidden_BTD, mask_BT), atTokens(last->second, mask_BT)));
    if (hidden_error >= 0)
        report.compare(name + " hidden states", hidden_error, kLogits);
    return {};
}

Result<void> checkGreedy(
    const std::string& name, const fs::path& model_folder, const fs::path& file, CaseReport& report)
{
    auto model = loadReferenceModel(model_folder);
    if (!model)
        return tl::unexpected(model.error());
    const auto tensors = readCase(file, { "input_ids", "attention_mask", "sequences" });
    if (!tensors)
        return tl::unexpected(tensors.error());
    const at::Tensor ids_BT = tensors->at("input_ids"), mask_BT = tensors->at("attention_mask");
    const at::Tensor sequences = tensors->at("sequences");
    std::vector<std::vector<std::int64_t>> prompts;
    for (std::int64_t row = 0; row < ids_BT.size(0); ++row) {
        const at::Tensor real = atTokens(ids_BT[row], mask_BT[row]).contiguous();
        prompts.emplace_back(
            real.data_ptr<std::int64_t>(), real.data_ptr<std::int64_t>() + real.numel());
    }
    GenerationOptions options;
    options.sampling.temperature = 0;
    options.max_new_tokens = sequences.size(1) - ids_BT.size(1);
    options.eos_ids = model->shape().eos_ids;
    const auto completions = generate(*model, prompts, options);

    double wrong = 0;
    for (std::int64_t row = 0; row < sequences.size(0); ++row) {
        const std::vector<std::int64_t>& ids
            = completions[static_cast<std::size_t>(row)].front().ids;
        const at::Tensor expected
            = sequences[row].narrow(0, ids_BT.size(1), options.max_new_tokens).contiguous();
        for (std::int64_t t = 0; t < expected.numel(); ++t) {
            const bool written = t < static_cast<std::int64_t>(ids.size());
            const std::int64_t id = written ? ids[static_cast<std::size_t>(t)]
                                            : std::max<std::int64_t>(model->shape().pad_id, 0);
            if (id != expected.data_ptr<std::int64_t>()[t])
                ++wrong;
        }
    }
    report.compare(name + " greedy ids", wrong, 0);
    return {};
}

/// Mean NLL of the real next tokens, as transformers computes a loss with padding labelled -100: a
/// row's first token counts, predicted by the padding before it.
at::Tensor meanNll(const Qwen3& model, const at::Tensor& ids_BT, const at::Tensor& mask_BT)
{
    ForwardOptions forward;
    forward.compute_padding = true;
    const at::Tensor hidden_BTD = model.forward(ids_BT, mask_BT, forward);
    const at::Tensor next = mask_BT.narrow(1, 1, ids_BT.size(1) - 1);
    return -atTokens(nextTokenLogprobs(model.logits(hidden_BTD), ids_BT), next).mean();
}

Result<void> checkAdapter(
    const std::string& name, const fs::path& folder, const fs::path& adapter, CaseReport& report)
{
    auto model = loadReferenceAdapter(adapter);
    if (!model)
        return tl::unexpected(model.error());
    const auto tensors = readCase(
        folder / (name + "-logits.safetensors"), { "input_ids", "attention_mask", "logits" });
    if (!tensors)
        return tl::unexpected(tensors.error());
    const at::Tensor ids_BT = tensors->at("input_ids"), mask_BT = tensors->at("attention_mask");
    {
        const c10::NoGradGuard no_grad;
        const at::Tensor logits_BTV = model->logits(model->forward(ids_BT, mask_BT));
        report.compare(name + " logits",
            largestError(atTokens(logits_BTV, mask_BT), atTokens(tensors->at("logits"), mask_BT)),
            kLogits);
    }
    const fs::path grads_file = folder / (name + "-grads.safetensors");
    if (!fs::exists(grads_file))
        return {};
    const auto grads = readTensors(grads_file);
    if (!grads)
        return tl::unexpected(grads.error());
    const at::Tensor nll = meanNll(*model, ids_BT, mask_BT);
    if (const auto expected = tensors->find("nll"); expected != tensors->end())
        report.compare(name + " NLL",
            largestError(nll.detach().reshape({ 1 }), expected->second.reshape({ 1 })), kLogits);
    nll.backward();
    report.compare(name + " gradients", gradientError(*model, *grads), kGradients);
    return {};
}

} // namespace

double gradientError(const Qwen3& model, const std::map<std::string, at::Tensor>& reference)
{
    std::map<std::string, at::Tensor> expected;
    for (const auto& [name, gradient] : reference)
        expected[plainName(name)] = gradient;
    const std::vector<std::string> names = model.trainableNames();
    const std::vector<at::Tensor> parameters = model.trainableParameters();
    if (names.size() != expected.size())
        return std::numeric_limits<double>::infinity();
    double worst = 0;
    for (std::size_t index = 0; index < names.size(); ++index) {
        const auto found = expected.find(plainName(names[index]));
        if (found == expected.end() || !parameters[index].grad().defined())
            return std::numeric_limits<double>::infinity();
        worst = std::max(worst, largestRelativeError(parameters[index].grad(), found->second));
    }
    return worst;
}

void verifyModels(const fs::path& folder, CaseReport& report)
{
    for (const std::string& name : stemsOf(folder, "-logits.safetensors")) {
        // dense-logits pins dense/ and every other way of storing it that has no numbers of its own
        // (dense-sharded/).
        std::vector<std::string> models = { name };
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(folder, error)) {
            const std::string other = entry.path().filename().string();
            if (other.starts_with(name + "-") && fs::exists(entry.path() / "config.json")
                && !fs::exists(folder / (other + "-logits.safetensors")))
                models.push_back(other);
        }
        std::sort(models.begin(), models.end());
        for (const std::string& model : models) {
            if (!fs::exists(folder / model / "config.json"))
                continue;
            report.guard(model + " logits", [&] {
                return checkLogits(
                    model, folder / model, folder / (name + "-logits.safetensors"), report);
            });
        }
    }
    for (const std::string& name : stemsOf(folder, "-greedy.safetensors")) {
        if (!fs::exists(folder / name / "config.json"))
            report.fail(name + " greedy ids", "there is no model folder " + name);
        else
            report.guard(name + " greedy ids", [&] {
                return checkGreedy(
                    name, folder / name, folder / (name + "-greedy.safetensors"), report);
            });
    }
}

void verifyAdapters(const fs::path& folder, CaseReport& report)
{
    for (const std::string& name : stemsOf(folder, "-adapter"))
        if (fs::exists(folder / (name + "-adapter") / "adapter_config.json")
            && fs::exists(folder / (name + "-logits.safetensors")))
            report.guard(name + " logits",
                [&] { return checkAdapter(name, folder, folder / (name + "-adapter"), report); });
}

} // namespace zen
