#include "core/config/reward_types.h"
#include "core/config/schema.h"
#include "core/config/schema_aliases.h"
#include "core/config/yaml_scalar.h"

namespace zen {

namespace {

std::string code(std::string_view text)
{
    return "`" + std::string(text) + "`";
}

std::string escaped(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        if (c == '|' || c == '<')
            result += '\\';
        result += c;
    }
    return result;
}

std::string_view typeName(FieldType type)
{
    switch (type) {
    case FieldType::boolean:
        return "true or false";
    case FieldType::integer:
        return "whole number";
    case FieldType::real:
        return "number";
    case FieldType::text:
        return "text";
    case FieldType::path:
        return "path";
    case FieldType::choice:
        return "choice";
    case FieldType::text_list:
        return "words";
    case FieldType::rewards:
        return "list of rewards";
    }
    return "";
}

std::string number(const Field& field, double value)
{
    if (field.type == FieldType::integer)
        return std::to_string(static_cast<std::int64_t>(value));
    return formatReal(value);
}

std::string allowed(const Field& field)
{
    std::string text;
    switch (field.type) {
    case FieldType::integer:
    case FieldType::real:
        text = (field.minimum_open ? "more than " : "") + number(field, field.minimum) + " to "
            + number(field, field.maximum);
        if (!field.unit.empty())
            text += ", " + std::string(field.unit);
        return text;
    case FieldType::choice:
    case FieldType::text_list:
        for (const std::string_view choice : field.choices)
            text += (text.empty() ? "" : ", ") + code(choice);
        return text.empty() ? std::string(typeName(field.type)) : text;
    default:
        return std::string(typeName(field.type));
    }
}

std::string defaultText(const Field& field)
{
    if (field.optional)
        return "decided by other fields";
    const std::string yaml = toYaml(defaultValue(field));
    return yaml == "\"\"" || yaml == "[]" ? "empty" : code(yaml);
}

std::string row(const Field& field)
{
    std::string text = "| " + code(field.key) + " | " + std::string(field.label) + " | "
        + defaultText(field) + " | " + allowed(field) + " | " + escaped(field.help);
    if (field.rl_only)
        text += " Not used for `stage: sft`.";
    if (!field.aliases.empty()) {
        text += " Also read as ";
        for (std::size_t i = 0; i < field.aliases.size(); ++i)
            text += (i > 0 ? ", " : "") + code(field.aliases[i]);
        text += ".";
    }
    return text + " |\n";
}

} // namespace

std::string schemaAsMarkdown()
{
    std::string text = "# Configuration keys\n\n"
                       "A configuration is a YAML file of `key: value` lines. Every key is "
                       "optional. On the command line, "
                       "`gym train FILE --key value` and `key=value` win over the file.\n";
    std::string_view group;
    for (const Field& field : schema()) {
        if (field.group != group) {
            group = field.group;
            text += "\n## " + std::string(group)
                + "\n\n| key | in the form | default | allowed | what it does "
                  "|\n|---|---|---|---|---|\n";
        }
        text += row(field);
    }
    text += "\n## Kinds of rewards\n\n"
            "Each entry of `rewards:` has a `type`, a `weight` (1.0 unless given), a `name` for "
            "the curves (the type unless "
            "given) and the settings of its kind.\n\n| type | what it gives |\n|---|---|\n";
    for (const RewardType& type : kRewardTypes)
        text += "| " + code(type.name) + " | " + escaped(type.help) + " |\n";
    text += "\n## Keys of other programs\n\n"
            "These are accepted, with a warning, and have no effect. Every other unknown key is an "
            "error.\n\n"
            "| key | why |\n|---|---|\n";
    for (const IgnoredKey& key : ignoredKeys())
        text += "| " + code(key.key) + " | " + escaped(key.why) + " |\n";
    return text;
}

} // namespace zen
