#include "core/data/dataset_info.h"

#include "core/base/durable_file.h"
#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <array>

namespace zen {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxInfoBytes = std::size_t{ 16 } << 20;

std::string textOf(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::map<std::string, std::string>> readNames(const Json& entry, const char* key)
{
    std::map<std::string, std::string> names;
    const auto found = entry.find(key);
    if (found == entry.end() || found->is_null())
        return names;
    if (!found->is_object())
        return fail(std::string(key) + " must map names to text");
    for (const auto& [name, value] : found->items()) {
        if (value.is_null())
            continue;
        if (!value.is_string())
            return fail(std::string(key) + "." + name + " must be text");
        names[name] = value.get<std::string>();
    }
    return names;
}

std::string whyUnsupported(const Json& entry, const DatasetLayout& layout)
{
    const auto ranking = entry.find("ranking");
    if (ranking != entry.end() && *ranking == true)
        return "it holds preference pairs (chosen, rejected), which gspo, grpo and sft do not use";
    for (const char* media : { "images", "videos", "audios" })
        if (layout.columns.contains(media))
            return std::string("it has a column of ") + media + "; only text is read here";
    return {};
}

Result<DatasetEntry> readEntry(const std::string& name, const Json& json)
{
    if (!json.is_object())
        return fail("must be an object");
    DatasetEntry entry;
    entry.name = name;
    entry.file_name = textOf(json, "file_name");
    for (const char* key :
        { "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name" })
        if (entry.elsewhere.empty() && !textOf(json, key).empty())
            entry.elsewhere = std::string(key) + ": " + textOf(json, key);
    const std::string formatting = textOf(json, "formatting");
    if (!formatting.empty() && formatting != "alpaca" && formatting != "sharegpt")
        return fail("formatting \"" + formatting + "\" is not known; alpaca and sharegpt are");
    entry.layout.is_conversation = formatting == "sharegpt";
    auto columns = readNames(json, "columns");
    auto tags = readNames(json, "tags");
    if (!columns || !tags)
        return tl::unexpected(columns ? tags.error() : columns.error());
    entry.layout.columns = std::move(*columns);
    entry.layout.tags = std::move(*tags);
    entry.unsupported = whyUnsupported(json, entry.layout);
    if (const auto count = json.find("num_samples"); count != json.end() && !count->is_null()) {
        if (!count->is_number_unsigned() || count->get<std::uint64_t>() > INT32_MAX)
            return fail("num_samples must be a whole number");
        entry.num_samples = count->get<std::int64_t>();
    }
    return entry;
}

} // namespace

Result<std::vector<DatasetEntry>> readDatasetInfo(const std::filesystem::path& dataset_info_json)
{
    const Result<std::string> bytes = readFile(dataset_info_json, kMaxInfoBytes);
    if (!bytes)
        return tl::unexpected(bytes.error());
    std::string_view text = *bytes;
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    const auto root = readJson(text);
    if (!root) {
        const TextPosition at = positionOf(text, root.error().offset);
        return fail(dataset_info_json.string() + ", line " + std::to_string(at.line) + ", column "
            + std::to_string(at.column) + ": " + root.error().message);
    }
    if (!root->is_object())
        return fail(dataset_info_json.string() + " must be an object that maps names to datasets");
    std::vector<DatasetEntry> entries;
    for (const auto& [name, json] : root->items()) {
        auto entry = readEntry(name, json);
        if (!entry)
            return fail(
                dataset_info_json.string() + ", entry \"" + name + "\": " + entry.error().message);
        entries.push_back(std::move(*entry));
    }
    return entries;
}

} // namespace zen
