#pragma once

#include "core/base/diagnostic.h"
#include "core/base/result.h"
#include "core/config/training_config.h"
#include "core/text/chat_template.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace zen {

/// One row: what is asked, and what a good answer is.
struct Example {
    std::vector<Message> prompt; ///< up to the assistant's turn; system prompt included
    std::string response; ///< the reference answer's full text (SFT target, reference perplexity);
                          ///< may be empty
    std::vector<std::string> tools_json;
    std::map<std::string, std::string>
        columns; ///< every column as text (numbers as written); rewards read `answer`
    std::string source; ///< file:line, for messages
    bool operator==(const Example&) const = default;
};

struct Dataset {
    std::vector<Example> rows;
    std::vector<std::string> column_names;
};

/// Reads one file (.json array or .jsonl) with the layout that its dataset_info.json entry gives,
/// or that is recognised: alpaca, sharegpt/messages, prompt/answer columns, GSM8K (question, answer
/// with ####). Errors name file, line and column of the first bad place.
Result<Dataset> loadDatasetFile(const std::filesystem::path& file, const DataSection& options);

/// Everything a run needs: all files of `dataset` (names looked up in
/// dataset_dir/dataset_info.json, or paths), joined, cut to max_samples, split by seed into train
/// and held-out rows (or eval_dataset). Deterministic in (files, options, seed).
struct DatasetSplit {
    Dataset train;
    Dataset held_out;
    std::string fingerprint; ///< SHA-256 over the files' content and the options that matter; for
                             ///< resume checks
};
Result<DatasetSplit> loadDatasets(const DataSection& options, std::int64_t seed);

/// The files that `dataset` and `eval_dataset` name, resolved; an Error lists what was looked for
/// where. Cheap: for checks before a start.
Result<std::vector<std::filesystem::path>> findDatasetFiles(const DataSection& options);

/// A permutation of 0..count-1 that depends on nothing but (count, seed): Fisher-Yates over a
/// counter-based stream.
std::vector<std::size_t> permutation(std::size_t count, std::uint64_t seed);

} // namespace zen
