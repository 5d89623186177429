#pragma once

#include "core/base/diagnostic.h"
#include "core/base/machine.h"
#include "core/config/presets.h"
#include "core/config/tiers.h"
#include "core/plan/fit.h"

#include <QString>

#include <filesystem>
#include <optional>
#include <vector>

namespace zen::ui {

/// What ships with the program, and the machine it runs on: read once at the start, from a few
/// small files.
struct Catalogue {
    std::vector<Tier> tiers;
    std::vector<Preset> presets;
    Machine machine;
    std::filesystem::path config_folder;
    QString user_problem; ///< why the person's own tiers.yaml is left out; empty if it is not
    QString problem; ///< why the tiers could not be read; empty if they could
};
Catalogue loadCatalogue();

/// How a tier would run here.
struct TierFit {
    Fit fit = Fit::too_large;
    MemoryPlan plan;
    std::vector<Proposal> proposals; ///< what makes it fit, where it does not
    std::optional<std::filesystem::path> weights; ///< where they are, if they are on this machine
    QString weights_help; ///< where they were looked for and how to get them, if they are not
};

/// Plans a tier with its own configuration file and shape (of the weights, if they are here). Reads
/// two small files.
TierFit fitTier(const Tier& tier, const Catalogue& catalogue);

/// The shape to plan a model with: of its weights if they are here, else of the tier that names it.
std::optional<Qwen3Shape> shapeFor(
    const std::string& model_name_or_path, const Catalogue& catalogue);

} // namespace zen::ui
