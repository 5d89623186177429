#pragma once

#include "core/config/tiers.h"

#include <optional>
#include <string>

namespace zen::gym {

/// The tier of the catalogue with this id; else prints what is wrong and which there are.
std::optional<Tier> tierNamed(const std::string& id);

} // namespace zen::gym
