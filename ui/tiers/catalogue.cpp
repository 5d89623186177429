#include "ui/tiers/catalogue.h"

#include "core/config/read_config.h"
#include "core/weights/checkpoint_folder.h"

#include <spdlog/spdlog.h>

namespace zen::ui {

Catalogue loadCatalogue()
{
    Catalogue catalogue;
    catalogue.machine = thisMachine();
    catalogue.config_folder = configFolder();
    const std::filesystem::path resources = resourceFolder();
    if (auto tiers = loadTiers(resources / "tiers.yaml"))
        catalogue.tiers = std::move(*tiers);
    else
        catalogue.problem = QString::fromStdString(tiers.error().message);
    if (auto tiers = withUserTiers(catalogue.tiers, userConfigFolder() / "tiers.yaml"))
        catalogue.tiers = std::move(*tiers);
    else
        catalogue.user_problem = QString::fromStdString(tiers.error().message);
    Diagnostics problems;
    catalogue.presets = loadPresets(resources / "presets", &problems);
    for (const Diagnostic& problem : problems)
        spdlog::warn("{}", toText(problem));
    return catalogue;
}

std::optional<Qwen3Shape> shapeFor(
    const std::string& model_name_or_path, const Catalogue& catalogue)
{
    if (const auto folder = findModelFolder(model_name_or_path))
        if (auto shape = readShape(*folder))
            return *shape;
    for (const Tier& tier : catalogue.tiers)
        if (model_name_or_path == tier.model_id
            || (!tier.substitute_id.empty() && model_name_or_path == tier.substitute_id))
            return shapeOf(tier);
    return std::nullopt;
}

TierFit fitTier(const Tier& tier, const Catalogue& catalogue)
{
    TierFit result;
    TrainingConfig config;
    config.model.model_name_or_path = tier.model_id;
    if (const auto document = YamlDocument::load(catalogue.config_folder / tier.config_file))
        config = readConfig(*document).config;
    auto folder = findModelFolder(config.model.model_name_or_path);
    if (!folder && !tier.substitute_id.empty())
        if (auto substitute = findModelFolder(tier.substitute_id))
            folder = std::move(substitute);
    Qwen3Shape shape = shapeOf(tier);
    if (folder) {
        result.weights = *folder;
        if (const auto read = readShape(*folder))
            shape = *read;
    } else {
        result.weights_help = QString::fromStdString(folder.error().message);
    }
    result.plan = planMemory(config, shape);
    const std::uint64_t memory = catalogue.machine.memory_total_bytes;
    result.proposals = proposalsFor(config, shape, memory);
    result.fit = fitOf(result.plan, result.proposals, shape, memory);
    return result;
}

} // namespace zen::ui
