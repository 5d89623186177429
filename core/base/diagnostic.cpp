#include "core/base/diagnostic.h"

#include <algorithm>

namespace zen {

bool hasErrors(const Diagnostics& diagnostics)
{
    return std::any_of(diagnostics.begin(), diagnostics.end(),
        [](const Diagnostic& one) { return one.severity == Severity::error; });
}

std::string toText(const Diagnostic& diagnostic, const std::string& file)
{
    static constexpr const char* kNames[] = { "error", "warning", "advice" };
    std::string text;
    if (!file.empty())
        text += file + ":";
    if (diagnostic.line > 0)
        text += (file.empty() ? "line " : "") + std::to_string(diagnostic.line) + ": ";
    else if (!file.empty())
        text += " ";
    text += kNames[static_cast<int>(diagnostic.severity)];
    text += ": ";
    if (!diagnostic.key.empty())
        text += diagnostic.key + ": ";
    text += diagnostic.message;
    if (diagnostic.fix)
        text += " [fix: " + diagnostic.fix->label + "]";
    return text;
}

} // namespace zen
