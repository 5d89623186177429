#include "core/export/accepted_keys.h"

#include "core/base/durable_file.h"
#include "core/config/yaml_scalar.h"
#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace zen {

namespace {

using KeysJson = nlohmann::ordered_json;

std::vector<std::string> splitAt(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return parts;
        text.remove_prefix(at + 1);
    }
}

std::optional<std::string> yamlOf(const KeysJson& value)
{
    if (value.is_boolean())
        return value.get<bool>() ? "true" : "false";
    if (value.is_number_integer())
        return std::to_string(value.get<std::int64_t>());
    if (value.is_number())
        return formatReal(value.get<double>());
    if (value.is_string())
        return formatText(value.get<std::string>());
    return {};
}

AcceptedKey keyFrom(const KeysJson& json)
{
    AcceptedKey key;
    key.types = splitAt(json.value("type", "any"), '|');
    if (const auto found = json.find("choices"); found != json.end())
        for (const KeysJson& choice : *found)
            if (choice.is_string())
                key.choices.push_back(choice.get<std::string>());
    if (const auto found = json.find("default"); found != json.end())
        key.default_yaml = yamlOf(*found);
    key.is_required = json.value("required", false);
    for (const auto& [member, target] :
        { std::pair("keys", &key.keys), std::pair("items", &key.items) })
        if (const auto found = json.find(member); found != json.end())
            for (const auto& [name, value] : found->items())
                target->emplace(name, keyFrom(value));
    if (const std::string prefix = json.value("optional_prefix", ""); !prefix.empty())
        for (const auto& [name, member] : std::map(key.keys))
            key.keys.emplace(prefix + name, member);
    return key;
}

ValueConversion conversionNamed(const std::string& name)
{
    if (name == "pydantic")
        return ValueConversion::pydantic;
    return name == "argparse" ? ValueConversion::argparse : ValueConversion::none;
}

} // namespace

bool AcceptedKey::accepts(std::string_view type) const
{
    return std::find(types.begin(), types.end(), type) != types.end();
}

const AcceptedKey* AcceptedKeys::find(std::string_view dotted_key) const
{
    const auto* level = &keys;
    const AcceptedKey* found = nullptr;
    for (const std::string& part : splitAt(dotted_key, '.')) {
        if (found && found->keys.empty())
            return found->accepts("dict") || found->accepts("any") ? found : nullptr;
        const auto at = level->find(part);
        if (at == level->end())
            return nullptr;
        found = &at->second;
        level = &found->keys;
    }
    return found;
}

Result<AcceptedKeys> readAcceptedKeys(const std::filesystem::path& file)
{
    const Result<std::string> bytes = readFile(file, std::size_t{ 4 } << 20);
    if (!bytes)
        return tl::unexpected(bytes.error());
    const auto json = readJson(*bytes);
    if (!json)
        return fail(file.string() + ": " + json.error().message);
    if (!json->is_object() || !json->contains("keys") || !(*json)["keys"].is_object())
        return fail(file.string() + " has no object keys");
    try {
        AcceptedKeys accepted;
        accepted.tool = json->value("tool", "");
        accepted.version = json->value("version", "");
        accepted.date = json->value("date", "");
        accepted.strict = json->value("strict", true);
        accepted.reading = json->value("floats", "") == "omegaconf" ? NumberReading::omegaconf
                                                                    : NumberReading::yaml11;
        accepted.conversion = conversionNamed(json->value("conversion", ""));
        for (const auto& [name, value] : (*json)["keys"].items())
            accepted.keys.emplace(name, keyFrom(value));
        return accepted;
    } catch (const nlohmann::json::exception& wrong) {
        return fail(file.string() + ": " + jsonFaultText(wrong.what()));
    }
}

} // namespace zen
