#include "core/text/byte_alphabet.h"

namespace zen {

namespace {

constexpr std::size_t kAlphabetEnd = 0x100 + 68;

constexpr bool standsForItself(unsigned byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172)
        || (byte >= 174 && byte <= 255);
}

constexpr std::array<char32_t, 256> makeCharacters()
{
    std::array<char32_t, 256> characters{};
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte)
        characters[byte] = standsForItself(byte) ? static_cast<char32_t>(byte) : next++;
    return characters;
}

constexpr std::array<std::int16_t, kAlphabetEnd> makeBytes()
{
    std::array<std::int16_t, kAlphabetEnd> bytes{};
    for (auto& byte : bytes)
        byte = -1;
    constexpr std::array<char32_t, 256> characters = makeCharacters();
    for (std::size_t byte = 0; byte < 256; ++byte)
        bytes[characters[byte]] = static_cast<std::int16_t>(byte);
    return bytes;
}

constexpr std::array<char32_t, 256> kCharacters = makeCharacters();
constexpr std::array<std::int16_t, kAlphabetEnd> kBytes = makeBytes();

} // namespace

char32_t alphabetCharacter(std::uint8_t byte)
{
    return kCharacters[byte];
}

std::array<std::uint8_t, 256> bytesInAlphabetOrder()
{
    std::array<std::uint8_t, 256> order{};
    std::size_t next = 0;
    for (const std::int16_t byte : kBytes)
        if (byte >= 0)
            order[next++] = static_cast<std::uint8_t>(byte);
    return order;
}

std::string toAlphabet(std::string_view bytes)
{
    std::string spelling;
    spelling.reserve(bytes.size() * 2);
    for (const char raw : bytes) {
        const char32_t character = kCharacters[static_cast<std::uint8_t>(raw)];
        if (character < 0x80)
            spelling += static_cast<char>(character);
        else {
            spelling += static_cast<char>(0xC0 | (character >> 6));
            spelling += static_cast<char>(0x80 | (character & 0x3F));
        }
    }
    return spelling;
}

std::optional<std::string> fromAlphabet(std::string_view spelling)
{
    std::string bytes;
    bytes.reserve(spelling.size());
    for (std::size_t i = 0; i < spelling.size(); ++i) {
        const auto lead = static_cast<std::uint8_t>(spelling[i]);
        std::size_t character = lead;
        if (lead >= 0x80) {
            // Every character of the alphabet is below U+0800: two bytes of UTF-8.
            if (lead < 0xC2 || lead > 0xDF || i + 1 >= spelling.size())
                return std::nullopt;
            const auto next = static_cast<std::uint8_t>(spelling[++i]);
            if ((next & 0xC0) != 0x80)
                return std::nullopt;
            character = (static_cast<std::size_t>(lead & 0x1F) << 6) | (next & 0x3F);
        }
        if (character >= kAlphabetEnd || kBytes[character] < 0)
            return std::nullopt;
        bytes += static_cast<char>(kBytes[character]);
    }
    return bytes;
}

} // namespace zen
