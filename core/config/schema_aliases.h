#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zen {

/// The word that a field uses for a value that other programs write: `quantization_bit: 4` is
/// `4bit`, `gspo_sequence_level: true` is `sequence`, `dtype: bf16` is `bfloat16`. Other values
/// come back unchanged.
std::string_view translatedWord(std::string_view key_or_alias, std::string_view word);

/// True if values under this alias are written differently from the field's own.
bool aliasTranslates(std::string_view alias);

/// A key that files for LLaMA-Factory, zenlm/gym or TRL carry and that decides nothing here.
struct IgnoredKey {
    std::string_view key;
    std::string_view why;
};
std::span<const IgnoredKey> ignoredKeys();

/// nullptr if the key is not in the table.
const IgnoredKey* findIgnoredKey(std::string_view key);

} // namespace zen
