#include "ui/plots/axis_range.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace zen::ui {

namespace {

constexpr std::array kNiceSteps{ 1.0, 2.0, 2.5, 5.0, 10.0 };
constexpr double kSlack = 1e-9;

int decimalsOf(double step)
{
    for (int decimals = 0; decimals < 12; ++decimals) {
        const double scaled = step * std::pow(10.0, decimals);
        if (std::abs(scaled - std::round(scaled)) < 1e-6 * std::max(1.0, scaled))
            return decimals;
    }
    return 12;
}

std::string formatted(const char* format, int decimals, double value)
{
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), format, decimals, value);
    return text.data();
}

std::string grouped(const std::string& digits)
{
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0)
            text += ',';
        text += digits[i];
    }
    return text;
}

} // namespace

AxisRange roundRange(double low, double high, int intervals)
{
    if (!std::isfinite(low) || !std::isfinite(high) || low > high)
        return { 0, 1, 0.25 };
    if (high - low <= kSlack * std::max(std::abs(low), std::abs(high)) || high == low) {
        const double half = low == 0 ? 0.5 : std::abs(low) * 0.1;
        low -= half;
        high += half;
    }
    const double wanted = (high - low) / std::max(intervals, 1);
    const double power = std::pow(10.0, std::floor(std::log10(wanted)));
    AxisRange best;
    double best_waste = 0; // what the axis shows beyond the data; of equals, the one with as many
                           // intervals as asked
    for (const double nice : kNiceSteps) {
        AxisRange range;
        range.step = nice * power;
        range.low = std::floor(low / range.step + kSlack) * range.step;
        range.high = std::ceil(high / range.step - kSlack) * range.step;
        const double count = std::round((range.high - range.low) / range.step);
        if (count > intervals + 1 || count < std::max(2, intervals - 1))
            continue;
        const double waste
            = (range.high - range.low) / (high - low) + 0.01 * std::abs(count - intervals);
        if (best_waste == 0 || waste < best_waste) {
            best = range;
            best_waste = waste;
        }
    }
    if (best_waste > 0)
        return best;
    best.step = 10 * power;
    best.low = std::floor(low / best.step + kSlack) * best.step;
    best.high = std::ceil(high / best.step - kSlack) * best.step;
    return best;
}

std::string axisLabel(double value, double step)
{
    if (std::abs(value) < step * 1e-6)
        value = 0;
    if (step >= 1e6 || (step >= 1e5 && std::abs(value) >= 1e6))
        return value == 0 ? "0" : formatted("%.*fM", decimalsOf(step / 1e6), value / 1e6);
    if (step >= 1e3)
        return value == 0 ? "0" : formatted("%.*fk", decimalsOf(step / 1e3), value / 1e3);
    if (step < 1e-4)
        return value == 0 ? "0" : formatted("%.*e", std::abs(value) < step * 10 ? 0 : 1, value);
    return formatted("%.*f", decimalsOf(step), value);
}

double followEnd(double last, double total)
{
    for (const double share : { 8.0, 4.0, 2.0, 1.0 })
        if (total > 0 && last <= total / share)
            return total / share;
    return std::max(last, 1.0);
}

std::string shortNumber(double value)
{
    if (!std::isfinite(value))
        return "–";
    const double size = std::abs(value);
    if (size == 0)
        return "0";
    if (size >= 1e6 || size < 1e-4)
        return formatted("%.*e", 1, value);
    if (size >= 1000)
        return grouped(formatted("%.*f", 0, value));
    const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
    return formatted("%.*f", decimals, value);
}

std::string shortDuration(double seconds)
{
    const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
    std::array<char, 64> text{};
    if (whole < 60)
        std::snprintf(text.data(), text.size(), "%lld s", whole);
    else if (whole < 3600)
        std::snprintf(text.data(), text.size(), "%lld min %02lld s", whole / 60, whole % 60);
    else
        std::snprintf(
            text.data(), text.size(), "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
    return text.data();
}

} // namespace zen::ui
