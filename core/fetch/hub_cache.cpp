#include "core/fetch/hub_cache.h"

#include "core/base/durable_file.h"
#include "core/weights/checkpoint_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kDigitsInName = 12; ///< of a hash, to tell versions of a file apart
constexpr std::size_t kLongestRef = 256;

bool hasSize(const fs::path& path, std::uint64_t size)
{
    std::error_code error;
    return fs::is_regular_file(path, error) && fs::file_size(path, error) == size && !error;
}

Result<void> makeFolder(const fs::path& folder)
{
    std::error_code error;
    fs::create_directories(folder, error);
    std::error_code ignored;
    if (error && !fs::is_directory(folder, ignored))
        return fail("cannot create the folder " + folder.string() + ": " + error.message());
    return {};
}

} // namespace

ModelPlace ModelPlace::inCache(
    const fs::path& cache, const std::string& id, const std::string& commit)
{
    ModelPlace place;
    place.m_cached_model = cache / hubCacheName(id);
    place.m_locks = cache / ".locks" / hubCacheName(id);
    place.m_folder = place.m_cached_model / "snapshots" / commit;
    place.m_commit = commit;
    return place;
}

ModelPlace ModelPlace::inFolder(const fs::path& folder)
{
    ModelPlace place;
    place.m_folder = folder;
    return place;
}

FilePlace ModelPlace::placeOf(const HubFile& file) const
{
    FilePlace place;
    place.shown = m_folder / file.name;
    if (isCache()) {
        place.final = m_cached_model / "blobs" / file.id;
        place.incomplete = m_cached_model / "blobs" / (file.id + ".incomplete");
        place.lock = m_locks / (file.id + ".lock");
    } else {
        place.final = place.shown;
        place.incomplete
            = place.shown.string() + "." + file.id.substr(0, kDigitsInName) + ".incomplete";
        place.lock = place.incomplete;
    }
    return place;
}

bool ModelPlace::hasInCache(const HubFile& file) const
{
    const FilePlace place = placeOf(file);
    return isCache() && (hasSize(place.final, file.size) || hasSize(place.shown, file.size));
}

Result<void> ModelPlace::show(const HubFile& file) const
{
    const FilePlace place = placeOf(file);
    std::error_code error;
    if (!isCache() || (hasSize(place.shown, file.size) && !fs::is_symlink(place.shown, error)))
        return {};
    if (auto made = makeFolder(place.shown.parent_path()); !made)
        return made;
    const fs::path target = place.final.lexically_relative(place.shown.parent_path());
    if (fs::is_symlink(place.shown, error) && fs::read_symlink(place.shown, error) == target)
        return {};
    fs::remove(place.shown, error);
    fs::create_symlink(target, place.shown, error);
    if (error) // a file system without links
        fs::rename(place.final, place.shown, error);
    if (error)
        return fail("cannot create " + place.shown.string() + ": " + error.message());
    return syncPath(place.shown.parent_path());
}

Result<void> ModelPlace::nameRevision(const std::string& revision) const
{
    if (!isCache() || revision == m_commit)
        return {};
    const fs::path ref = m_cached_model / "refs" / revision;
    if (auto made = makeFolder(ref.parent_path()); !made)
        return made;
    return writeDurably(ref, m_commit);
}

std::string cachedCommit(const fs::path& cache, const std::string& id, const std::string& revision)
{
    const fs::path model = cache / hubCacheName(id);
    std::string commit = revision;
    if (auto named = readFile(model / "refs" / revision, kLongestRef)) {
        commit = std::move(*named);
        while (!commit.empty() && std::isspace(static_cast<unsigned char>(commit.back())) != 0)
            commit.pop_back();
    }
    std::error_code ignored;
    const bool is_name = !commit.empty() && commit.find('/') == std::string::npos && commit != "."
        && commit != "..";
    return is_name && fs::is_directory(model / "snapshots" / commit, ignored) ? commit
                                                                              : std::string();
}

Result<FileLock> FileLock::take(const fs::path& path)
{
    if (auto made = makeFolder(path.parent_path()); !made)
        return tl::unexpected(made.error());
    while (true) {
        FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        if (lock.m_descriptor < 0)
            return fail("cannot create " + path.string() + ": " + std::strerror(errno));
        if (::flock(lock.m_descriptor, LOCK_EX | LOCK_NB) != 0)
            return fail("another program is fetching this file (" + path.string()
                + " is locked); wait until it is done");
        struct stat held { };
        struct stat named { };
        if (::fstat(lock.m_descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev)
            return lock; // else its last holder renamed or removed it meanwhile
    }
}

FileLock::~FileLock()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

} // namespace zen
