#include "core/export/yaml_reading.h"

#include <re2/re2.h>

namespace zen {

namespace {

bool fullMatch(std::string_view text, const re2::RE2& pattern)
{
    return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

// The implicit resolvers of PyYAML 6 (lib/yaml/resolver.py), as regular expressions.

bool isBoolWord(std::string_view text)
{
    static const re2::RE2 kWords("yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE"
                                 "|on|On|ON|off|Off|OFF");
    return fullMatch(text, kWords);
}

bool isInteger11(std::string_view text)
{
    static const re2::RE2 kInteger("[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)"
                                   "|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+");
    return fullMatch(text, kInteger);
}

bool isReal11(std::string_view text)
{
    static const re2::RE2 kReal("[-+]?(?:[0-9][0-9_]*)\\.[0-9_]*(?:[eE][-+][0-9]+)?"
                                "|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
                                "|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*"
                                "|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");
    return fullMatch(text, kReal);
}

bool isRealOfOmegaConf(std::string_view text)
{
    static const re2::RE2 kReal("[-+]?(?:[0-9][0-9_]*)\\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
                                "|[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)"
                                "|\\.[0-9_]+(?:[eE][-+][0-9]+)?");
    return fullMatch(text, kReal);
}

bool isDate(std::string_view text)
{
    static const re2::RE2 kDate(
        "[0-9]{4}-[0-9]{2}-[0-9]{2}"
        "|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \\t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
        "(?:\\.[0-9]*)?(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?");
    return fullMatch(text, kDate);
}

} // namespace

ScalarKind plainScalarKind(std::string_view text, NumberReading reading)
{
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return ScalarKind::null;
    if (isBoolWord(text))
        return ScalarKind::boolean;
    if (reading == NumberReading::omegaconf && isRealOfOmegaConf(text))
        return ScalarKind::real;
    if (isReal11(text))
        return ScalarKind::real;
    if (isInteger11(text))
        return ScalarKind::integer;
    if (reading == NumberReading::yaml11 && isDate(text))
        return ScalarKind::date;
    return ScalarKind::text;
}

ScalarKind scalarKind(const YamlNode& scalar, NumberReading reading)
{
    if (scalar.kind == YamlNode::Kind::null)
        return ScalarKind::null;
    return scalar.quoted ? ScalarKind::text : plainScalarKind(scalar.text, reading);
}

std::string_view nameOf(ScalarKind kind)
{
    switch (kind) {
    case ScalarKind::null:
        return "nothing";
    case ScalarKind::boolean:
        return "true or false";
    case ScalarKind::integer:
        return "a whole number";
    case ScalarKind::real:
        return "a number";
    case ScalarKind::date:
        return "a date";
    case ScalarKind::text:
        break;
    }
    return "text";
}

} // namespace zen
