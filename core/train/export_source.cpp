#include "core/train/export_source.h"

#include "core/config/read_config.h"
#include "core/weights/checkpoint_folder.h"

namespace zen {

namespace fs = std::filesystem;

namespace {

std::string fileNameFrom(const std::string& text)
{
    std::string name;
    for (const char c : text) {
        const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
            || c == '.' || c == '_' || c == '-';
        name += kept ? c : '-';
    }
    name = name.substr(0, 100);
    while (!name.empty() && (name.front() == '.' || name.front() == '-'))
        name.erase(name.begin());
    return name.empty() ? "model" : name;
}

/// The last part of a path, also where it ends with a slash or is relative.
std::string lastPart(const fs::path& path)
{
    std::error_code ignored;
    const fs::path whole = fs::absolute(path, ignored).lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

Result<ExportSource> sourceOfRun(const fs::path& folder)
{
    const RunFolder files{ folder };
    const auto document = YamlDocument::load(files.configYaml());
    if (!document)
        return fail(folder.string() + " cannot be exported: " + document.error().message);
    const ReadConfig read = readConfig(*document);
    ExportSource source;
    source.run = ExportedRun{ folder, resolve(read.config), document->text(), readRecord(folder) };
    source.base_model = read.config.model.model_name_or_path;
    source.name = fileNameFrom(
        read.config.run.run_name.empty() ? lastPart(folder) : read.config.run.run_name);
    std::error_code ignored;
    if (fs::is_regular_file(files.adapter() / "adapter_config.json", ignored)) {
        source.adapter = files.adapter();
        auto base = findModelFolder(source.base_model);
        if (!base)
            return tl::unexpected(base.error());
        source.model_folder = std::move(*base);
    } else if (fs::is_regular_file(files.model() / "config.json", ignored)) {
        source.model_folder = files.model();
    } else {
        return fail(folder.string()
            + " has neither adapter/ nor model/ yet: they are written when a run ends or is "
              "stopped. Let it finish, or go on with gym train "
            + files.configYaml().string() + " --resume_from_checkpoint latest.");
    }
    return source;
}

} // namespace

Result<ExportSource> findExportSource(const std::string& run_or_model)
{
    std::error_code ignored;
    const fs::path path = run_or_model;
    if (fs::is_directory(path, ignored) && !fs::exists(path / "config.json", ignored)) {
        if (holdsRun(path))
            return sourceOfRun(path);
        return fail(path.string()
            + " is neither a run (it has no config.yaml) nor a model (it has "
              "no config.json). gym runs lists runs.");
    }
    auto folder = findModelFolder(run_or_model);
    if (!folder)
        return tl::unexpected(folder.error());
    ExportSource source;
    source.name = fileNameFrom(lastPart(run_or_model));
    source.base_model = run_or_model;
    source.model_folder = std::move(*folder);
    return source;
}

std::string portableModelName(const std::string& model_name_or_path)
{
    std::error_code ignored;
    const bool ships = model_name_or_path == kStarter;
    if (!ships && !fs::is_directory(model_name_or_path, ignored))
        return model_name_or_path;
    const auto folder = findModelFolder(model_name_or_path);
    return folder ? fs::absolute(*folder, ignored).lexically_normal().string() : model_name_or_path;
}

} // namespace zen
