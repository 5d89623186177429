#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zen {

/// The characters that stand for the 256 bytes in a byte-level vocabulary: printable Latin-1 bytes
/// stand for themselves, the other 68, in ascending order, for U+0100 onwards (a space is U+0120).
char32_t alphabetCharacter(std::uint8_t byte);

/// The 256 bytes in the order of their characters: the order of the first ids in Qwen's vocabulary.
std::array<std::uint8_t, 256> bytesInAlphabetOrder();

/// Raw bytes spelled in the alphabet, as UTF-8.
std::string toAlphabet(std::string_view bytes);

/// The raw bytes that `spelling` stands for; nothing if a character is not of the alphabet or the
/// UTF-8 is ill-formed.
std::optional<std::string> fromAlphabet(std::string_view spelling);

} // namespace zen
