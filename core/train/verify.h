#pragma once

#include "core/model/qwen3.h"
#include "core/train/engine.h"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace zen {

/// Runs every reference case below `folder` (layout: README.md of the reference cases), any sizes
/// and any number of them, and reports each. A case that cannot be read fails; one that needs what
/// this version lacks is skipped with the reason. Error: no case was found.
Result<void> verifyFolder(const std::filesystem::path& folder,
    const std::filesystem::path& tokenizer_json,
    const std::function<void(const VerifyCase&)>& on_case);

/// Collects the cases of one folder; used by the files below.
class CaseReport {
public:
    CaseReport(std::string prefix, const std::function<void(const VerifyCase&)>& on_case)
        : m_prefix(std::move(prefix))
        , m_on_case(on_case)
    {
    }

    void compare(const std::string& name, double error, double tolerance, std::string detail = {});
    void fail(const std::string& name, std::string detail);
    void skip(const std::string& name, std::string reason);

    /// Runs `check`; an exception or a failed Result becomes a failed case of this name.
    void guard(const std::string& name, const std::function<Result<void>()>& check);

    bool any() const { return m_any; }

private:
    void give(VerifyCase one);

    std::string m_prefix;
    const std::function<void(const VerifyCase&)>& m_on_case;
    bool m_any = false;
};

// Each runs the cases of its kind that a folder holds.
void verifyModels(const std::filesystem::path& folder, CaseReport& report); ///< logits, greedy
void verifyAdapters(
    const std::filesystem::path& folder, CaseReport& report); ///< LoRA logits and gradients
void verifyPolicyLosses(const std::filesystem::path& folder, CaseReport& report);
void verifyNumerics(
    const std::filesystem::path& folder, CaseReport& report); ///< sampling, schedules, AdamW, NF4
void verifyText(const std::filesystem::path& folder, const std::filesystem::path& tokenizer_json,
    CaseReport& report); ///< tokenizer, chat template

/// The reference model in `folder` with float32 weights.
Result<Qwen3> loadReferenceModel(const std::filesystem::path& folder);

/// An adapter folder's model: base_model_name_or_path, relative to the adapter or to its parent.
Result<Qwen3> loadReferenceAdapter(const std::filesystem::path& adapter);

/// Largest absolute difference; infinity where shapes differ or a value is not finite.
double largestError(const at::Tensor& ours, const at::Tensor& reference);

/// The same relative to the reference's largest entry.
double largestRelativeError(const at::Tensor& ours, const at::Tensor& reference);

/// The largest relative error of the trained tensors' gradients against those of a file (PEFT's
/// names, with or without the adapter's name); infinity where one is missing.
double gradientError(const Qwen3& model, const std::map<std::string, at::Tensor>& reference);

/// Names of files in `folder` that end in `suffix`, without it, sorted.
std::vector<std::string> stemsOf(const std::filesystem::path& folder, const std::string& suffix);

} // namespace zen
