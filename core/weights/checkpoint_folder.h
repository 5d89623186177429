#pragma once

#include "core/base/result.h"
#include "core/weights/safetensors.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A model in Hugging Face layout: config.json, tokenizer.json, one model.safetensors or shards
/// with an index.
struct CheckpointFolder {
    std::filesystem::path folder;
    std::filesystem::path config_json;
    std::filesystem::path tokenizer_json; ///< empty if absent
    std::filesystem::path generation_config_json; ///< empty if absent
    std::vector<SafetensorsFile> shards; ///< opened and validated
    std::map<std::string, std::size_t> shard_of; ///< tensor name -> index in shards
};

/// Where a model of this name may lie: `zen/starter` -> resources/starter; a folder; models/<id>;
/// $HF_HOME or
/// ~/.cache/huggingface hub snapshots. The Error lists the folders looked in and says how to get
/// the weights. Cheap (no tensor is read): for checks before a start.
Result<std::filesystem::path> findModelFolder(const std::string& model_name_or_path);

/// The hub's own folders, the first one in use: $HF_HOME, $XDG_CACHE_HOME/huggingface,
/// ~/.cache/huggingface; those whose variable is set. A leading ~ counts.
std::vector<std::filesystem::path> hubHomes();

/// The folders in which downloads from the hub are kept, the first one to write to: $HF_HUB_CACHE,
/// $HUGGINGFACE_HUB_CACHE, then `hub` in each of hubHomes().
std::vector<std::filesystem::path> hubCacheFolders();

/// A model's folder in there: org/name -> models--org--name.
std::string hubCacheName(const std::string& id);

/// Opens every shard and checks the index: names are single file names inside the folder (or hub
/// cache blobs), every tensor is where the index says, none twice.
Result<CheckpointFolder> openCheckpoint(const std::filesystem::path& folder);

} // namespace zen
