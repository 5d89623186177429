#pragma once

#include "ui/run/run_trace.h"

#include <QString>

#include <vector>

namespace zen::ui {

/// One finding about a run in plain language: what is seen, and after it, quieter, what it means or
/// what to do.
struct HealthNote {
    enum class Level { good, watch, bad } level = Level::good;
    QString finding;
    QString advice;
    bool operator==(const HealthNote&) const = default;
};

/// What the newest steps say: does it learn, do groups carry signal, are completions cut, does
/// entropy collapse, is clipping or the gradient out of hand, were numbers not finite. Empty before
/// the first step.
std::vector<HealthNote> healthOf(const RunTrace& trace);

} // namespace zen::ui
