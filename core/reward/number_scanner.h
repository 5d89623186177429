#pragma once

#include "core/reward/answer_number.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace zen {

/// A number found in a text, sign and percent sign included.
struct ScannedNumber {
    AnswerNumber number;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool valid = true; ///< false: digits that are no usable number (1/0, 400 digits)
};

/// Walks over the numbers of a text from left to right.
class NumberScanner {
public:
    explicit NumberScanner(std::string_view cleaned)
        : m_text(cleaned)
    {
    }
    /// The next number at or after the current place; nullopt at the end.
    std::optional<ScannedNumber> next();

private:
    std::string_view m_text;
    std::size_t m_at = 0;
};

bool isAsciiDigit(char c);
bool isAsciiLetter(char c);

} // namespace zen
