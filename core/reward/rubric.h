#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// What a reward may look at.
struct RewardInput {
    std::string_view completion; ///< text, special tokens left out, think tags kept
    std::span<const std::int64_t> completion_ids;
    bool truncated = false; ///< ended by the length limit
    const std::map<std::string, std::string>* columns = nullptr; ///< the prompt's row
};

/// One way to score a completion. nullopt: "unscored" (the row cannot be judged), which is not 0.
class RewardTerm {
public:
    virtual ~RewardTerm() = default;
    virtual std::optional<double> score(const RewardInput& input) const = 0;
};

/// Builds the term that a spec describes; the Diagnostic names the spec's line, the parameter and
/// what is allowed.
tl::expected<std::unique_ptr<RewardTerm>, Diagnostic> makeRewardTerm(const RewardTermSpec& spec);

/// The numbers of one completion.
struct RewardScores {
    std::vector<std::optional<double>> terms; ///< in the rubric's order, unweighted
    std::optional<double> total; ///< weighted sum of the scored terms; unscored if no term scored
};

/// Named, weighted terms; immutable; safe to use from several threads.
class Rubric {
public:
    /// All findings at once; empty specs give an error.
    static tl::expected<Rubric, Diagnostics> build(std::span<const RewardTermSpec> specs);

    RewardScores score(const RewardInput& input) const;
    const std::vector<std::string>& names() const { return m_names; }
    const std::vector<double>& weights() const { return m_weights; }

    /// The index of the term that says whether an answer is right (number_equal, exact, contains,
    /// in that order); for accuracy.
    std::optional<std::size_t> accuracyTerm() const { return m_accuracy_term; }

private:
    std::vector<std::shared_ptr<const RewardTerm>> m_terms;
    std::vector<std::string> m_names;
    std::vector<double> m_weights;
    std::optional<std::size_t> m_accuracy_term;
};

} // namespace zen
