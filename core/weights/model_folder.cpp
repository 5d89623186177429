#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/config/tiers.h"
#include "core/config/training_config.h"
#include "core/weights/checkpoint_folder.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace zen {

namespace fs = std::filesystem;

namespace {

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

/// The snapshot that refs/main names, else the one changed last.
fs::path newestSnapshot(const fs::path& cached_model)
{
    std::error_code ignored;
    if (auto revision = readFile(cached_model / "refs/main", 256)) {
        while (!revision->empty() && std::isspace(static_cast<unsigned char>(revision->back())))
            revision->pop_back();
        const fs::path snapshot = cached_model / "snapshots" / *revision;
        if (fs::is_directory(snapshot, ignored))
            return snapshot;
    }
    fs::path newest;
    fs::file_time_type newest_time{};
    for (const auto& item : fs::directory_iterator(cached_model / "snapshots", ignored)) {
        const auto time = item.last_write_time(ignored);
        if (item.is_directory(ignored) && (newest.empty() || time > newest_time)) {
            newest = item.path();
            newest_time = time;
        }
    }
    return newest;
}

/// Empty if the folder holds a model; else what it lacks.
std::string whatIsMissing(const fs::path& folder)
{
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored))
        return "no such folder";
    if (!fs::exists(folder / "config.json", ignored))
        return "it has no config.json";
    if (fs::exists(folder / "model.safetensors", ignored)
        || fs::exists(folder / "model.safetensors.index.json", ignored))
        return {};
    return "it has neither model.safetensors nor model.safetensors.index.json";
}

/// The tier that names this model though nothing is published under the name.
std::optional<Tier> tierOfUnpublished(const std::string& name)
{
    if (const auto tiers = loadTiers(resourceFolder() / "tiers.yaml"))
        for (const Tier& tier : *tiers)
            if (tier.model_id == name && (tier.shape_assumed || !tier.substitute_id.empty()))
                return tier;
    return std::nullopt;
}

fs::path withHome(const std::string& path)
{
    if (path == "~" || path.rfind("~/", 0) == 0)
        return fs::path(environment("HOME")) / (path.size() > 2 ? path.substr(2) : "");
    return path;
}

std::string adviceFor(const std::string& name)
{
    if (name == kStarter)
        return "The starter model is part of the program: run it from its own folder, or set "
               "ZEN_RESOURCES to "
               "its resources folder.";
    const bool is_hub_id = std::count(name.begin(), name.end(), '/') == 1 && name.front() != '/'
        && name.front() != '.' && name.front() != '~' && name.back() != '/';
    if (!is_hub_id)
        return "Give a folder in Hugging Face layout (config.json, tokenizer.json, "
               "model.safetensors), the hub id "
               "of a model, or zen/starter.";
    if (const auto tier = tierOfUnpublished(name)) {
        const std::string& nearest = tier->substitute_id;
        if (nearest.empty())
            return "No checkpoint is published under this name or of this shape: set "
                   "model_name_or_path to one that you have.";
        return "No checkpoint is published under this name; the nearest one is " + nearest
            + ". To get it: gym fetch " + nearest + ", and set model_name_or_path to " + nearest
            + ".";
    }
    return "To get the weights: gym fetch " + name
        + ", or copy config.json, tokenizer.json and all .safetensors files from "
          "https://huggingface.co/"
        + name + " into models/" + name + ".";
}

} // namespace

std::vector<fs::path> hubHomes()
{
    std::vector<fs::path> homes;
    if (const std::string home = environment("HF_HOME"); !home.empty())
        homes.push_back(withHome(home));
    if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
        homes.push_back(withHome(cache) / "huggingface");
    if (const std::string home = environment("HOME"); !home.empty())
        homes.push_back(fs::path(home) / ".cache/huggingface");
    return homes;
}

std::vector<fs::path> hubCacheFolders()
{
    std::vector<fs::path> folders;
    for (const char* name : { "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE" }) {
        if (const std::string value = environment(name); !value.empty())
            folders.push_back(withHome(value));
    }
    for (const fs::path& home : hubHomes())
        folders.push_back(home / "hub");
    return folders;
}

std::string hubCacheName(const std::string& id)
{
    std::string name = "models--";
    for (const char c : id)
        name += c == '/' ? std::string("--") : std::string(1, c);
    return name;
}

Result<fs::path> findModelFolder(const std::string& model_name_or_path)
{
    const std::string& name = model_name_or_path;
    if (name.empty() || name.find('\0') != std::string::npos)
        return fail(
            "no model is named: set model_name_or_path to a folder, a hub id or zen/starter");
    std::vector<fs::path> candidates;
    if (name == kStarter) {
        const fs::path resources = resourceFolder();
        candidates.push_back((resources.empty() ? fs::path("resources") : resources) / "starter");
    } else {
        const fs::path folder = withHome(name);
        candidates.push_back(folder);
        if (folder.is_relative()) {
            candidates.push_back(fs::path("models") / name);
            for (const fs::path& cache : hubCacheFolders()) {
                const fs::path cached = cache / hubCacheName(name);
                const fs::path snapshot = newestSnapshot(cached);
                candidates.push_back(snapshot.empty() ? cached : snapshot);
            }
        }
    }
    std::string looked;
    for (const fs::path& candidate : candidates) {
        const std::string missing = whatIsMissing(candidate);
        if (missing.empty())
            return candidate;
        std::error_code ignored;
        const fs::path shown = fs::absolute(candidate, ignored);
        looked += "\n  " + (ignored ? candidate : shown).string() + " (" + missing + ")";
    }
    return fail("the weights of " + name + " are not on this machine. Looked in:" + looked + "\n"
        + adviceFor(name));
}

} // namespace zen
