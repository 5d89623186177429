#include "core/base/utf8.h"

#include <cstdint>

namespace zen {

namespace {

struct Sequence {
    std::size_t length = 1; ///< bytes to take
    bool valid = false;
    bool incomplete = false; ///< a good beginning cut off by the end of the text
};

/// Table 3-7 of the Unicode standard: lead byte, then the range of the second byte, then 80..BF.
Sequence sequenceAt(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(at);
    if (lead < 0x80)
        return { 1, true, false };
    std::size_t need = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        need = 2;
    else if (lead >= 0xE0 && lead <= 0xEF) {
        need = 3;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        need = 4;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else
        return { 1, false, false };
    for (std::size_t i = 1; i < need; ++i) {
        if (at + i >= text.size())
            return { i, false, true };
        const std::uint8_t next = byte(at + i);
        if (next < (i == 1 ? low : 0x80) || next > (i == 1 ? high : 0xBF))
            return { i, false, false };
    }
    return { need, true, false };
}

} // namespace

bool isUtf8(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const Sequence sequence = sequenceAt(text, at);
        if (!sequence.valid)
            return false;
        at += sequence.length;
    }
    return true;
}

std::string repairUtf8(std::string_view text)
{
    std::string repaired;
    repaired.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Sequence sequence = sequenceAt(text, at);
        if (sequence.valid)
            repaired.append(text.substr(at, sequence.length));
        else
            repaired.append("\xEF\xBF\xBD");
        at += sequence.length;
    }
    return repaired;
}

std::size_t incompleteTail(std::string_view text)
{
    const std::size_t from = text.size() > 3 ? text.size() - 3 : 0;
    for (std::size_t at = from; at < text.size(); ++at) {
        const auto lead = static_cast<std::uint8_t>(text[at]);
        if (lead >= 0xC0 && sequenceAt(text, at).incomplete)
            return text.size() - at;
    }
    return 0;
}

} // namespace zen
