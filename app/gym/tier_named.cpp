#include "app/gym/tier_named.h"

#include "app/gym/terminal.h"
#include "core/base/machine.h"

#include <fmt/format.h>

namespace zen::gym {

std::optional<Tier> tierNamed(const std::string& id)
{
    const Result<std::vector<Tier>> tiers = loadTiers(resourceFolder() / "tiers.yaml");
    if (!tiers) {
        printError(tiers.error().message);
        return std::nullopt;
    }
    std::string known;
    for (const Tier& tier : *tiers) {
        if (tier.id == id)
            return tier;
        known += (known.empty() ? "" : ", ") + tier.id;
    }
    printError(
        fmt::format("--tier {}: there is no such tier; the tiers are {}", printable(id), known));
    return std::nullopt;
}

std::optional<LoadedConfig> loadTierConfig(
    const std::optional<Tier>& tier, ConfigArguments source, const std::string& quantization)
{
    source.config = (configFolder() / (tier ? tier->config_file : "starter_gspo.yaml")).string();
    if (!quantization.empty())
        source.overrides.push_back("quantization=" + quantization);
    return loadUsableConfig(source);
}

} // namespace zen::gym
