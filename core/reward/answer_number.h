#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace zen {

// Numbers as people and models write them in answers. All functions are linear in the text and do
// not recurse.

struct AnswerNumber {
    double value = 0; ///< finite
    bool percent = false; ///< written with a percent sign: 50 % has value 50
    std::string integer; ///< canonical digits if it was written as a whole number, else empty
};

/// Equal within a relative tolerance. Whole numbers are compared digit by digit while the tolerance
/// is for rounding only (1e-6 or less). A percentage equals its figure (50) and its hundredth
/// (0.5).
bool sameNumber(const AnswerNumber& a, const AnswerNumber& b, double rel_tol);

/// LaTeX spacing and sizes removed, \dfrac as \frac, "{,}" as ",", U+2212 as "-", escaped $ and %
/// bare. What the functions below expect.
std::string cleanedMath(std::string_view text);

/// The content of the last closed \boxed{…} (or \fbox), nested braces included; nullopt if there is
/// none.
std::optional<std::string_view> lastBoxed(std::string_view cleaned);

/// The rest of the line after the last "####" (no more than four); nullopt if there is none.
std::optional<std::string_view> afterHashes(std::string_view cleaned);

/// The last number in a text: 1,234.5  -3/4  2 1/2  \frac{1}{2}  1.5e3  2 \times 10^3  50 %.
/// Exponents (cm^2) and digits in words (CO2) are none.
std::optional<AnswerNumber> lastNumber(std::string_view cleaned);

/// The number that a text begins with, after white space, a currency sign and a colon or emphasis
/// marks.
std::optional<AnswerNumber> leadingNumber(std::string_view cleaned);

/// The number that a text (what follows its last "=") consists of, besides words, units, currency
/// and punctuation; nullopt if there is none, more than one, or an expression such as 2x, (1,2),
/// \sqrt{2}.
std::optional<AnswerNumber> onlyNumber(std::string_view cleaned);

} // namespace zen
