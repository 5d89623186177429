#pragma once

#include "core/base/result.h"
#include "core/text/chat_template.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

namespace zen {

/// A list of messages, as ShareGPT (`from`, `value`) or OpenAI (`role`, `content`) write it. `tags`
/// (of dataset_info.json) name other keys and roles. Roles become system, user, assistant, tool; a
/// function_call becomes an assistant's tool call. Errors say which message is wrong and how.
Result<std::vector<Message>> readMessages(
    const nlohmann::ordered_json& list, const std::map<std::string, std::string>& tags);

/// The tools of a row, one JSON object each, in the form that Qwen's template shows: an array of
/// objects, or its text. Bare functions are wrapped as {"type": "function", "function": …}. Errors:
/// anything else.
Result<std::vector<std::string>> readTools(const nlohmann::ordered_json& value);

} // namespace zen
