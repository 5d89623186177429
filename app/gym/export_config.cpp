#include "app/gym/export_config.h"

#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/base/durable_file.h"
#include "core/config/read_config.h"
#include "core/config/schema.h"
#include "core/export/bundle.h"
#include "core/export/import_config.h"
#include "core/export/launch.h"
#include "core/export/lint.h"
#include "core/export/translate.h"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>

namespace zen::gym {

namespace {

/// `configs/x.yaml` as the tool's file: x.trl.yaml.
std::string fileNameFor(const std::string& config, const std::string& target)
{
    return std::filesystem::path(config).stem().string() + "." + target + ".yaml";
}

bool writeOrPrint(const std::filesystem::path& output, const std::string& text)
{
    if (output.empty()) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        return true;
    }
    if (const auto written = writeDurably(output, text); !written) {
        printError(written.error().message);
        return false;
    }
    fmt::print(stderr, "{} is written.\n", printable(output.string()));
    return true;
}

void printNotes(const Diagnostics& notes)
{
    for (const Diagnostic& note : notes)
        fmt::print(stderr, "note, {}: {}\n", note.key, printable(note.message));
}

/// What the tool would object to; true if it would stop.
bool printLint(const std::string& yaml, const Target& target, const std::string& file)
{
    const Diagnostics findings = lint(yaml, target);
    printFindings(findings, file, Advice::hide);
    return hasErrors(findings);
}

std::string ownCommand(const LoadedConfig& loaded)
{
    std::string command = "gym train " + shellWord(loaded.file);
    for (const Field& field : schema()) {
        const FieldValue value = field.get(loaded.config);
        if (value == field.get(loaded.in_file) || std::holds_alternative<std::monostate>(value))
            continue;
        const auto* text = std::get_if<std::string>(&value);
        command += fmt::format(" --{} {}", field.key, shellWord(text ? *text : toYaml(value)));
    }
    return command;
}

int printCommands(const LoadedConfig& loaded, const ExportArguments& arguments)
{
    if (arguments.to.empty() || arguments.to == "zen")
        fmt::print("{}\n", ownCommand(loaded));
    for (const std::string_view name : kTargetNames) {
        if (!arguments.to.empty() && arguments.to != name)
            continue;
        const Result<Target> target = loadTarget(name);
        if (!target) {
            printError(target.error().message);
            return kFailed;
        }
        const std::string file = fileNameFor(arguments.source.config, target->name);
        const auto changed = overrideCommand(loaded.config, loaded.in_file, *target, file);
        if (!changed) {
            printError(fmt::format("{} cannot be given these changes on its command line; export "
                                   "the file with them instead",
                target->title));
            return kBadInput;
        }
        fmt::print("{}\n", *changed);
        if (!arguments.to.empty() && arguments.source.overrides.empty())
            for (const LaunchLine& line :
                launchLines(*target, file, loaded.config.run.deepspeed.empty() ? "ds_z3.json" : ""))
                fmt::print("\n# {}\n{}\n", line.title, line.command);
    }
    return kDone;
}

int writeOnto(const LoadedConfig& loaded, const ExportArguments& arguments, const Target& target)
{
    const Result<YamlDocument> foreign = YamlDocument::load(arguments.onto);
    if (!foreign) {
        printError(foreign.error().message);
        return kBadInput;
    }
    const ImportedConfig before = importConfig(*foreign, target, arguments.onto.parent_path());
    const Result<YamlDocument> written = writeBack(*foreign, before.config, loaded.config, target);
    if (!written) {
        printError(written.error().message);
        return kBadInput;
    }
    printLint(written->text(), target, arguments.output.string());
    return writeOrPrint(arguments.output, written->text()) ? kDone : kFailed;
}

int exportBundle(const LoadedConfig& loaded, const ExportArguments& arguments, const Target& target)
{
    if (arguments.output.empty()) {
        printError("--bundle needs -o FOLDER");
        return kBadInput;
    }
    std::error_code ignored;
    if (std::filesystem::exists(arguments.output, ignored)) {
        printError(arguments.output.string() + " exists already; choose another folder");
        return kBadInput;
    }
    const Result<Bundle> bundle
        = makeBundle(loaded.config, target, fileNameFor(arguments.source.config, target.name));
    if (!bundle) {
        printError(bundle.error().message);
        return kBadInput;
    }
    printNotes(bundle->notes);
    const bool would_stop = printLint(bundle->yaml, target, bundle->files.front().path);
    if (const auto written = writeBundle(*bundle, arguments.output); !written) {
        printError(written.error().message);
        return kFailed;
    }
    fmt::print(stderr, "{}: {} files; README.md has the commands.\n",
        printable(arguments.output.string()), bundle->files.size());
    return would_stop ? kBadInput : kDone;
}

} // namespace

int exportConfig(const ExportArguments& arguments)
{
    const bool is_own = arguments.to == "zen" || arguments.to.empty();
    const Result<Target> target = is_own ? Target{} : loadTarget(arguments.to);
    if (!target) {
        printError(target.error().message);
        return kBadInput;
    }
    const bool is_elsewhere = !arguments.onto.empty() && !is_own;
    const std::optional<LoadedConfig> loaded
        = is_elsewhere ? loadReadableConfig(arguments.source) : loadUsableConfig(arguments.source);
    if (!loaded)
        return kBadInput;
    if (arguments.command)
        return printCommands(*loaded, arguments);
    if (is_own)
        return writeOrPrint(arguments.output, writeConfig(loaded->config)) ? kDone : kFailed;
    if (!arguments.onto.empty())
        return writeOnto(*loaded, arguments, *target);
    if (arguments.bundle)
        return exportBundle(*loaded, arguments, *target);
    const TargetConfig translated = translate(loaded->config, *target);
    printNotes(translated.notes);
    const bool would_stop = printLint(translated.yaml, *target, arguments.output.string());
    if (!writeOrPrint(arguments.output, translated.yaml))
        return kFailed;
    return would_stop ? kBadInput : kDone;
}

} // namespace zen::gym
