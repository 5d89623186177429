#include "core/text/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace zen {

std::string toNfc(std::string_view text)
{
    // Everything below U+0300 (lead byte 0xCC) is in normal form C already and composes with
    // nothing.
    const bool may_change = std::any_of(text.begin(), text.end(),
        [](char byte) { return static_cast<unsigned char>(byte) >= 0xCC; });
    if (!may_change)
        return std::string(text);
    utf8proc_uint8_t* raw = nullptr;
    const utf8proc_ssize_t length
        = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
            static_cast<utf8proc_ssize_t>(text.size()), &raw,
            static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(raw, std::free);
    if (length < 0)
        return std::string(text);
    return std::string(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(length));
}

} // namespace zen
