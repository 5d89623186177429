#pragma once

#include "core/train/engine.h"

#include <memory>

namespace zen {

/// Loads the model (and adapter). Errors: as loadPolicy.
Result<std::unique_ptr<ChatSession>> openChatSession(const ChatOptionsForModel& options);

} // namespace zen
