#include "core/reward/parameters.h"

#include "core/base/nearest_word.h"
#include "core/config/reward_types.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace zen {

namespace {

std::string formatNumber(double value)
{
    char text[32];
    return { text, std::to_chars(text, text + sizeof text, value).ptr };
}

std::optional<double> parseNumber(std::string_view text)
{
    if (text.starts_with('+'))
        text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

} // namespace

Diagnostic rewardProblem(const RewardTermSpec& spec, const std::string& what)
{
    Diagnostic diagnostic;
    diagnostic.line = spec.line;
    diagnostic.key = "rewards";
    diagnostic.message = "reward ";
    if (!spec.name.empty() && spec.name != spec.type)
        diagnostic.message += spec.name + " (" + spec.type + ")";
    else
        diagnostic.message += spec.type.empty() ? "without type" : spec.type;
    diagnostic.message += ": " + what;
    return diagnostic;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> allowed)
{
    std::string text;
    if (const std::string near = nearestWord(word, allowed); !near.empty())
        text = " Did you mean " + near + "?";
    text += " Allowed: ";
    for (std::size_t i = 0; i < allowed.size(); ++i)
        text.append(i == 0 ? "" : ", ").append(allowed[i]);
    return text + ".";
}

RewardParameters::RewardParameters(const RewardTermSpec& spec)
    : m_spec(spec)
{
    const RewardType* type = findRewardType(spec.type);
    if (type == nullptr)
        return;
    std::vector<std::string_view> known;
    std::copy_if(type->parameters.begin(), type->parameters.end(), std::back_inserter(known),
        [](std::string_view name) { return !name.empty(); });
    for (const auto& [name, values] : spec.parameters) {
        if (std::find(known.begin(), known.end(), name) != known.end())
            continue;
        known.insert(known.end(), { "name", "type", "weight" });
        complain(name, "is no parameter of this type." + suggestion(name, known));
        return;
    }
}

bool RewardParameters::has(std::string_view name) const
{
    return find(name) != nullptr;
}

void RewardParameters::require(std::string_view name)
{
    if (!has(name))
        complain(name, "is missing");
}

std::string RewardParameters::text(std::string_view name, std::string_view otherwise)
{
    const std::string* value = single(name);
    if (value == nullptr)
        return std::string(otherwise);
    if (value->empty())
        complain(name, "is empty");
    return *value;
}

std::vector<std::string> RewardParameters::list(
    std::string_view name, std::initializer_list<std::string_view> otherwise)
{
    const auto* values = find(name);
    if (values == nullptr)
        return { otherwise.begin(), otherwise.end() };
    if (values->empty())
        complain(name, "is an empty list");
    if (std::find(values->begin(), values->end(), std::string()) != values->end())
        complain(name, "holds an empty text");
    return *values;
}

double RewardParameters::number(
    std::string_view name, double otherwise, double minimum, double maximum)
{
    const std::string* value = single(name);
    if (value == nullptr)
        return otherwise;
    const std::optional<double> number = parseNumber(*value);
    if (number && *number >= minimum && *number <= maximum)
        return *number;
    complain(name,
        "is \"" + *value + "\"; a number from " + formatNumber(minimum) + " to "
            + formatNumber(maximum) + " is allowed");
    return otherwise;
}

std::int64_t RewardParameters::integer(
    std::string_view name, std::int64_t otherwise, std::int64_t minimum, std::int64_t maximum)
{
    const std::string* value = single(name);
    if (value == nullptr)
        return otherwise;
    const std::optional<double> number = parseNumber(*value);
    if (number && *number == std::floor(*number) && *number >= static_cast<double>(minimum)
        && *number <= static_cast<double>(maximum))
        return static_cast<std::int64_t>(*number);
    complain(name,
        "is \"" + *value + "\"; a whole number from " + std::to_string(minimum) + " to "
            + std::to_string(maximum) + " is allowed");
    return otherwise;
}

std::string RewardParameters::choice(
    std::string_view name, std::string_view otherwise, std::span<const std::string_view> allowed)
{
    const std::string* value = single(name);
    if (value == nullptr)
        return std::string(otherwise);
    if (std::find(allowed.begin(), allowed.end(), *value) != allowed.end())
        return *value;
    complain(name, "is \"" + *value + "\"." + suggestion(*value, allowed));
    return std::string(otherwise);
}

std::vector<std::string> RewardParameters::choices(std::string_view name,
    std::initializer_list<std::string_view> otherwise, std::span<const std::string_view> allowed)
{
    const auto* values = find(name);
    if (values == nullptr)
        return { otherwise.begin(), otherwise.end() };
    for (const std::string& value : *values)
        if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
            complain(name, "holds \"" + value + "\"." + suggestion(value, allowed));
    return *values;
}

void RewardParameters::complain(std::string_view name, const std::string& what)
{
    if (!m_problem)
        m_problem = rewardProblem(m_spec, std::string(name) + " " + what);
}

const std::vector<std::string>* RewardParameters::find(std::string_view name) const
{
    const auto found = m_spec.parameters.find(std::string(name));
    return found == m_spec.parameters.end() ? nullptr : &found->second;
}

const std::string* RewardParameters::single(std::string_view name)
{
    const auto* values = find(name);
    if (values == nullptr)
        return nullptr;
    if (values->size() == 1)
        return &values->front();
    complain(name, "takes one value, not a list");
    return nullptr;
}

} // namespace zen
