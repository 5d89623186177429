#include "core/model/lora.h"

namespace zen {

std::string_view nameOf(Projection projection)
{
    static constexpr std::array<std::string_view, kProjections> kNames
        = { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" };
    return kNames[static_cast<std::size_t>(projection)];
}

} // namespace zen
