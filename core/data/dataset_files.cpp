#include "core/base/machine.h"
#include "core/data/dataset_info.h"

#include <algorithm>

namespace zen {

namespace {

namespace fs = std::filesystem;

constexpr const char* kInfoName = "dataset_info.json";
constexpr std::size_t kNamesShown = 8;

/// `path` in every place where a relative path may lie, without repeats.
std::vector<fs::path> places(const fs::path& path, const fs::path& dataset_dir)
{
    std::vector<fs::path> all{ path };
    if (path.is_relative()) {
        all.push_back(dataset_dir / path);
        if (const fs::path resources = resourceFolder(); !resources.empty()) {
            all.push_back(resources.parent_path() / path);
            if (dataset_dir.is_relative())
                all.push_back(resources.parent_path() / dataset_dir / path);
        }
    }
    std::vector<fs::path> distinct;
    for (const fs::path& place : all)
        if (std::find(distinct.begin(), distinct.end(), place.lexically_normal()) == distinct.end())
            distinct.push_back(place.lexically_normal());
    return distinct;
}

bool isThere(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(path, ignored);
}

bool isRowFile(const fs::path& path)
{
    const std::string extension = path.extension().string();
    return extension == ".json" || extension == ".jsonl";
}

std::string listed(const std::vector<fs::path>& paths)
{
    std::string text;
    for (const fs::path& path : paths)
        text += (text.empty() ? "" : ", ") + path.string();
    return text;
}

/// The file itself, or the row files of a folder in the order of their names.
Result<std::vector<fs::path>> rowFiles(const fs::path& path)
{
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        if (!isRowFile(path))
            return fail(path.string()
                + " is neither .json nor .jsonl; convert it to one JSON object a line");
        return std::vector{ path };
    }
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(path, error))
        if (isRowFile(item.path()) && item.path().filename() != kInfoName
            && fs::is_regular_file(item.path(), error))
            files.push_back(item.path());
    if (error)
        return fail(path.string() + ": " + error.message());
    if (files.empty())
        return fail("the folder " + path.string() + " has no .json or .jsonl file");
    std::sort(files.begin(), files.end());
    return files;
}

struct Registry {
    fs::path folder;
    std::vector<DatasetEntry> entries;
};

/// The registry in `folder`; an empty one if there is no file.
Result<Registry> registryIn(const fs::path& folder)
{
    if (!isThere(folder / kInfoName))
        return Registry{ folder, {} };
    auto entries = readDatasetInfo(folder / kInfoName);
    if (!entries)
        return tl::unexpected(entries.error());
    return Registry{ folder, std::move(*entries) };
}

fs::path registryFolder(const fs::path& dataset_dir)
{
    if (dataset_dir.is_relative() && !isThere(dataset_dir / kInfoName))
        if (const fs::path resources = resourceFolder(); !resources.empty())
            if (isThere(resources.parent_path() / dataset_dir / kInfoName))
                return resources.parent_path() / dataset_dir;
    return dataset_dir;
}

/// Where an entry's file may lie: beside the registry first.
std::vector<fs::path> entryPlaces(const DatasetEntry& entry, const fs::path& folder)
{
    const fs::path file = entry.file_name;
    std::vector<fs::path> all{ (folder / file).lexically_normal() };
    for (const fs::path& place : places(file, folder))
        if (std::find(all.begin(), all.end(), place) == all.end())
            all.push_back(place);
    return all;
}

Result<std::vector<DatasetFile>> filesOfEntry(const DatasetEntry& entry, const fs::path& folder)
{
    const std::string name = "dataset \"" + entry.name + "\" in " + (folder / kInfoName).string();
    if (!entry.unsupported.empty())
        return fail(name + " cannot be used: " + entry.unsupported);
    if (entry.file_name.empty())
        return fail(name
            + (entry.elsewhere.empty() ? " has no file_name"
                                       : " is not on this machine (" + entry.elsewhere
                        + "); download it as .json or .jsonl and give its file_name"));
    const std::vector<fs::path> looked = entryPlaces(entry, folder);
    const auto found = std::find_if(looked.begin(), looked.end(), isThere);
    if (found == looked.end())
        return fail(name + ": no such file; looked for " + listed(looked));
    const auto files = rowFiles(*found);
    if (!files)
        return fail(name + ": " + files.error().message);
    std::vector<DatasetFile> result;
    for (const fs::path& file : *files)
        result.push_back({ file, entry.layout, entry.num_samples });
    return result;
}

std::string knownNames(const std::vector<DatasetEntry>& entries)
{
    std::string text;
    for (std::size_t i = 0; i < entries.size() && i < kNamesShown; ++i)
        text += (i == 0 ? "" : ", ") + entries[i].name;
    return text + (entries.size() > kNamesShown ? ", …" : "");
}

} // namespace

Result<std::vector<DatasetFile>> resolveDataset(
    const std::string& name, const fs::path& dataset_dir)
{
    if (name.empty())
        return fail("dataset has an empty name");
    const auto registry = registryIn(registryFolder(dataset_dir));
    if (!registry)
        return tl::unexpected(registry.error());
    for (const DatasetEntry& entry : registry->entries)
        if (entry.name == name)
            return filesOfEntry(entry, registry->folder);

    const std::vector<fs::path> looked = places(name, dataset_dir);
    const auto found = std::find_if(looked.begin(), looked.end(), isThere);
    if (found == looked.end()) {
        const std::string info = (registry->folder / kInfoName).string();
        const std::string registered = registry->entries.empty()
            ? info + " (no such file)"
            : info + " (it has " + knownNames(registry->entries) + ")";
        return fail("dataset \"" + name
            + "\" is neither registered nor a file; looked for the name in " + registered
            + ", and for " + listed(looked));
    }
    const auto files = rowFiles(*found);
    if (!files)
        return tl::unexpected(files.error());
    std::vector<DatasetFile> result;
    for (const fs::path& file : *files) {
        auto with_layout = withRegisteredLayout(file, dataset_dir);
        if (!with_layout)
            return tl::unexpected(with_layout.error());
        result.push_back(std::move(*with_layout));
    }
    return result;
}

Result<DatasetFile> withRegisteredLayout(const fs::path& file, const fs::path& dataset_dir)
{
    std::vector<fs::path> folders{ registryFolder(dataset_dir) };
    if (file.parent_path() != folders.front())
        folders.push_back(file.parent_path());
    for (const fs::path& folder : folders) {
        const auto registry = registryIn(folder);
        if (!registry)
            return tl::unexpected(registry.error());
        for (const DatasetEntry& entry : registry->entries) {
            std::error_code error;
            if (entry.file_name.empty() || !fs::equivalent(folder / entry.file_name, file, error)
                || error)
                continue;
            if (!entry.unsupported.empty())
                return fail(file.string() + " cannot be used: " + entry.unsupported);
            return DatasetFile{ file, entry.layout, entry.num_samples };
        }
    }
    return DatasetFile{ file, {}, 0 };
}

} // namespace zen
