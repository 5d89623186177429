#pragma once

#include <optional>
#include <string>
#include <vector>

namespace zen {

enum class Severity { error, warning, advice };

/// One change to a configuration: the key and its new value as YAML text; no value removes the key.
struct Edit {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const Edit&) const = default;
};

/// A repair that a person can accept with one click.
struct Fix {
    std::string label; ///< e.g. "Use 8"
    std::vector<Edit> edits;
    bool operator==(const Fix&) const = default;
};

/// One finding about a configuration or a data file.
struct Diagnostic {
    Severity severity = Severity::error;
    int line = 0; ///< 1-based; 0 where no line applies (a command-line override, a default)
    int column = 0; ///< 1-based; 0 where none applies
    std::string key; ///< the configuration key concerned; may be empty
    std::string message; ///< what is wrong and what is allowed
    std::optional<Fix> fix;
    bool operator==(const Diagnostic&) const = default;
};

using Diagnostics = std::vector<Diagnostic>;

/// True if any finding is an error (a run must not start).
bool hasErrors(const Diagnostics& diagnostics);

/// "error, line 12, lora_rank: …" (file name prefixed when not empty), for terminals and logs.
std::string toText(const Diagnostic& diagnostic, const std::string& file = {});

} // namespace zen
