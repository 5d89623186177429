#include "core/data/row_columns.h"

#include "core/data/row_messages.h"
#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <initializer_list>

namespace zen {

namespace {

using Json = nlohmann::ordered_json;

const Json* member(const Json& row, const std::string& key)
{
    if (key.empty())
        return nullptr;
    const auto found = row.find(key);
    return found == row.end() ? nullptr : &*found;
}

std::string firstOf(const Json& row, std::initializer_list<const char*> names)
{
    for (const char* name : names)
        if (row.contains(name))
            return name;
    return {};
}

std::string columnNames(const Json& row)
{
    constexpr std::size_t kShown = 12;
    std::string names;
    std::size_t count = 0;
    for (const auto& item : row.items()) {
        if (++count > kShown)
            return names + ", …";
        names += (names.empty() ? "" : ", ") + item.key();
    }
    return names.empty() ? "none" : names;
}

std::string missing(const std::string& column, const Json& row)
{
    return "the column \"" + column + "\" is missing (columns here: " + columnNames(row) + ")";
}

std::string wrongType(const std::string& column, const Json& value)
{
    return "\"" + column + "\" is " + value.type_name() + ", not text";
}

bool isBlank(const std::string& text)
{
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// A column's value as text: texts as they are, numbers as written, lists and objects as JSON.
std::string valueText(const std::string& name, const Json& value,
    const std::map<std::string, std::string>& number_texts)
{
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_number_float())
        if (const auto text = number_texts.find(name); text != number_texts.end())
            return text->second;
    return writeSpacedJson(value);
}

/// An optional text column: empty if it is missing or null.
Result<std::string> optionalText(const Json& row, const std::string& column)
{
    const Json* value = member(row, column);
    if (!value || value->is_null())
        return std::string();
    if (!value->is_string())
        return fail(wrongType(column, *value));
    return value->get<std::string>();
}

} // namespace

Result<RowColumns> RowColumns::choose(
    const Json& first_row, const DatasetLayout& layout, const DataSection& options)
{
    RowColumns columns;
    columns.m_layout = layout;
    columns.m_system_prompt = options.system_prompt;
    const auto named = [&](const char* what) {
        const auto found = layout.columns.find(what);
        return found == layout.columns.end() ? std::string() : found->second;
    };
    columns.m_prompt = options.prompt_column;
    if (columns.m_prompt.empty())
        columns.m_prompt = named(layout.is_conversation ? "messages" : "prompt");
    if (columns.m_prompt.empty() && layout.is_conversation)
        columns.m_prompt = firstOf(first_row, { "conversations", "messages", "conversation" });
    else if (columns.m_prompt.empty())
        columns.m_prompt = firstOf(first_row,
            { "prompt", "question", "instruction", "problem", "messages", "conversations" });
    if (columns.m_prompt.empty())
        return fail("no column could be the prompt (columns here: " + columnNames(first_row)
            + "); name it with prompt_column");

    columns.m_query = named("query");
    if (columns.m_query.empty() && layout.columns.empty() && columns.m_prompt == "instruction")
        columns.m_query = "input";
    columns.m_history = named("history");
    if (columns.m_history.empty() && layout.columns.empty() && columns.m_prompt == "instruction")
        columns.m_history = "history";

    columns.m_response = options.answer_column;
    columns.m_response_was_named = !columns.m_response.empty();
    if (columns.m_response.empty())
        columns.m_response = named("response");
    // A full text is a better reference than a bare result, which rewards find in `columns` anyhow.
    if (columns.m_response.empty() && (layout.columns.empty() || layout.is_conversation))
        columns.m_response
            = firstOf(first_row, { "completion", "output", "response", "solution", "answer" });
    return columns;
}

Result<Example> RowColumns::example(
    const Json& row, const std::map<std::string, std::string>& number_texts) const
{
    if (!row.is_object())
        return fail(std::string("the row is ") + row.type_name() + ", not an object with columns");
    Example example;
    auto prompt = promptOf(row);
    if (!prompt)
        return tl::unexpected(prompt.error());
    example.prompt = std::move(*prompt);
    for (const auto& step : { &RowColumns::takeResponse, &RowColumns::takeTools })
        if (const Result<void> done = (this->*step)(row, example); !done)
            return tl::unexpected(done.error());
    if (const Result<void> done = addSystem(row, example.prompt); !done)
        return tl::unexpected(done.error());
    for (const auto& [name, value] : row.items())
        if (!value.is_null())
            example.columns.emplace(name, valueText(name, value, number_texts));
    if (!example.response.empty())
        example.columns.emplace("answer", example.response);
    return example;
}

Result<std::vector<Message>> RowColumns::promptOf(const Json& row) const
{
    const Json* value = member(row, m_prompt);
    if (!value)
        return fail(missing(m_prompt, row));
    if (value->is_array()) {
        auto messages = readMessages(*value, m_layout.tags);
        if (!messages)
            return fail("\"" + m_prompt + "\" " + messages.error().message);
        return messages;
    }
    if (m_layout.is_conversation)
        return fail("\"" + m_prompt + "\" is " + value->type_name() + ", not a list of messages");
    if (!value->is_string())
        return fail(wrongType(m_prompt, *value));
    std::vector<Message> prompt;
    if (const Result<void> done = addHistory(row, prompt); !done)
        return tl::unexpected(done.error());
    auto query = optionalText(row, m_query);
    if (!query)
        return tl::unexpected(query.error());
    std::string text = value->get<std::string>();
    if (!query->empty())
        text += (text.empty() ? "" : "\n") + *query;
    if (isBlank(text))
        return fail("\"" + m_prompt + "\" is empty");
    prompt.push_back({ "user", std::move(text), std::nullopt, {} });
    return prompt;
}

Result<void> RowColumns::addHistory(const Json& row, std::vector<Message>& prompt) const
{
    const Json* history = member(row, m_history);
    if (!history || history->is_null())
        return {};
    const std::string form
        = "\"" + m_history + "\" must be a list of [question, answer] pairs of texts";
    if (!history->is_array())
        return fail(form);
    for (const Json& turn : *history) {
        if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string())
            return fail(form);
        prompt.push_back({ "user", turn[0].get<std::string>(), std::nullopt, {} });
        prompt.push_back({ "assistant", turn[1].get<std::string>(), std::nullopt, {} });
    }
    return {};
}

Result<void> RowColumns::addSystem(const Json& row, std::vector<Message>& prompt) const
{
    if (!prompt.empty() && prompt.front().role == "system")
        return {};
    const auto named = m_layout.columns.find("system");
    auto system = optionalText(row,
        named != m_layout.columns.end() ? named->second
                                        : firstOf(row, { "system", "system_prompt" }));
    if (!system)
        return tl::unexpected(system.error());
    const std::string& text = system->empty() ? m_system_prompt : *system;
    if (!text.empty())
        prompt.insert(prompt.begin(), Message{ "system", text, std::nullopt, {} });
    return {};
}

Result<void> RowColumns::takeResponse(const Json& row, Example& example) const
{
    std::vector<Message>& prompt = example.prompt;
    const Json* value = member(row, m_response);
    if (value && value->is_array()) {
        auto messages = readMessages(*value, m_layout.tags);
        if (!messages)
            return fail("\"" + m_response + "\" " + messages.error().message);
        prompt.insert(prompt.end(), messages->begin(), messages->end());
    }
    const bool ends_with_answer = !prompt.empty() && prompt.back().role == "assistant";
    if (ends_with_answer) {
        example.response = assistantText(prompt.back());
        prompt.pop_back();
    }
    bool is_asked = false;
    for (const Message& message : prompt)
        is_asked = is_asked || (message.role == "user" && !isBlank(message.content));
    if (!is_asked)
        return fail("\"" + m_prompt + "\" has no user message to answer");
    if (m_response.empty() || (ends_with_answer && !m_response_was_named))
        return {};
    if (!value)
        return fail(missing(m_response, row));
    if (value->is_string())
        example.response = value->get<std::string>();
    else if (value->is_number() || value->is_boolean())
        example.response = writeSpacedJson(*value);
    else if (!value->is_null() && !value->is_array())
        return fail(wrongType(m_response, *value));
    return {};
}

Result<void> RowColumns::takeTools(const Json& row, Example& example) const
{
    const auto named = m_layout.columns.find("tools");
    const bool was_named = named != m_layout.columns.end();
    const std::string column = was_named ? named->second : "tools";
    const Json* value = member(row, column);
    if (!value)
        return {};
    auto tools = readTools(*value);
    if (tools)
        example.tools_json = std::move(*tools);
    else if (was_named)
        return fail("\"" + column + "\" " + tools.error().message);
    return {};
}

} // namespace zen
