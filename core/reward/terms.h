#pragma once

#include "core/reward/parameters.h"
#include "core/reward/rubric.h"

#include <memory>
#include <string>
#include <string_view>

namespace zen {

// One factory for each type of core/config/reward_types.h. They read their parameters; what is
// wrong is in `parameters.problem()` afterwards, and the term must then not be used.

std::unique_ptr<RewardTerm> makeNumberEqual(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeExact(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeRegex(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeContains(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeThinkFormat(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeTagsOnce(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeOverlong(RewardParameters& parameters);
std::unique_ptr<RewardTerm> makeRepetition(RewardParameters& parameters);

/// Which part of a completion a term looks at.
enum class Part { all, after_think };
Part readPart(RewardParameters& parameters, Part otherwise);

/// after_think: what follows the last </think>; all of it without think tags; nothing if the
/// thought never ends.
std::string_view partOf(std::string_view completion, Part part);

/// The row's column; nullptr if it is absent or blank.
const std::string* goldOf(const RewardInput& input, const std::string& field);

} // namespace zen
