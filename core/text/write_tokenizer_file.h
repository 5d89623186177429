#pragma once

#include "core/text/tokenizer_file.h"

#include <string>

namespace zen {

/// The text of a Qwen-style tokenizer.json (byte-level BPE, NFC, Qwen2 pre-tokeniser) with this
/// vocabulary, in its order, these merges and added tokens. readTokenizerFile reads it back.
std::string writeTokenizerFile(const TokenizerFile& file);

} // namespace zen
