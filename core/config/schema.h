#pragma once

#include "core/base/result.h"
#include "core/config/training_config.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zen {

enum class FieldType { boolean, integer, real, text, path, choice, text_list, rewards };

/// A field's value without its C++ type. monostate: an empty optional ("decided by other fields").
using FieldValue = std::variant<std::monostate, bool, std::int64_t, double, std::string,
    std::vector<std::string>, std::vector<RewardTermSpec>>;

/// One row of the schema: all that form, YAML, command line, validation, docs and exporters know of
/// a field.
struct Field {
    std::string_view key; ///< YAML key
    FieldType type = FieldType::text;
    std::string_view
        group; ///< heading in the form: Model, Adapter, Data, Batch, Algorithm, Sampling, …
    std::string_view label; ///< what the form writes before it
    std::string_view unit; ///< tokens, completions, …; may be empty
    std::string_view help; ///< one or two sentences
    double minimum = 0; ///< integer and real: closed range …
    double maximum = 0; ///< … both ends allowed unless minimum_open
    bool minimum_open = false;
    std::vector<std::string_view> choices; ///< choice: every allowed word; text_list: suggestions
    std::vector<std::string_view> aliases; ///< other spellings read from files (zenlm/gym, TRL)
    bool optional = false; ///< may be left to resolve()
    bool advanced = false; ///< hidden in the basic form
    bool rl_only = false; ///< has no meaning for stage sft
    FieldValue (*get)(const TrainingConfig&) = nullptr;
    void (*set)(TrainingConfig&, const FieldValue&)
        = nullptr; ///< the value must have the field's type
};

/// Every field, in the order of the form. A missing row for a member of TrainingConfig does not
/// compile.
std::span<const Field> schema();

/// The headings of a file, each once, in the order of their first fields.
std::vector<std::string_view> groupsInOrder();

/// The row with this key or alias; nullptr if there is none.
const Field* findField(std::string_view key_or_alias);

/// The known key (aliases included) nearest to a misspelt one, by edit distance; empty if none is
/// near.
std::string nearestKey(std::string_view key);

/// The value as a YAML 1.1 scalar or flow list, the way files are written here: `1.0e-05`, `true`,
/// quoted where a string looks like something else. monostate gives an empty string.
std::string toYaml(const FieldValue& value);

/// Reads YAML text as this field's type; checks type, range, choice, finiteness. Errors say what is
/// allowed.
Result<FieldValue> parseValue(const Field& field, std::string_view yaml);

/// The value that an untouched TrainingConfig has.
FieldValue defaultValue(const Field& field);

/// `gym keys`: the whole table as Markdown (configs/REFERENCE.md equals this text).
std::string schemaAsMarkdown();

} // namespace zen
