#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// Where a row keeps what: an entry of dataset_info.json, or nothing said (then columns are
/// recognised by name).
struct DatasetLayout {
    bool is_conversation = false; ///< `formatting: sharegpt`: the row holds a list of messages
    std::map<std::string, std::string>
        columns; ///< prompt, query, response, history, system, tools, messages -> column
    std::map<std::string, std::string>
        tags; ///< role_tag, content_tag, user_tag, … -> key or role in a message
    bool operator==(const DatasetLayout&) const = default;
};

/// One registered dataset, in the manner of LLaMA-Factory's dataset_info.json.
struct DatasetEntry {
    std::string name;
    std::string file_name; ///< a file or folder; empty if the entry has none
    std::string elsewhere; ///< the hub or script that it names instead
    std::string unsupported; ///< why rows of this kind cannot be used here; empty if they can
    std::int64_t num_samples = 0; ///< use the first so many rows; 0: all
    DatasetLayout layout;
};

/// All entries in the file's order. Errors: unreadable, not JSON (line and column), an entry of the
/// wrong form.
Result<std::vector<DatasetEntry>> readDatasetInfo(const std::filesystem::path& dataset_info_json);

/// A file to read rows from.
struct DatasetFile {
    std::filesystem::path path;
    DatasetLayout layout;
    std::int64_t max_rows = 0; ///< 0: all
};

/// The files of one item of `dataset:`: a name in dataset_dir/dataset_info.json, a file or a
/// folder. Relative paths are tried as they stand, in dataset_dir, and beside the program's
/// resources. Errors list everything that was looked for.
Result<std::vector<DatasetFile>> resolveDataset(
    const std::string& name, const std::filesystem::path& dataset_dir);

/// The layout that a dataset_info.json (in dataset_dir or beside `file`) registers for `file`; else
/// a plain one.
Result<DatasetFile> withRegisteredLayout(
    const std::filesystem::path& file, const std::filesystem::path& dataset_dir);

} // namespace zen
