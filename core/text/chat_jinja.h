#pragma once

#include <string>

namespace zen {

/// A Jinja chat template in Qwen3's form (`<|im_start|>role … <|im_end|>`), for models that come
/// without one. It renders plain conversations as renderChat does; `think_by_default` is what
/// enable_thinking is when the caller does not say.
std::string plainChatTemplate(bool think_by_default);

} // namespace zen
