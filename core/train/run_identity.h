#pragma once

#include "core/config/training_config.h"
#include "core/train/training_state.h"

#include <string>

namespace zen {

/// The identity of a run: fingerprints and every schema field but those that only say where files
/// go, how often something is reported, or how memory is used.
RunIdentity identityOf(const TrainingConfig& resolved, std::string model_fingerprint,
    std::string data_fingerprint, bool shuffle_rewards);

} // namespace zen
