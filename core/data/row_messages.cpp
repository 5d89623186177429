#include "core/data/row_messages.h"

#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace zen {

namespace {

using Json = nlohmann::ordered_json;
using Tags = std::map<std::string, std::string>;

constexpr const char* kFunctionCall = "function_call";

const Json* fieldOf(const Json& object, const std::string& key)
{
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

/// The key that the tags name, else the first of `usual` that is there.
const Json* tagged(const Json& message, const Tags& tags, const char* tag,
    std::initializer_list<const char*> usual)
{
    if (const auto named = tags.find(tag); named != tags.end())
        return fieldOf(message, named->second);
    for (const char* key : usual)
        if (const Json* value = fieldOf(message, key))
            return value;
    return nullptr;
}

Result<std::string> roleOf(const std::string& name, const Tags& tags)
{
    static constexpr std::array<std::pair<const char*, const char*>, 5> kTags{
        { { "user_tag", "user" }, { "assistant_tag", "assistant" }, { "system_tag", "system" },
            { "observation_tag", "tool" }, { "function_tag", kFunctionCall } }
    };
    for (const auto& [tag, role] : kTags)
        if (const auto named = tags.find(tag); named != tags.end() && named->second == name)
            return std::string(role);
    static constexpr std::array<std::pair<const char*, const char*>, 11> kUsual{
        { { "user", "user" }, { "human", "user" }, { "assistant", "assistant" },
            { "gpt", "assistant" }, { "model", "assistant" }, { "system", "system" },
            { "developer", "system" }, { "tool", "tool" }, { "observation", "tool" },
            { "function", "tool" }, { "function_call", kFunctionCall } }
    };
    for (const auto& [usual, role] : kUsual)
        if (name == usual)
            return std::string(role);
    return fail("the role \"" + name + "\" is not known (system, user, assistant and tool are)");
}

/// Text, or OpenAI's list of text parts.
Result<std::string> contentText(const Json& content)
{
    if (content.is_string())
        return content.get<std::string>();
    if (!content.is_array())
        return fail(std::string("its content is ") + content.type_name() + ", not text");
    std::string text;
    for (const Json& part : content) {
        const Json* part_text = part.is_object() ? fieldOf(part, "text") : nullptr;
        if (!part_text || !part_text->is_string())
            return fail("its content has a part that is not text");
        text += part_text->get<std::string>();
    }
    return text;
}

Result<ToolCall> readToolCall(const Json& json)
{
    const Json* function = json.is_object() ? fieldOf(json, "function") : nullptr;
    const Json& call = function ? *function : json;
    const Json* name = call.is_object() ? fieldOf(call, "name") : nullptr;
    if (!name || !name->is_string())
        return fail("a tool call needs a name");
    const Json* arguments = fieldOf(call, "arguments");
    if (!arguments || arguments->is_null())
        return ToolCall{ name->get<std::string>(), "{}" };
    if (arguments->is_string())
        return ToolCall{ name->get<std::string>(), arguments->get<std::string>() };
    return ToolCall{ name->get<std::string>(), writeSpacedJson(*arguments) };
}

Result<std::vector<ToolCall>> readToolCalls(const Json& json)
{
    std::vector<ToolCall> calls;
    if (!json.is_array()) {
        auto call = readToolCall(json);
        if (!call)
            return tl::unexpected(call.error());
        calls.push_back(std::move(*call));
        return calls;
    }
    for (const Json& item : json) {
        auto call = readToolCall(item);
        if (!call)
            return tl::unexpected(call.error());
        calls.push_back(std::move(*call));
    }
    return calls;
}

Result<Message> functionCall(const std::string& text)
{
    const auto json = readJson(text);
    if (!json)
        return fail("its function call is not JSON: " + json.error().message);
    auto calls = readToolCalls(*json);
    if (!calls)
        return tl::unexpected(calls.error());
    return Message{ "assistant", "", std::nullopt, std::move(*calls) };
}

Result<Message> readMessage(const Json& json, const Tags& tags)
{
    if (!json.is_object())
        return fail(std::string("is ") + json.type_name() + ", not an object");
    const Json* role_name = tagged(json, tags, "role_tag", { "role", "from" });
    if (!role_name || !role_name->is_string())
        return fail("has no role");
    const auto role = roleOf(role_name->get<std::string>(), tags);
    if (!role)
        return tl::unexpected(role.error());
    const Json* content = tagged(json, tags, "content_tag", { "content", "value" });
    const Json* tool_calls = fieldOf(json, "tool_calls");
    const bool has_calls = tool_calls && tool_calls->is_array() && !tool_calls->empty();
    if ((!content || content->is_null()) && !has_calls)
        return fail("has no content");
    Result<std::string> text
        = content && !content->is_null() ? contentText(*content) : std::string();
    if (!text)
        return tl::unexpected(text.error());
    if (*role == kFunctionCall)
        return functionCall(*text);
    Message message{ *role, std::move(*text), std::nullopt, {} };
    if (const Json* reasoning = fieldOf(json, "reasoning_content");
        reasoning && reasoning->is_string())
        message.reasoning_content = reasoning->get<std::string>();
    if (has_calls) {
        auto calls = readToolCalls(*tool_calls);
        if (!calls)
            return tl::unexpected(calls.error());
        message.tool_calls = std::move(*calls);
    }
    return message;
}

} // namespace

Result<std::vector<Message>> readMessages(const Json& list, const Tags& tags)
{
    if (!list.is_array())
        return fail(std::string("is ") + list.type_name() + ", not a list of messages");
    std::vector<Message> messages;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto message = readMessage(list[i], tags);
        if (!message)
            return fail("message " + std::to_string(i + 1) + ": " + message.error().message);
        messages.push_back(std::move(*message));
    }
    return messages;
}

Result<std::vector<std::string>> readTools(const Json& value)
{
    std::vector<std::string> tools;
    if (value.is_null())
        return tools;
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        if (text.find_first_not_of(" \t\r\n") == std::string::npos)
            return tools;
        const auto json = readJson(text);
        if (!json)
            return fail("is not a JSON list of tools: " + json.error().message);
        return json->is_string() ? fail("is not a list of tools") : readTools(*json);
    }
    if (!value.is_array())
        return fail(std::string("is ") + value.type_name() + ", not a list of tools");
    for (const Json& tool : value) {
        if (!tool.is_object())
            return fail("has a tool that is not an object");
        const Json* type = fieldOf(tool, "type");
        if (type && *type == "function")
            tools.push_back(writeSpacedJson(tool));
        else
            tools.push_back(
                "{\"type\": \"function\", \"function\": " + writeSpacedJson(tool) + "}");
    }
    return tools;
}

} // namespace zen
