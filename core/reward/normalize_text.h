#pragma once

#include "core/reward/parameters.h"

#include <string>
#include <string_view>

namespace zen {

/// How two texts are made comparable; applied in the order nfkc, lower, collapse_space, strip.
struct TextNormalization {
    bool nfkc
        = false; ///< Unicode compatibility form: full-width digits, ligatures, no-break spaces
    bool lower = false; ///< Unicode case folding
    bool collapse_space = false; ///< each run of white space becomes one space
    bool strip = false; ///< white space at both ends goes
};

/// The `normalize` list of a reward.
TextNormalization readNormalization(
    RewardParameters& parameters, std::initializer_list<std::string_view> otherwise);

/// Ill-formed UTF-8 becomes U+FFFD.
std::string normalized(std::string_view text, const TextNormalization& how);

} // namespace zen
