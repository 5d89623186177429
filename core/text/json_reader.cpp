#include "core/text/json_reader.h"

#include "core/base/utf8.h"
#include "core/text/json_builder.h"

namespace zen {

namespace {

constexpr std::size_t kMaxFaultText = 160;

void writeValue(const nlohmann::ordered_json& value, std::string& out)
{
    if (value.is_object()) {
        out += '{';
        bool first = true;
        for (const auto& [key, member] : value.items()) {
            out += first ? "" : ", ";
            first = false;
            out += nlohmann::ordered_json(key).dump(
                -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
            out += ": ";
            writeValue(member, out);
        }
        out += '}';
    } else if (value.is_array()) {
        out += '[';
        bool first = true;
        for (const auto& item : value) {
            out += first ? "" : ", ";
            first = false;
            writeValue(item, out);
        }
        out += ']';
    } else
        out += value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace

tl::expected<nlohmann::ordered_json, JsonFault> readJson(std::string_view text,
    const JsonLimits& limits, std::map<std::string, std::string>* number_texts)
{
    JsonBuilder builder(limits, number_texts);
    JsonTextIterator::Reached reached = 0;
    if (nlohmann::ordered_json::sax_parse(JsonTextIterator(text, 0, &reached),
            JsonTextIterator(text, text.size(), nullptr), &builder))
        return builder.take();
    return tl::unexpected(builder.fault(text.size(), reached));
}

std::string writeSpacedJson(const nlohmann::ordered_json& value)
{
    std::string out;
    writeValue(value, out);
    return out;
}

TextPosition positionOf(std::string_view text, std::size_t offset, TextPosition start)
{
    TextPosition position = start;
    for (const char byte : text.substr(0, offset)) {
        if (byte == '\n') {
            ++position.line;
            position.column = 1;
        } else if ((static_cast<unsigned char>(byte) & 0xC0U) != 0x80U)
            ++position.column;
    }
    return position;
}

std::string jsonFaultText(const std::string& what)
{
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing
    // value - …"
    std::string text = what;
    if (const auto at = text.find("column "); at != std::string::npos)
        if (const auto colon = text.find(": ", at); colon != std::string::npos)
            text = text.substr(colon + 2);
    if (const auto dash = text.find(" - ");
        text.starts_with("syntax error") && dash != std::string::npos)
        text = text.substr(dash + 3);
    if (text.starts_with('['))
        if (const auto close = text.find("] "); close != std::string::npos)
            text = text.substr(close + 2);
    for (char& byte : text)
        if (static_cast<unsigned char>(byte) < 0x20)
            byte = ' ';
    if (text.size() > kMaxFaultText)
        text = text.substr(0, kMaxFaultText) + "…";
    return repairUtf8(text);
}

} // namespace zen
