#pragma once

#include "core/fetch/hub_cache.h"
#include "core/fetch/retrying_client.h"

namespace zen {

enum class FileEnd {
    complete, ///< verified, on disk, at its final place
    refused, ///< the server's answer is in the outcome
    stopped, ///< what came so far stays in the incomplete file
};

/// How a file's fetch ended.
struct FileOutcome {
    FileEnd end = FileEnd::complete;
    HttpOutcome answer; ///< of refused
};

/// Fetches one file to its final place: takes its lock, goes on from what an incomplete file has,
/// appends as the bytes come (needing no other space), verifies size and hash, fsyncs and renames.
/// A file that was put together from parts and has a wrong hash is fetched once more from its
/// start; one that came whole and is wrong is deleted. A blob of another size in the cache is
/// replaced. Errors: disk, lock, a wrong size or hash, another file of that name in a plain folder.
Result<FileOutcome> fetchFile(const HubFile& file, const FilePlace& place, const std::string& url,
    RetryingClient& client, ProgressMeter& meter, const std::stop_token& stop);

/// The Error for a plain folder that has files of these names with other bytes.
tl::unexpected<Error> otherFilesThere(
    const std::filesystem::path& folder, const std::string& names);

/// True if the file on disk has this size and hash; counts what it reads. Errors: unreadable.
/// Empty: stopped.
Result<std::optional<bool>> isSameFile(const HubFile& file, const std::filesystem::path& path,
    ProgressMeter& meter, const std::stop_token& stop);

} // namespace zen
