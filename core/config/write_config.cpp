#include "core/config/read_config.h"
#include "core/config/schema.h"

#include <algorithm>

namespace zen {

namespace {

bool alwaysStands(std::string_view key)
{
    return key == "model_name_or_path" || key == "stage" || key == "output_dir";
}

} // namespace

std::vector<std::string_view> groupsInOrder()
{
    std::vector<std::string_view> groups;
    for (const Field& field : schema())
        if (std::find(groups.begin(), groups.end(), field.group) == groups.end())
            groups.push_back(field.group);
    return groups;
}

std::string writeConfig(const TrainingConfig& config, bool all_fields)
{
    std::string text;
    for (const std::string_view group : groupsInOrder()) {
        std::string lines;
        for (const Field& field : schema()) {
            if (field.group != group)
                continue;
            const FieldValue value = field.get(config);
            if (std::holds_alternative<std::monostate>(value))
                continue;
            if (!all_fields && !alwaysStands(field.key) && value == defaultValue(field))
                continue;
            const std::string yaml = toYaml(value);
            lines += std::string(field.key) + ":" + (yaml.starts_with(' ') ? "\n" : " ") + yaml
                + "\n";
        }
        if (!lines.empty())
            text += (text.empty() ? "### " : "\n### ") + std::string(group) + "\n" + lines;
    }
    return text;
}

} // namespace zen
