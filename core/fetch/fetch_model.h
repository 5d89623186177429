#pragma once

#include "core/base/result.h"
#include "core/fetch/hub_settings.h"
#include "core/fetch/progress_meter.h"
#include "core/fetch/retrying_client.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace zen {

// Goals: a repository of the hub on this disk, whole, verified, where findModelFolder() finds it;
// nothing fetched twice, nothing lost when it is cut off at any moment.
// Non-goals: uploading; data sets; several connections at a time.

/// What to fetch, and where to.
struct FetchRequest {
    std::string id; ///< Qwen/Qwen3-0.6B
    std::string revision = "main"; ///< a branch, a tag or a commit
    std::vector<std::string> patterns; ///< of file names; none: what a training needs
    std::filesystem::path folder; ///< a plain folder; empty: the hub's cache
};

/// What is on the disk after a fetch.
struct FetchedModel {
    std::filesystem::path folder; ///< with config.json and the weights
    std::string commit;
    std::size_t files = 0;
    std::uint64_t bytes = 0; ///< of all files
    std::uint64_t fetched_bytes = 0; ///< of the files that were not complete before
    bool stopped = false; ///< by the stop token: not whole yet; fetching again goes on
};

/// Empty if the request is well-formed; else what is wrong with it.
std::string whatIsWrongWith(const FetchRequest& request);

/// Fetches what is missing; `report` is called on this thread. Offline, the cache's own folder of
/// the revision is the answer. Errors say what to do: no such repository or file, a token or a
/// licence that is wanted, too little space, files of the same names in a plain folder, damage,
/// a line that stays broken (what came so far is kept).
Result<FetchedModel> fetchModel(const FetchRequest& request, const HubSettings& settings,
    const ReportProgress& report, const std::stop_token& stop, const RetryPolicy& patience = {});

} // namespace zen
