#include "core/train/verify.h"

#include "core/base/durable_file.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepest = 4;

bool verifyBelow(const fs::path& folder, const std::string& prefix, const fs::path& tokenizer_json,
    const std::function<void(const VerifyCase&)>& on_case, int depth)
{
    CaseReport report(prefix, on_case);
    verifyModels(folder, report);
    verifyAdapters(folder, report);
    verifyPolicyLosses(folder, report);
    verifyNumerics(folder, report);
    verifyText(folder, tokenizer_json, report);
    bool any = report.any();
    if (depth >= kDeepest)
        return any;
    std::vector<fs::path> inner;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.is_directory(error) && !fs::exists(entry.path() / "config.json")
            && !fs::exists(entry.path() / "adapter_config.json"))
            inner.push_back(entry.path());
    std::sort(inner.begin(), inner.end());
    for (const fs::path& path : inner)
        any |= verifyBelow(
            path, prefix + path.filename().string() + "/", tokenizer_json, on_case, depth + 1);
    return any;
}

} // namespace

void CaseReport::give(VerifyCase one)
{
    m_any = true;
    one.name = m_prefix + one.name;
    m_on_case(one);
}

void CaseReport::compare(
    const std::string& name, double error, double tolerance, std::string detail)
{
    VerifyCase one;
    one.name = name;
    one.outcome = error <= tolerance ? VerifyCase::Outcome::passed : VerifyCase::Outcome::failed;
    one.largest_error = error;
    one.tolerance = tolerance;
    one.detail = std::move(detail);
    give(std::move(one));
}

void CaseReport::fail(const std::string& name, std::string detail)
{
    VerifyCase one;
    one.name = name;
    one.outcome = VerifyCase::Outcome::failed;
    one.largest_error = std::numeric_limits<double>::infinity();
    one.detail = std::move(detail);
    give(std::move(one));
}

void CaseReport::skip(const std::string& name, std::string reason)
{
    VerifyCase one;
    one.name = name;
    one.outcome = VerifyCase::Outcome::skipped;
    one.detail = std::move(reason);
    give(std::move(one));
}

void CaseReport::guard(const std::string& name, const std::function<Result<void>()>& check)
{
    try {
        if (auto done = check(); !done)
            fail(name, done.error().message);
    } catch (const c10::Error& error) {
        fail(name, error.what_without_backtrace());
    } catch (const std::exception& error) {
        fail(name, error.what());
    }
}

Result<void> verifyFolder(const fs::path& folder, const fs::path& tokenizer_json,
    const std::function<void(const VerifyCase&)>& on_case)
{
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return fail(folder.string() + " is not a folder");
    const fs::path tokenizer = tokenizer_json.empty()
        ? fs::absolute(folder).lexically_normal() / "../data/qwen3-tokenizer/tokenizer.json"
        : fs::is_directory(tokenizer_json, error) ? tokenizer_json / "tokenizer.json"
                                                  : tokenizer_json;
    if (!verifyBelow(folder, "", tokenizer, on_case, 0))
        return fail(folder.string() + " holds no reference case (see tests/reference-cases)");
    return {};
}

Result<Qwen3> loadReferenceModel(const fs::path& folder)
{
    auto checkpoint = openCheckpoint(folder);
    if (!checkpoint)
        return tl::unexpected(checkpoint.error());
    return Qwen3::load(*checkpoint, {});
}

Result<Qwen3> loadReferenceAdapter(const fs::path& adapter)
{
    const auto text = readFile(adapter / "adapter_config.json");
    if (!text)
        return tl::unexpected(text.error());
    const auto config = nlohmann::json::parse(*text, nullptr, false);
    const std::string base = config.is_object() && config.contains("base_model_name_or_path")
            && config["base_model_name_or_path"].is_string()
        ? config["base_model_name_or_path"].get<std::string>()
        : std::string();
    fs::path found;
    for (const fs::path& candidate : { adapter / base, adapter.parent_path() / base,
             adapter.parent_path() / fs::path(base).filename(), adapter.parent_path() / "dense" })
        if (found.empty() && !base.empty() && fs::exists(candidate / "config.json"))
            found = candidate;
    if (found.empty())
        return fail("the adapter's model (base_model_name_or_path: " + base + ") is not beside it");
    auto model = loadReferenceModel(found);
    if (!model)
        return model;
    auto read = readAdapter(adapter, model->shape());
    if (!read)
        return tl::unexpected(read.error());
    model->attach(std::move(*read));
    return model;
}

double largestError(const at::Tensor& ours, const at::Tensor& reference)
{
    constexpr double infinite = std::numeric_limits<double>::infinity();
    if (ours.sizes() != reference.sizes())
        return infinite;
    if (ours.numel() == 0)
        return 0;
    const double error
        = (ours.to(at::kDouble) - reference.to(at::kDouble)).abs().max().item<double>();
    return std::isfinite(error) ? error : infinite;
}

double largestRelativeError(const at::Tensor& ours, const at::Tensor& reference)
{
    const double largest = reference.numel() == 0 ? 0 : reference.abs().max().item<double>();
    const double error = largestError(ours, reference);
    return largest > 0 ? error / largest : error;
}

std::vector<std::string> stemsOf(const fs::path& folder, const std::string& suffix)
{
    std::vector<std::string> stems;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.size() > suffix.size() && name.ends_with(suffix))
            stems.push_back(name.substr(0, name.size() - suffix.size()));
    }
    std::sort(stems.begin(), stems.end());
    return stems;
}

} // namespace zen
