#include "core/text/chat_template.h"

#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>

namespace zen {

namespace {

constexpr std::string_view kStart = "<|im_start|>";
constexpr std::string_view kEnd = "<|im_end|>";
constexpr std::string_view kThinkEnd = "</think>";
constexpr std::string_view kEmptyThought = "<think>\n\n</think>\n\n";

std::string_view withoutLeadingBreaks(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
    return text;
}

std::string_view withoutTrailingBreaks(std::string_view text)
{
    const std::size_t last = text.find_last_not_of('\n');
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

struct AssistantTurn {
    std::string_view reasoning;
    std::string_view content;
};

/// The thought is what stands before the first `</think>`, the answer what stands after the last.
AssistantTurn divide(const Message& message)
{
    const std::string_view text = message.content;
    if (message.reasoning_content)
        return { *message.reasoning_content, text };
    const std::size_t end = text.find(kThinkEnd);
    if (end == std::string_view::npos)
        return { {}, text };
    std::string_view reasoning = withoutTrailingBreaks(text.substr(0, end));
    constexpr std::string_view kThinkStart = "<think>";
    if (const std::size_t start = reasoning.rfind(kThinkStart); start != std::string_view::npos)
        reasoning.remove_prefix(start + kThinkStart.size());
    return { withoutLeadingBreaks(reasoning),
        withoutLeadingBreaks(text.substr(text.rfind(kThinkEnd) + kThinkEnd.size())) };
}

std::string toolCallsText(const Message& message, bool after_text)
{
    std::string text;
    for (const ToolCall& call : message.tool_calls) {
        if (after_text)
            text += '\n';
        after_text = true;
        text += "<tool_call>\n{\"name\": \"" + call.name
            + "\", \"arguments\": " + call.arguments_json + "}\n</tool_call>";
    }
    return text;
}

std::string thoughtText(std::string_view reasoning)
{
    return "<think>\n" + std::string(withoutLeadingBreaks(withoutTrailingBreaks(reasoning)))
        + "\n</think>\n\n";
}

/// Lines in the spacing of Python's json.dumps, whatever the file's was; text that is not JSON
/// stays as it is.
std::string toolText(const std::string& tool_json)
{
    const auto tool = readJson(tool_json);
    return tool ? writeSpacedJson(*tool) : tool_json;
}

bool isToolResponse(const Message& message)
{
    return message.content.starts_with("<tool_response>")
        && message.content.ends_with("</tool_response>");
}

/// Index of the last thing that a person asked; thoughts before it are dropped.
std::size_t lastQuery(std::span<const Message> messages)
{
    for (std::size_t i = messages.size(); i > 0; --i)
        if (messages[i - 1].role == "user" && !isToolResponse(messages[i - 1]))
            return i - 1;
    return messages.empty() ? 0 : messages.size() - 1;
}

class Renderer {
public:
    Renderer(std::span<const Message> messages, const ChatOptions& options)
        : m_messages(messages)
        , m_options(options)
        , m_last_query(lastQuery(messages))
    {
    }

    std::vector<ChatPiece> render()
    {
        systemTurn();
        for (std::size_t i = 0; i < m_messages.size(); ++i) {
            const Message& message = m_messages[i];
            if (message.role == "user" || (message.role == "system" && i > 0))
                given(turn(message.role, message.content));
            else if (message.role == "assistant")
                assistantTurn(i);
            else if (message.role == "tool")
                toolTurn(i);
        }
        if (m_options.add_generation_prompt) {
            given(std::string(kStart) + "assistant\n");
            if (!m_options.enable_thinking)
                given(std::string(kEmptyThought));
        }
        return std::move(m_pieces);
    }

private:
    static std::string turn(std::string_view role, std::string_view content)
    {
        return std::string(kStart).append(role).append("\n").append(content).append(kEnd).append(
            "\n");
    }
    void given(std::string text) { add(std::move(text), false); }
    void learned(std::string text) { add(std::move(text), true); }
    void add(std::string text, bool learn)
    {
        if (!m_pieces.empty() && m_pieces.back().learn == learn)
            m_pieces.back().text += text;
        else
            m_pieces.push_back({ std::move(text), learn });
    }

    void systemTurn()
    {
        const bool has_system = !m_messages.empty() && m_messages[0].role == "system";
        if (m_options.tools_json.empty()) {
            if (has_system)
                given(turn("system", m_messages[0].content));
            return;
        }
        std::string text = has_system ? m_messages[0].content + "\n\n" : "";
        text += "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                "You are provided with function signatures within <tools></tools> XML "
                "tags:\n<tools>";
        for (const std::string& tool : m_options.tools_json)
            text.append("\n").append(toolText(tool));
        text += "\n</tools>\n\nFor each function call, return a json object with function name and "
                "arguments within "
                "<tool_call></tool_call> XML tags:\n<tool_call>\n"
                "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
        given(turn("system", text));
    }

    void assistantTurn(std::size_t index)
    {
        const Message& message = m_messages[index];
        auto [reasoning, content] = divide(message);
        given(std::string(kStart) + "assistant\n");
        const bool is_last = index + 1 == m_messages.size();
        const bool has_calls = !message.tool_calls.empty();
        const bool calls_after_text = !content.empty();
        if (index > m_last_query && (is_last || !reasoning.empty())) {
            const std::string thought = thoughtText(reasoning);
            if (!m_options.enable_thinking && thought == kEmptyThought)
                given(thought);
            else
                learned(thought);
            content = withoutLeadingBreaks(content);
        }
        learned(std::string(content));
        if (has_calls)
            learned(toolCallsText(message, calls_after_text));
        learned(std::string(kEnd));
        given("\n");
    }

    void toolTurn(std::size_t index)
    {
        const auto isTool = [&](std::size_t i) { return m_messages[i].role == "tool"; };
        if (index == 0 || !isTool(index - 1))
            given(std::string(kStart) + "user");
        given("\n<tool_response>\n" + m_messages[index].content + "\n</tool_response>");
        if (index + 1 == m_messages.size() || !isTool(index + 1))
            given(std::string(kEnd) + "\n");
    }

    std::span<const Message> m_messages;
    const ChatOptions& m_options;
    std::size_t m_last_query;
    std::vector<ChatPiece> m_pieces;
};

} // namespace

std::string assistantText(const Message& message)
{
    std::string text;
    if (message.reasoning_content && !message.reasoning_content->empty())
        text = thoughtText(*message.reasoning_content)
            + std::string(withoutLeadingBreaks(message.content));
    else
        text = message.content;
    return text + toolCallsText(message, !message.content.empty());
}

std::string renderChat(std::span<const Message> messages, const ChatOptions& options)
{
    std::string text;
    for (const ChatPiece& piece : renderChatPieces(messages, options))
        text += piece.text;
    return text;
}

std::vector<ChatPiece> renderChatPieces(
    std::span<const Message> messages, const ChatOptions& options)
{
    return Renderer(messages, options).render();
}

} // namespace zen
