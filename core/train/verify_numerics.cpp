#include "core/base/durable_file.h"
#include "core/model/nf4.h"
#include "core/rollout/sampling.h"
#include "core/text/chat_template.h"
#include "core/text/tokenizer.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"
#include "core/train/verify.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace zen {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr double kProbabilities = 1e-5;
constexpr double kExact = 1e-6;

/// How the AdamW cases were made: PyTorch's defaults but for the rate, clipped at norm 1.
constexpr double kAdamRate = 1e-2;
constexpr double kAdamDecay = 1e-2;

Result<json> readJson(const fs::path& path)
{
    const auto text = readFile(path);
    if (!text)
        return tl::unexpected(text.error());
    json parsed = json::parse(*text, nullptr, false);
    if (parsed.is_discarded())
        return fail(path.string() + " is not JSON");
    return parsed;
}

Result<void> checkSampling(const fs::path& folder, CaseReport& report)
{
    const auto cases = readJson(folder / "sampling.json");
    if (!cases)
        return tl::unexpected(cases.error());
    const auto tensors = readTensors(folder / "sampling.safetensors");
    if (!tensors)
        return tl::unexpected(tensors.error());
    for (std::size_t index = 0; index < cases->size(); ++index) {
        const json& row = (*cases)[index];
        SamplingOptions options;
        options.temperature = row.at("temperature");
        options.top_k = row.at("top_k");
        options.top_p = row.at("top_p");
        options.min_p = row.at("min_p");
        const at::Tensor ours = filteredProbabilities(tensors->at("logits"), options);
        report.compare(fmt::format("sampling {} (temperature {}, top_k {}, top_p {}, min_p {})",
                           index, options.temperature, options.top_k, options.top_p, options.min_p),
            largestError(ours, tensors->at("probs_" + std::to_string(index))), kProbabilities);
    }
    return {};
}

std::optional<SchedulerType> schedulerNamed(const std::string& name)
{
    if (name == "linear")
        return SchedulerType::linear;
    if (name == "cosine")
        return SchedulerType::cosine;
    if (name == "cosine_with_min_lr")
        return SchedulerType::cosine_with_min_lr;
    if (name == "constant")
        return SchedulerType::constant;
    if (name == "constant_with_warmup")
        return SchedulerType::constant_with_warmup;
    return std::nullopt;
}

Result<void> checkSchedules(const fs::path& folder, CaseReport& report)
{
    const auto cases = readJson(folder / "schedules.json");
    if (!cases)
        return tl::unexpected(cases.error());
    for (const auto& [name, rates] : cases->at("learning_rate").items()) {
        const auto type = schedulerNamed(name);
        if (!type) {
            report.skip("schedule " + name, "needs a schedule that this version does not have");
            continue;
        }
        Schedule schedule;
        schedule.type = *type;
        schedule.peak = cases->at("peak");
        schedule.warmup_steps = cases->at("warmup_steps");
        schedule.total_steps = cases->at("total_steps");
        schedule.min_lr_rate = cases->value("min_lr_rate", schedule.min_lr_rate);
        double error = 0;
        for (std::size_t step = 0; step < rates.size(); ++step)
            error = std::max(error,
                std::abs(learningRate(schedule, static_cast<std::int64_t>(step))
                    - rates[step].get<double>()));
        report.compare("schedule " + name, error / schedule.peak, kExact);
    }
    return {};
}

Result<void> checkAdamw(const fs::path& folder, CaseReport& report)
{
    const auto tensors = readTensors(folder / "adamw.safetensors");
    if (!tensors)
        return tl::unexpected(tensors.error());
    OptimizerSection section;
    section.weight_decay = kAdamDecay;
    section.max_grad_norm = 1;
    at::Tensor parameter = tensors->at("start").clone().requires_grad_(true);
    Optimizer optimizer({ parameter }, section);
    double error = 0, norm_error = 0;
    int step = 0;
    for (; tensors->contains("grad_" + std::to_string(step)); ++step) {
        const std::string index = std::to_string(step);
        {
            const c10::NoGradGuard no_grad;
            parameter.mutable_grad().copy_(tensors->at("grad_" + index));
        }
        const double norm = optimizer.gradientNorm();
        if (const auto expected = tensors->find("norm_" + index); expected != tensors->end())
            norm_error = std::max(norm_error, std::abs(norm / expected->second.item<double>() - 1));
        optimizer.step(kAdamRate, norm);
        error = std::max(error, largestError(parameter.detach(), tensors->at("after_" + index)));
    }
    report.compare(fmt::format("AdamW, {} steps", step), std::max(error, norm_error), kExact);
    return {};
}

Result<void> checkNf4(const fs::path& folder, CaseReport& report)
{
    const fs::path file = folder / "nf4.safetensors";
    const auto tensors = readTensors(file);
    if (!tensors)
        return tl::unexpected(tensors.error());
    for (const char* name : { "weight", "packed", "absmax", "dequantised" })
        if (!tensors->contains(name))
            return fail(file.string() + " has no tensor " + name);
    const auto matrix = packNf4(tensors->at("weight"), {});
    const at::Tensor codes = tensors->at("packed").reshape({ -1 });
    const double wrong = codes.sizes() == matrix->codes.sizes()
        ? codes.ne(matrix->codes).sum().item<double>()
        : static_cast<double>(codes.numel());
    report.compare(fmt::format("NF4 packing, {} bytes", codes.numel()), wrong, 0);
    report.compare("NF4 scales", largestError(matrix->scales, tensors->at("absmax")), 0);
    report.compare("NF4 numbers", largestError(unpackNf4(*matrix), tensors->at("dequantised")), 0);
    return {};
}

Result<void> checkTokenizer(
    const fs::path& folder, const fs::path& tokenizer_json, CaseReport& report)
{
    const auto cases = readJson(folder / "tokenizer.json");
    if (!cases)
        return tl::unexpected(cases.error());
    const auto tokenizer = Tokenizer::load(tokenizer_json);
    if (!tokenizer)
        return tl::unexpected(tokenizer.error());
    double wrong = 0;
    std::string first;
    for (const json& row : *cases) {
        const std::string text = row.at("text");
        const std::vector<TokenId> expected = row.at("ids");
        const bool right = tokenizer->encode(text) == expected
            && tokenizer->decode(expected) == row.at("decoded").get<std::string>();
        if (!right && first.empty())
            first = "first wrong text: " + row.at("text").dump();
        wrong += right ? 0 : 1;
    }
    report.compare(fmt::format("tokenizer, {} texts", cases->size()), wrong, 0, first);
    return {};
}

Message messageOf(const json& row)
{
    Message message;
    message.role = row.at("role");
    message.content
        = row.value("content", json()).is_string() ? row["content"].get<std::string>() : "";
    if (row.contains("reasoning_content") && row["reasoning_content"].is_string())
        message.reasoning_content = row["reasoning_content"].get<std::string>();
    if (row.contains("tool_calls") && row["tool_calls"].is_array())
        for (const json& call : row["tool_calls"]) {
            const json& function = call.contains("function") ? call["function"] : call;
            const json& arguments = function.at("arguments");
            message.tool_calls.push_back({ function.at("name"),
                arguments.is_string() ? arguments.get<std::string>() : arguments.dump() });
        }
    return message;
}

Result<void> checkChat(const fs::path& folder, CaseReport& report)
{
    const auto cases = readJson(folder / "chat.json");
    if (!cases)
        return tl::unexpected(cases.error());
    double wrong = 0;
    std::string first;
    for (std::size_t index = 0; index < cases->size(); ++index) {
        const json& row = (*cases)[index];
        std::vector<Message> messages;
        for (const json& message : row.at("messages"))
            messages.push_back(messageOf(message));
        ChatOptions options;
        options.add_generation_prompt = row.value("add_generation_prompt", true);
        options.enable_thinking = row.value("enable_thinking", true);
        if (row.contains("tools") && row["tools"].is_array())
            for (const json& tool : row["tools"])
                options.tools_json.push_back(tool.dump());
        const bool right = renderChat(messages, options) == row.at("text").get<std::string>();
        if (!right && first.empty())
            first = fmt::format("first wrong prompt: number {}", index);
        wrong += right ? 0 : 1;
    }
    report.compare(fmt::format("chat template, {} prompts", cases->size()), wrong, 0, first);
    return {};
}

} // namespace

void verifyNumerics(const fs::path& folder, CaseReport& report)
{
    if (fs::exists(folder / "sampling.json") && fs::exists(folder / "sampling.safetensors"))
        report.guard("sampling", [&] { return checkSampling(folder, report); });
    if (fs::exists(folder / "schedules.json"))
        report.guard("schedules", [&] { return checkSchedules(folder, report); });
    if (fs::exists(folder / "adamw.safetensors"))
        report.guard("AdamW", [&] { return checkAdamw(folder, report); });
    if (fs::exists(folder / "nf4.safetensors"))
        report.guard("NF4", [&] { return checkNf4(folder, report); });
}

void verifyText(const fs::path& folder, const fs::path& tokenizer_json, CaseReport& report)
{
    const bool has_cases = fs::exists(folder / "tokenizer.json");
    if (has_cases && !fs::exists(tokenizer_json))
        report.skip("tokenizer",
            "needs Qwen3's tokenizer.json (--tokenizer FILE); there is none at "
                + tokenizer_json.string());
    else if (has_cases)
        report.guard("tokenizer", [&] { return checkTokenizer(folder, tokenizer_json, report); });
    if (fs::exists(folder / "chat.json"))
        report.guard("chat template", [&] { return checkChat(folder, report); });
}

} // namespace zen
