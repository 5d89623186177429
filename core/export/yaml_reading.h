#pragma once

#include "core/config/yaml_node.h"

#include <string_view>

namespace zen {

/// What a YAML 1.1 loader makes of a scalar.
enum class ScalarKind { null, boolean, integer, real, text, date };

/// How a tool reads numbers with an exponent: PyYAML's safe loader wants a point and a signed
/// exponent (2e-5 is text there), OmegaConf takes 2e-5, 1e3 and 1.0e5 too and knows no dates.
enum class NumberReading { yaml11, omegaconf };

/// The kind of a plain scalar as PyYAML's resolver (YAML 1.1) or OmegaConf's decides it.
ScalarKind plainScalarKind(std::string_view text, NumberReading reading);

/// The same for a parsed scalar: quoted text is text.
ScalarKind scalarKind(const YamlNode& scalar, NumberReading reading);

/// "a whole number", "text", … for messages.
std::string_view nameOf(ScalarKind kind);

} // namespace zen
