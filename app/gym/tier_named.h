#pragma once

#include "app/gym/load_config.h"
#include "core/config/tiers.h"

#include <optional>
#include <string>

namespace zen::gym {

/// The tier of the catalogue with this id; else prints what is wrong and which there are.
std::optional<Tier> tierNamed(const std::string& id);

/// The tier's configuration, or the starter's without a tier, with the command line's changes and,
/// unless it is empty, `quantization`. Empty if it cannot be used: the reason is then on standard
/// error.
std::optional<LoadedConfig> loadTierConfig(
    const std::optional<Tier>& tier, ConfigArguments source, const std::string& quantization);

} // namespace zen::gym
