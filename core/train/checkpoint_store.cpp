#include "core/train/checkpoint_store.h"

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "core/train/state_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr const char* kManifest = "manifest.json";
constexpr int kFormat = 1;
constexpr std::size_t kManifestLimit = std::size_t{ 1 } << 20;

/// The step in a folder's name; nullopt for anything else, symbolic links included.
std::optional<std::int64_t> stepOf(const fs::directory_entry& entry)
{
    const std::string name = entry.path().filename().string();
    constexpr std::string_view prefix = "step-";
    std::error_code ignored;
    if (!name.starts_with(prefix) || name.size() != prefix.size() + 8 || entry.is_symlink(ignored)
        || !entry.is_directory(ignored))
        return std::nullopt;
    std::int64_t step = 0;
    for (const char digit : name.substr(prefix.size())) {
        if (digit < '0' || digit > '9')
            return std::nullopt;
        step = step * 10 + (digit - '0');
    }
    return step;
}

/// Checkpoint folders, newest first.
std::vector<fs::path> newestFirst(const fs::path& folder)
{
    std::vector<std::pair<std::int64_t, fs::path>> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (const auto step = stepOf(entry))
            found.emplace_back(*step, entry.path());
    std::sort(found.rbegin(), found.rend());
    std::vector<fs::path> paths;
    for (auto& [step, path] : found)
        paths.push_back(std::move(path));
    return paths;
}

Result<std::uint64_t> writeManifest(const fs::path& staging, std::int64_t step)
{
    nlohmann::json files = nlohmann::json::object();
    std::uint64_t total = 0;
    for (const auto& entry : fs::directory_iterator(staging)) {
        const auto hash = sha256HexOfFile(entry.path());
        if (!hash)
            return tl::unexpected(hash.error());
        const std::uint64_t bytes = entry.file_size();
        total += bytes;
        files[entry.path().filename().string()] = { { "bytes", bytes }, { "sha256", *hash } };
    }
    const nlohmann::json manifest = { { "format", kFormat }, { "step", step }, { "files", files } };
    if (auto written = writeDurably(staging / kManifest, manifest.dump(1) + "\n"); !written)
        return tl::unexpected(written.error());
    return total;
}

Result<void> verifyFile(const fs::path& path, const nlohmann::json& entry)
{
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(path, error);
    if (error)
        return fail(path.string() + " is missing");
    if (!entry.contains("bytes") || entry["bytes"] != bytes)
        return fail(path.string() + " has not the size that the manifest states");
    const auto hash = sha256HexOfFile(path);
    if (!hash)
        return tl::unexpected(hash.error());
    if (!entry.contains("sha256") || entry["sha256"] != *hash)
        return fail(path.string() + " was altered: its SHA-256 is not the manifest's");
    return {};
}

} // namespace

Result<CheckpointStore::Saved> CheckpointStore::save(
    const Snapshot& snapshot, const Adapter* adapter) const
{
    Saved saved{ m_folder / fmt::format("step-{:08d}", snapshot.state.step), 0 };
    std::error_code ignored;
    if (fs::exists(saved.path, ignored)) { // a resume from further back comes by again
        if (verifyCheckpoint(saved.path))
            return saved;
        fs::remove_all(saved.path, ignored);
    }
    auto written = writeFolderDurably(saved.path, [&](const fs::path& staging) -> Result<void> {
        if (auto done = writeSnapshot(staging, snapshot, adapter); !done)
            return done;
        const auto bytes = writeManifest(staging, snapshot.state.step);
        if (!bytes)
            return tl::unexpected(bytes.error());
        saved.bytes = *bytes;
        return {};
    });
    if (!written)
        return tl::unexpected(written.error());
    if (auto verified = verifyCheckpoint(saved.path); !verified) {
        fs::remove_all(saved.path, ignored);
        return fail("the checkpoint just written cannot be read back: " + verified.error().message);
    }
    prune();
    return saved;
}

void CheckpointStore::prune() const
{
    if (m_keep <= 0)
        return;
    std::int64_t valid = 0;
    for (const fs::path& path : newestFirst(m_folder)) {
        if (valid >= m_keep) {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        } else if (verifyCheckpoint(path)) {
            ++valid;
        }
    }
}

CheckpointStore::Newest CheckpointStore::newestValid() const
{
    Newest newest;
    for (const fs::path& path : newestFirst(m_folder)) {
        auto verified = verifyCheckpoint(path);
        if (verified) {
            newest.path = path;
            return newest;
        }
        newest.damaged.push_back(verified.error().message);
    }
    return newest;
}

Result<void> verifyCheckpoint(const fs::path& checkpoint)
{
    const auto text = readFile(checkpoint / kManifest, kManifestLimit);
    if (!text)
        return fail("no manifest: " + text.error().message);
    const nlohmann::json manifest = nlohmann::json::parse(*text, nullptr, false);
    if (!manifest.is_object() || !manifest.contains("files") || !manifest["files"].is_object()
        || manifest["files"].empty())
        return fail((checkpoint / kManifest).string() + " is not a manifest");
    if (!manifest.contains("format") || manifest["format"] != kFormat)
        return fail(
            (checkpoint / kManifest).string() + " has a format that this version does not know");
    for (const auto& [name, entry] : manifest["files"].items()) {
        if (name.find('/') != std::string::npos || name == "..")
            return fail((checkpoint / kManifest).string() + " names a file outside of its folder");
        if (auto verified = verifyFile(checkpoint / name, entry); !verified)
            return verified;
    }
    return {};
}

Result<Snapshot> readCheckpoint(const fs::path& checkpoint)
{
    if (auto verified = verifyCheckpoint(checkpoint); !verified)
        return fail("the checkpoint is damaged: " + verified.error().message);
    return readSnapshot(checkpoint);
}

} // namespace zen
