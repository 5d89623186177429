#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/train/check_start.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace zen::gym {

namespace {

const char* nameOf(Severity severity)
{
    switch (severity) {
    case Severity::error:
        return "error";
    case Severity::warning:
        return "warning";
    case Severity::advice:
        return "advice";
    }
    return "";
}

void printJson(const Diagnostics& findings)
{
    nlohmann::json list = nlohmann::json::array();
    for (const Diagnostic& finding : findings) {
        nlohmann::json object{ { "severity", nameOf(finding.severity) }, { "line", finding.line },
            { "column", finding.column }, { "key", finding.key }, { "message", finding.message } };
        if (finding.fix)
            object["fix"] = finding.fix->label;
        list.push_back(std::move(object));
    }
    fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::ptrdiff_t count(const Diagnostics& findings, Severity severity)
{
    return std::count_if(findings.begin(), findings.end(),
        [severity](const Diagnostic& finding) { return finding.severity == severity; });
}

} // namespace

int check(const CheckArguments& arguments)
{
    std::optional<LoadedConfig> loaded = readConfigFile(arguments.source);
    if (!loaded)
        return kBadInput;
    Diagnostics& findings = loaded->diagnostics;
    if (arguments.start && !hasErrors(findings)) {
        const Diagnostics start = checkStart(loaded->config);
        findings.insert(findings.end(), start.begin(), start.end());
    }
    if (arguments.json) {
        printJson(findings);
    } else {
        printFindings(findings, loaded->file, Advice::show);
        fmt::print("{}: {} errors, {} warnings\n", printable(loaded->file),
            count(findings, Severity::error), count(findings, Severity::warning));
    }
    return hasErrors(findings) ? kBadInput : kDone;
}

} // namespace zen::gym
