#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace zen {

struct ToolCall {
    std::string name;
    std::string arguments_json;
    bool operator==(const ToolCall&) const = default;
};

struct Message {
    std::string role; ///< system, user, assistant, tool
    std::string content;
    std::optional<std::string> reasoning_content;
    std::vector<ToolCall> tool_calls;
    bool operator==(const Message&) const = default;
};

struct ChatOptions {
    bool add_generation_prompt = true;
    bool enable_thinking = true; ///< false: an empty think block is given
    std::vector<std::string> tools_json = {}; ///< one JSON object a tool
};

/// What an assistant's turn says, as text: think block (if it has reasoning_content), content, tool
/// calls. Inside the last turn it is what the model has to write.
std::string assistantText(const Message& message);

/// The conversation as Qwen3's template renders it (training-spec 6).
std::string renderChat(std::span<const Message> messages, const ChatOptions& options);

/// The same text in pieces, for SFT: `learn` marks what the assistant says (its end-of-turn
/// token included; without enable_thinking not the empty think block, which is then given). Joined
/// they are renderChat's text.
struct ChatPiece {
    std::string text;
    bool learn = false;
};
std::vector<ChatPiece> renderChatPieces(
    std::span<const Message> messages, const ChatOptions& options);

} // namespace zen
