#pragma once

#include "core/text/bpe_trainer.h"

#include <QFile>
#include <QString>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace zen::test {

inline const QString kSharedFolder = QStringLiteral(ZEN_SOURCE_DIR "/../shared");
inline const std::string kSharedTokenizer
    = std::string(ZEN_SOURCE_DIR) + "/../shared/data/qwen3-tokenizer/tokenizer.json";

inline bool hasSharedTokenizer()
{
    return QFile::exists(QString::fromStdString(kSharedTokenizer));
}

inline std::string bytesOfFile(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

inline nlohmann::json jsonOfFile(const std::string& path)
{
    return nlohmann::json::parse(bytesOfFile(path));
}

/// A vocabulary of a few hundred tokens, so that tests run where no other tokenizer is at hand.
inline std::string smallTokenizerJson(std::int64_t vocab_size = 400)
{
    const std::vector<std::string> texts = {
        "The quick brown fox jumps over the lazy dog. The dog sleeps, the fox runs.",
        "Tom has 12 apples and buys 7 more. How many apples does Tom have? 12 + 7 = 19",
        "She reads 3 books in 2 weeks; he reads 5 books in 4 weeks. Who reads more?",
        "naïve café, naïve café, über die Brücke, über die Brücke",
        "don't can't we'll they're I've he'd it's",
        "    indented code\n    indented code\n\n\nlast line\r\nwindows line\r\n",
    };
    BpeTrainingOptions options;
    options.vocab_size = vocab_size;
    return trainTokenizerJson(texts, options).value();
}

inline void appendUtf8(std::string& text, char32_t c)
{
    if (c < 0x80)
        text += static_cast<char>(c);
    else if (c < 0x800) {
        text += static_cast<char>(0xC0 | (c >> 6));
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        text += static_cast<char>(0xE0 | (c >> 12));
        text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | (c >> 18));
        text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
        text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    }
}

/// Random text of scripts, signs and spaces whose characters are in normal form C and compose with
/// nothing.
inline std::string stableText(std::mt19937& random, std::size_t length)
{
    struct Range {
        char32_t first;
        char32_t last;
    };
    static constexpr std::array<Range, 14> kRanges{ { { 0x00, 0x1F }, { 0x20, 0x40 },
        { 0x41, 0x5A }, { 0x5B, 0x7F }, { 0x80, 0xFF }, { 0x100, 0x17F }, { 0x391, 0x3A1 },
        { 0x410, 0x44F }, { 0x5D0, 0x5EA }, { 0x2000, 0x200F }, { 0x2028, 0x202F },
        { 0x4E00, 0x9FA5 }, { 0xAC00, 0xD7A3 }, { 0x1F300, 0x1F5FF } } };
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        const Range& range = kRanges[random() % kRanges.size()];
        char32_t c = range.first + random() % (range.last - range.first + 1);
        if (c == 0x2000 || c == 0x2001)
            c = 0x2002; // the two have canonical equivalents
        appendUtf8(text, c);
    }
    return text;
}

} // namespace zen::test
