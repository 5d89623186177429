#pragma once

#include "core/base/content_digest.h"
#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// One file of a repository, as the hub lists it.
struct HubFile {
    std::string name; ///< relative, with `/`; checked to stay inside its folder
    std::uint64_t size = 0;
    std::string id; ///< what the bytes must hash to: 64 digits of SHA-256, or git's 40
    bool operator==(const HubFile&) const = default;

    ContentDigest digest() const; ///< a fresh one of the id's kind
};

/// A repository at one commit.
struct HubListing {
    std::string commit; ///< 40 hexadecimal digits
    std::vector<HubFile> files;
};

/// Empty if `id` can name a repository (org/name, or a name alone); else what is wrong with it.
std::string whatIsWrongWithId(std::string_view id);

/// Empty if `revision` can name a branch, a tag or a commit; else what is wrong with it.
std::string whatIsWrongWithRevision(std::string_view revision);

/// {endpoint}/api/models/{id}/revision/{revision}?blobs=true
std::string listingUrl(
    const std::string& endpoint, const std::string& id, const std::string& revision);

/// {endpoint}/{id}/resolve/{commit}/{file}
std::string fileUrl(const std::string& endpoint, const std::string& id, const std::string& commit,
    const std::string& file);

/// Reads the hub's answer. Errors: not the expected JSON, no commit, a file name that would leave
/// its folder (absolute, `..`, backslash, control character), the same name twice, a missing hash,
/// a size that is missing or more than any file has, or sizes whose sum cannot be counted.
Result<HubListing> parseListing(std::string_view json);

/// What a training needs and nothing else: config.json, generation_config.json, tokenizer and chat
/// template files, .safetensors with their index, the licence; at the top of the repository.
bool isNeeded(std::string_view name);

/// The files to fetch: those needed, or those that match one of `patterns` (`*`, `?`, `[…]`; `*`
/// also matches `/`). What makes a folder count as a model comes last. Errors: nothing matches; no
/// .safetensors where no pattern was given.
Result<std::vector<HubFile>> selectFiles(
    const HubListing& listing, const std::vector<std::string>& patterns);

} // namespace zen
