#pragma once

#include "core/config/schema.h"
#include "core/config/yaml_node.h"

namespace zen {

/// What is wrong with a value, where, and one repair where there is an obvious one.
using ValueProblem = Diagnostic;

/// A parsed YAML value as this field's type. `spelling` is the key as the file writes it (the
/// field's key or an alias).
tl::expected<FieldValue, ValueProblem> valueFromNode(
    const Field& field, std::string_view spelling, const YamlNode& node);

/// Text from a command line, where no YAML quoting is expected: words of a list are separated by
/// commas.
tl::expected<FieldValue, ValueProblem> valueFromArgument(
    const Field& field, std::string_view spelling, std::string_view text);

} // namespace zen
