#include "core/text/chat_jinja.h"

namespace zen {

std::string plainChatTemplate(bool think_by_default)
{
    const std::string without_thinking = think_by_default
        ? "enable_thinking is defined and not enable_thinking"
        : "enable_thinking is not defined or not enable_thinking";
    return "{%- for message in messages %}\n"
           "    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' "
           "}}\n"
           "{%- endfor %}\n"
           "{%- if add_generation_prompt %}\n"
           "    {{- '<|im_start|>assistant\\n' }}\n"
           "    {%- if "
        + without_thinking
        + " %}\n"
          "        {{- '<think>\\n\\n</think>\\n\\n' }}\n"
          "    {%- endif %}\n"
          "{%- endif %}";
}

} // namespace zen
