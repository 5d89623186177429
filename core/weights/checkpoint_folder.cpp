#include "core/weights/checkpoint_folder.h"

#include "core/base/durable_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestIndex = 100'000'000;

bool isSingleFileName(const std::string& name)
{
    return !name.empty() && name != "." && name != ".." && name.size() < 256
        && name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

bool isHexadecimal(const std::string& name)
{
    return !name.empty() && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A file of the folder itself, or a link as the hub's cache makes them:
/// snapshots/<revision>/<file> ->
/// ../../blobs/<hash>. Anything else would let a downloaded folder name files elsewhere.
Result<fs::path> fileInside(const fs::path& folder, const std::string& name)
{
    const fs::path path = folder / name;
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error || !fs::exists(status))
        return fail(path.string() + " does not exist. The download may be incomplete.");
    if (!fs::is_regular_file(status))
        return fail(path.string() + " is not a regular file");
    if (!fs::is_symlink(fs::symlink_status(path, error)))
        return path;
    const fs::path target = fs::canonical(path, error);
    const fs::path home = error ? fs::path() : fs::canonical(folder, error);
    if (error)
        return fail(path.string() + ": cannot follow the link: " + error.message());
    const bool in_folder = target.parent_path() == home;
    const bool in_blobs = target.parent_path() == home.parent_path().parent_path() / "blobs"
        && isHexadecimal(target.filename().string());
    if (!in_folder && !in_blobs)
        return fail(path.string() + " links to " + target.string()
            + ", outside the model's folder. Copy the file here instead.");
    return path;
}

Result<void> addShard(CheckpointFolder& checkpoint, const std::string& name)
{
    auto path = fileInside(checkpoint.folder, name);
    if (!path)
        return tl::unexpected(path.error());
    auto file = SafetensorsFile::open(*path);
    if (!file)
        return tl::unexpected(file.error());
    checkpoint.shards.push_back(std::move(*file));
    return {};
}

using WeightMap = std::map<std::string, std::string>;

Result<WeightMap> readIndex(const fs::path& path)
{
    auto text = readFile(path, kLargestIndex);
    if (!text)
        return tl::unexpected(text.error());
    bool duplicate = false;
    std::vector<std::set<std::string>> open_objects;
    const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (event == Event::object_start)
            open_objects.emplace_back();
        else if (event == Event::object_end && !open_objects.empty())
            open_objects.pop_back();
        else if (event == Event::key && !open_objects.empty())
            duplicate = !open_objects.back().insert(parsed.get<std::string>()).second || duplicate;
        return true;
    };
    const nlohmann::json json = nlohmann::json::parse(*text, watch, false);
    if (json.is_discarded() || !json.is_object())
        return fail(path.string() + ": not a JSON object");
    if (duplicate)
        return fail(path.string() + ": a key stands there twice");
    const auto map = json.find("weight_map");
    if (map == json.end() || !map->is_object() || map->empty())
        return fail(path.string() + ": weight_map is missing or empty");
    WeightMap result;
    for (const auto& [tensor, shard] : map->items()) {
        if (!shard.is_string() || !isSingleFileName(shard.get<std::string>()))
            return fail(path.string() + ": the shard of " + tensor
                + " must be the name of a file in the same folder, not "
                + shard.dump().substr(0, 120));
        result.emplace(tensor, shard.get<std::string>());
    }
    return result;
}

Result<void> openShards(
    CheckpointFolder& checkpoint, const WeightMap& weight_map, const fs::path& index)
{
    std::map<std::string, std::size_t> shard_index;
    for (const auto& [tensor, shard] : weight_map)
        shard_index.emplace(shard, 0);
    if (shard_index.size() > 10'000)
        return fail(index.string() + ": names " + std::to_string(shard_index.size())
            + " files; at most 10000 are read");
    for (auto& [shard, number] : shard_index) {
        number = checkpoint.shards.size();
        if (auto added = addShard(checkpoint, shard); !added)
            return added;
    }
    for (const auto& [tensor, shard] : weight_map) {
        const std::size_t number = shard_index.at(shard);
        if (checkpoint.shards[number].find(tensor) == nullptr)
            return fail(index.string() + ": " + tensor + " should be in " + shard + ", but is not");
        checkpoint.shard_of.emplace(tensor, number);
    }
    for (std::size_t number = 0; number < checkpoint.shards.size(); ++number) {
        for (const TensorEntry& entry : checkpoint.shards[number].entries()) {
            const auto found = checkpoint.shard_of.find(entry.name);
            if (found == checkpoint.shard_of.end())
                return fail(index.string() + ": " + entry.name + " is in "
                    + checkpoint.shards[number].path().filename().string()
                    + ", but the index does not name it");
            if (found->second != number)
                return fail(index.string() + ": " + entry.name + " is stored twice");
        }
    }
    return {};
}

} // namespace

Result<CheckpointFolder> openCheckpoint(const fs::path& folder)
{
    std::error_code ignored;
    CheckpointFolder checkpoint;
    checkpoint.folder = folder;
    checkpoint.config_json = folder / "config.json";
    if (!fs::is_regular_file(checkpoint.config_json, ignored))
        return fail(folder.string() + " has no config.json: not a model in Hugging Face layout");
    if (fs::is_regular_file(folder / "tokenizer.json", ignored))
        checkpoint.tokenizer_json = folder / "tokenizer.json";
    if (fs::is_regular_file(folder / "generation_config.json", ignored))
        checkpoint.generation_config_json = folder / "generation_config.json";

    const fs::path index = folder / "model.safetensors.index.json";
    if (fs::exists(folder / "model.safetensors", ignored)) {
        if (auto added = addShard(checkpoint, "model.safetensors"); !added)
            return tl::unexpected(added.error());
        for (const TensorEntry& entry : checkpoint.shards.front().entries())
            checkpoint.shard_of.emplace(entry.name, 0);
        return checkpoint;
    }
    if (!fs::exists(index, ignored))
        return fail(
            folder.string() + " has neither model.safetensors nor model.safetensors.index.json");
    auto weight_map = readIndex(index);
    if (!weight_map)
        return tl::unexpected(weight_map.error());
    if (auto opened = openShards(checkpoint, *weight_map, index); !opened)
        return tl::unexpected(opened.error());
    return checkpoint;
}

} // namespace zen
