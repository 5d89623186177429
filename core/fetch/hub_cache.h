#pragma once

#include "core/base/result.h"
#include "core/fetch/hub_listing.h"

#include <filesystem>
#include <string>
#include <utility>

namespace zen {

/// The files on disk that belong to one file of a repository.
struct FilePlace {
    std::filesystem::path final; ///< complete and verified
    std::filesystem::path incomplete; ///< its beginning, renamed to final when it is whole
    std::filesystem::path lock; ///< held while somebody writes
    std::filesystem::path shown; ///< where a model folder shows it; equal to final but in the cache
};

/// Where a repository at one commit is kept: the hub's cache (blobs/<hash>, snapshots/<commit>/
/// with links to them, refs/<revision>), or a plain folder.
class ModelPlace {
public:
    static ModelPlace inCache(
        const std::filesystem::path& cache, const std::string& id, const std::string& commit);
    static ModelPlace inFolder(const std::filesystem::path& folder);

    /// The folder that is a model when all is there.
    const std::filesystem::path& folder() const { return m_folder; }
    bool isCache() const { return !m_cached_model.empty(); }

    FilePlace placeOf(const HubFile& file) const;

    /// True if the cache has the whole file (its name is its hash), or shows one of its size.
    /// Always false for a plain folder, where a name says nothing of the bytes.
    bool hasInCache(const HubFile& file) const;

    /// Shows a complete file in the model folder: a link to the blob, or the file itself where the
    /// file system has no links.
    Result<void> show(const HubFile& file) const;

    /// refs/<revision> names the commit from now on. Nothing for a plain folder or a commit's own
    /// name.
    Result<void> nameRevision(const std::string& revision) const;

private:
    std::filesystem::path m_folder;
    std::filesystem::path m_cached_model; ///< models--org--name; empty for a plain folder
    std::filesystem::path m_locks;
    std::string m_commit;
};

/// The commit that the cache knows a revision by; empty if none.
std::string cachedCommit(
    const std::filesystem::path& cache, const std::string& id, const std::string& revision);

/// An exclusive lock on a file, made if absent, for as long as this lives: the hub's own tools
/// take the same one.
class FileLock {
public:
    /// Errors: another program holds it; the file cannot be made.
    static Result<FileLock> take(const std::filesystem::path& path);
    FileLock(FileLock&& other) noexcept
        : m_descriptor(std::exchange(other.m_descriptor, -1))
    {
    }
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

private:
    explicit FileLock(int descriptor)
        : m_descriptor(descriptor)
    {
    }
    int m_descriptor;
};

} // namespace zen
