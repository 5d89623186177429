#include "app/gym/commands.h"
#include "core/config/schema.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zen::gym {

namespace {

const char* nameOf(FieldType type)
{
    switch (type) {
    case FieldType::boolean:
        return "boolean";
    case FieldType::integer:
        return "integer";
    case FieldType::real:
        return "real";
    case FieldType::text:
        return "text";
    case FieldType::path:
        return "path";
    case FieldType::choice:
        return "choice";
    case FieldType::text_list:
        return "text list";
    case FieldType::rewards:
        return "rewards";
    }
    return "";
}

nlohmann::json asJson(const Field& field)
{
    nlohmann::json object{ { "key", field.key }, { "type", nameOf(field.type) },
        { "group", field.group }, { "label", field.label }, { "help", field.help },
        { "default", toYaml(defaultValue(field)) }, { "optional", field.optional },
        { "advanced", field.advanced }, { "rl_only", field.rl_only } };
    if (!field.unit.empty())
        object["unit"] = field.unit;
    if (field.type == FieldType::integer || field.type == FieldType::real) {
        object["minimum"] = field.minimum;
        object["maximum"] = field.maximum;
        object["minimum_open"] = field.minimum_open;
    }
    if (!field.choices.empty())
        object["choices"] = field.choices;
    if (!field.aliases.empty())
        object["aliases"] = field.aliases;
    return object;
}

} // namespace

int keys(const KeysArguments& arguments)
{
    if (!arguments.json) {
        fmt::print("{}", schemaAsMarkdown());
        return kDone;
    }
    nlohmann::json fields = nlohmann::json::array();
    for (const Field& field : schema())
        fields.push_back(asJson(field));
    fmt::print("{}\n", fields.dump(2));
    return kDone;
}

} // namespace zen::gym
