#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/config/schema_aliases.h"
#include "core/config/schema_values.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>

namespace zen {

namespace {

std::string snakeCase(std::string_view name)
{
    std::string key(name);
    std::replace(key.begin(), key.end(), '-', '_');
    return key;
}

bool isWordOfKey(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
            || c == '_' || c == '-';
    });
}

/// One argument taken apart: `--key`, `--key=value` or `key=value`.
struct Argument {
    std::string shown; ///< as the person wrote it
    std::string key;
    std::optional<std::string> value;
};

std::optional<Argument> takeApart(const std::string& text)
{
    const bool has_dashes = text.starts_with("--");
    const std::string_view body = std::string_view(text).substr(has_dashes ? 2 : 0);
    const std::size_t equals = body.find('=');
    const std::string_view name = body.substr(0, equals);
    if (!isWordOfKey(name) || name.front() == '-'
        || (!has_dashes && equals == std::string_view::npos))
        return {};
    Argument argument{ text, snakeCase(name), {} };
    if (equals != std::string_view::npos)
        argument.value = std::string(body.substr(equals + 1));
    return argument;
}

class OverrideParser {
public:
    explicit OverrideParser(std::span<const std::string> arguments)
        : m_arguments(arguments)
    {
    }

    Overrides parse()
    {
        while (m_next < m_arguments.size()) {
            const std::string& text = m_arguments[m_next++];
            if (std::optional<Argument> argument = takeApart(text))
                add(std::move(*argument));
            else
                refuse({}, "`" + text + "`: expected --key value or key=value");
        }
        return std::move(m_result);
    }

private:
    void add(Argument argument)
    {
        if (const IgnoredKey* ignored = findIgnoredKey(argument.key)) {
            takeValue(argument, true);
            m_result.diagnostics.push_back({ Severity::warning, 0, 0, argument.key,
                argument.shown
                    + " is accepted but has no effect here: " + std::string(ignored->why),
                {} });
            return;
        }
        const Field* field = findField(argument.key);
        if (!field) {
            takeValue(argument, true);
            const std::string nearest = nearestKey(argument.key);
            refuse(argument.key,
                argument.shown + " is not a known key"
                    + (nearest.empty() ? std::string("; `gym keys` lists them")
                                       : "; did you mean --" + nearest + "?"));
            return;
        }
        const bool is_flag
            = field->type == FieldType::boolean || translatedWord(argument.key, "true") != "true";
        takeValue(argument, is_flag, field);
        if (!argument.value && is_flag)
            argument.value = "true";
        if (!argument.value) {
            refuse(argument.key, argument.shown + " needs a value");
            return;
        }
        addValue(*field, argument);
    }

    void addValue(const Field& field, const Argument& argument)
    {
        const auto value = valueFromArgument(field, argument.key, *argument.value);
        if (!value) {
            refuse(argument.key,
                argument.shown
                    + (argument.shown.find('=') == std::string::npos ? " " + *argument.value : "")
                    + ": " + value.error().message);
            return;
        }
        Edit edit{ std::string(field.key), {} };
        if (!std::holds_alternative<std::monostate>(*value))
            edit.value = toYaml(*value);
        m_result.edits.push_back(std::move(edit));
    }

    /// Takes the next argument as the value, unless there is one already; a flag takes only what it
    /// can read: true or false, or its field's own kind of value.
    void takeValue(Argument& argument, bool is_flag, const Field* field = nullptr)
    {
        if (argument.value || m_next >= m_arguments.size())
            return;
        const std::string& next = m_arguments[m_next];
        const bool readable
            = parseBool(next) || (field && valueFromArgument(*field, argument.key, next));
        const bool is_another = next.starts_with("--") || (is_flag && !readable);
        if (!is_another) {
            argument.value = next;
            ++m_next;
        }
    }

    void refuse(std::string key, std::string message)
    {
        m_result.diagnostics.push_back(
            { Severity::error, 0, 0, std::move(key), std::move(message), {} });
    }

    std::span<const std::string> m_arguments;
    std::size_t m_next = 0;
    Overrides m_result;
};

} // namespace

Overrides parseOverrides(std::span<const std::string> arguments)
{
    return OverrideParser(arguments).parse();
}

} // namespace zen
