#pragma once

#include "core/base/diagnostic.h"
#include "core/config/training_config.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// Reads the parameters of one reward with defaults and checks. The first thing wrong becomes the
/// problem; reading goes on with defaults.
class RewardParameters {
public:
    /// Complains about parameters that the type does not have.
    explicit RewardParameters(const RewardTermSpec& spec);

    bool has(std::string_view name) const;
    void require(std::string_view name);
    std::string text(std::string_view name, std::string_view otherwise);
    std::vector<std::string> list(
        std::string_view name, std::initializer_list<std::string_view> otherwise);
    double number(std::string_view name, double otherwise, double minimum, double maximum);
    std::int64_t integer(
        std::string_view name, std::int64_t otherwise, std::int64_t minimum, std::int64_t maximum);
    std::string choice(std::string_view name, std::string_view otherwise,
        std::span<const std::string_view> allowed);
    std::vector<std::string> choices(std::string_view name,
        std::initializer_list<std::string_view> otherwise,
        std::span<const std::string_view> allowed);

    void complain(std::string_view name, const std::string& what);
    const std::optional<Diagnostic>& problem() const { return m_problem; }

private:
    const std::vector<std::string>* find(std::string_view name) const;
    const std::string* single(std::string_view name);

    const RewardTermSpec& m_spec;
    std::optional<Diagnostic> m_problem;
};

/// An error at the spec's line: "reward acc (number_equal): …".
Diagnostic rewardProblem(const RewardTermSpec& spec, const std::string& what);

/// " Did you mean x?" or " Allowed: a, b, c."
std::string suggestion(std::string_view word, std::span<const std::string_view> allowed);

} // namespace zen
