#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/base/durable_file.h"
#include "core/export/deepspeed.h"
#include "core/export/import_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace zen::gym {

namespace {

/// The index of the tool that the file is for; -1: an own file; -2: none (said).
int chosenTarget(const ImportArguments& arguments, const YamlDocument& document,
    const std::vector<Target>& targets)
{
    if (!arguments.from.empty()) {
        const auto named = std::find_if(targets.begin(), targets.end(),
            [&](const Target& target) { return target.name == arguments.from; });
        if (named != targets.end())
            return static_cast<int>(named - targets.begin());
        printError(loadTarget(arguments.from).error().message);
        return -2;
    }
    if (const auto deepspeed = deepspeedKindOf(document.root())) {
        printError(
            fmt::format("{} holds DeepSpeed settings ({}), no configuration: name it in one, "
                        "as deepspeed: {}",
                printable(arguments.file.string()), deepspeed->inWords(),
                printable(arguments.file.string())));
        return -2;
    }
    const RecognisedFile recognised = recognise(document, targets);
    if (!recognised.is_known) {
        printError(printable(arguments.file.string())
            + (document.entries().empty()
                    ? " is empty"
                    : ": none of its keys is known to this program or to the tools that it reads; "
                      "--from TOOL takes it all the same"));
        return -2;
    }
    for (const int other : recognised.as_well)
        fmt::print(stderr, "note: {} reads all of it as well (--from {})\n",
            targets[static_cast<std::size_t>(other)].title,
            targets[static_cast<std::size_t>(other)].name);
    return recognised.target;
}

} // namespace

int importConfigFile(const ImportArguments& arguments)
{
    const Result<YamlDocument> document = YamlDocument::load(arguments.file);
    const Result<std::vector<Target>> targets = loadTargets();
    if (!document || !targets) {
        printError((document ? targets.error() : document.error()).message);
        return kBadInput;
    }
    if (const Diagnostics findings = document->check(); hasErrors(findings)) {
        printFindings(findings, arguments.file.string(), Advice::hide);
        return kBadInput;
    }
    const int chosen = chosenTarget(arguments, *document, *targets);
    if (chosen == -2)
        return kBadInput;
    if (chosen == -1) {
        fmt::print(stderr, "{} is a configuration of this program already; `gym check` reads it.\n",
            printable(arguments.file.string()));
        return kDone;
    }
    const Target& target = (*targets)[static_cast<std::size_t>(chosen)];
    const ImportedConfig imported = importConfig(*document, target, arguments.file.parent_path());
    fmt::print(stderr, "{}", printable(importReport(imported, target)));
    if (arguments.output.empty()) {
        std::fwrite(imported.yaml.data(), 1, imported.yaml.size(), stdout);
        return kDone;
    }
    if (const auto written = writeDurably(arguments.output, imported.yaml); !written) {
        printError(written.error().message);
        return kFailed;
    }
    fmt::print(stderr, "{} is written.\n", printable(arguments.output.string()));
    return kDone;
}

} // namespace zen::gym
