#include "core/export/lint.h"

#include "core/base/nearest_word.h"
#include "core/config/yaml_scalar.h"
#include "core/export/yaml_tree.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace zen {

namespace {

std::string typesInWords(const AcceptedKey& key)
{
    static const std::map<std::string, std::string, std::less<>> kWords{
        { "bool", "true or false" }, { "int", "a whole number" }, { "float", "a number" },
        { "str", "text" }, { "null", "nothing" }, { "dict", "a mapping" }
    };
    std::string text;
    for (const std::string& type : key.types) {
        const auto found = kWords.find(type);
        text += (text.empty() ? "" : " or ") + (found == kWords.end() ? "a list" : found->second);
    }
    return text;
}

bool isLaxBool(std::string_view text)
{
    return parseBool(text) || text == "0" || text == "1";
}

std::string resolvedText(const YamlNode& node, NumberReading reading)
{
    if (scalarKind(node, reading) == ScalarKind::boolean)
        return parseBool(node.text).value_or(false) ? "true" : "false";
    return node.text;
}

class Linter {
public:
    explicit Linter(const Target& target)
        : m_target(target)
    {
    }

    Diagnostics run(std::string_view yaml)
    {
        const ParsedYaml parsed = parseYaml(yaml);
        m_findings = parsed.findings;
        if (!m_findings.empty())
            return std::move(m_findings);
        if (parsed.root.kind != YamlNode::Kind::mapping) {
            add(Severity::error, parsed.root, {}, "is not a mapping of keys");
            return std::move(m_findings);
        }
        checkMapping(parsed.root, m_target.accepted.keys, {});
        checkRequired(parsed.root);
        checkRules(parsed.root);
        return std::move(m_findings);
    }

private:
    void add(Severity severity, const YamlNode& at, const std::string& key, std::string message,
        std::optional<Fix> fix = {})
    {
        const bool is_known = std::any_of(m_findings.begin(), m_findings.end(),
            [&](const Diagnostic& one) { return one.key == key && one.message == message; });
        if (!is_known)
            m_findings.push_back(
                { severity, at.line, at.column, key, std::move(message), std::move(fix) });
    }

    void checkMapping(const YamlNode& mapping,
        const std::map<std::string, AcceptedKey, std::less<>>& keys, const std::string& prefix)
    {
        for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
            const std::string& name = mapping.keys[i].text;
            const auto accepted = keys.find(name);
            if (accepted == keys.end())
                addUnknown(mapping.keys[i], prefix + name, mapping.items[i], keys, prefix.empty());
            else
                checkValue(accepted->second, mapping.items[i], mapping.keys[i], prefix + name);
        }
    }

    void addUnknown(const YamlNode& at, const std::string& key, const YamlNode& value,
        const std::map<std::string, AcceptedKey, std::less<>>& keys, bool is_top)
    {
        std::vector<std::string_view> known;
        for (const auto& [name, accepted] : keys)
            known.push_back(name);
        const std::string nearest = nearestWord(at.text, known);
        std::optional<Fix> fix;
        if (is_top)
            fix = nearest.empty()
                ? Fix{ "Remove it", { { key, {} } } }
                : Fix{ "Rename to " + nearest, { { key, {} }, { nearest, flowText(value) } } };
        add(m_target.accepted.strict ? Severity::error : Severity::warning, at, key,
            "is not a key of " + m_target.title
                + (m_target.accepted.strict ? ", which stops at it" : ", which drops it in silence")
                + (nearest.empty() ? "" : "; did you mean " + nearest + "?"),
            std::move(fix));
    }

    void checkValue(const AcceptedKey& accepted, const YamlNode& value, const YamlNode& at,
        const std::string& key)
    {
        if (accepted.accepts("any"))
            return;
        switch (value.kind) {
        case YamlNode::Kind::mapping:
            if (!accepted.accepts("dict"))
                add(Severity::error, at, key,
                    "is a mapping; " + typesInWords(accepted) + " is wanted");
            else if (!accepted.keys.empty())
                checkMapping(value, accepted.keys, key + ".");
            return;
        case YamlNode::Kind::sequence:
            checkList(accepted, value, at, key);
            return;
        case YamlNode::Kind::null:
        case YamlNode::Kind::scalar:
            checkScalar(accepted, value, at, key);
        }
    }

    void checkList(const AcceptedKey& accepted, const YamlNode& list, const YamlNode& at,
        const std::string& key)
    {
        const auto type = std::find_if(accepted.types.begin(), accepted.types.end(),
            [](const std::string& one) { return one.starts_with("list"); });
        if (type == accepted.types.end()) {
            add(Severity::error, at, key, "is a list; " + typesInWords(accepted) + " is wanted");
            return;
        }
        AcceptedKey item;
        if (type->size() > 5)
            item.types.push_back(type->substr(5, type->size() - 6));
        for (const YamlNode& entry : list.items) {
            if (!accepted.items.empty() && entry.kind == YamlNode::Kind::mapping)
                checkMapping(entry, accepted.items, key + "[].");
            else if (!item.types.empty())
                checkValue(item, entry, entry, key);
        }
    }

    void checkScalar(const AcceptedKey& accepted, const YamlNode& value, const YamlNode& at,
        const std::string& key)
    {
        const ScalarKind kind = scalarKind(value, m_target.accepted.reading);
        if (!acceptsScalar(accepted, kind, value.text, m_target.accepted.conversion)) {
            add(Severity::error, at, key,
                (value.text.empty() ? "nothing" : value.text) + " is read as "
                    + std::string(nameOf(kind)) + " there; " + typesInWords(accepted)
                    + " is wanted",
                repairOf(accepted, value, kind, key));
            return;
        }
        if (kind == ScalarKind::text && !accepted.choices.empty()
            && std::find(accepted.choices.begin(), accepted.choices.end(), value.text)
                == accepted.choices.end())
            addChoice(accepted, value, at, key);
    }

    void addChoice(const AcceptedKey& accepted, const YamlNode& value, const YamlNode& at,
        const std::string& key)
    {
        std::vector<std::string_view> known(accepted.choices.begin(), accepted.choices.end());
        const std::string nearest = nearestWord(value.text, known);
        std::string message = "`" + value.text + "` is none of its words";
        message += nearest.empty() ? "" : "; did you mean " + nearest + "?";
        add(Severity::error, at, key, std::move(message),
            nearest.empty() ? std::optional<Fix>()
                            : Fix{ "Use " + nearest, { { key, formatText(nearest) } } });
    }

    std::optional<Fix> repairOf(const AcceptedKey& accepted, const YamlNode& value, ScalarKind kind,
        const std::string& key) const
    {
        if (key.find('.') != std::string::npos)
            return {};
        const Result<double> number = parseReal(value.text);
        std::string better;
        if (kind == ScalarKind::text && accepted.accepts("float") && number)
            better = formatReal(*number);
        else if (accepted.accepts("int") && number && std::floor(*number) == *number
            && std::fabs(*number) < 1e15)
            better = std::to_string(static_cast<std::int64_t>(*number));
        else if (kind == ScalarKind::text && accepted.accepts("bool") && parseBool(value.text))
            better = *parseBool(value.text) ? "true" : "false";
        else if (kind != ScalarKind::text && kind != ScalarKind::null && accepted.accepts("str"))
            better = "\"" + value.text + "\"";
        if (better.empty())
            return {};
        return Fix{ "Write " + better, { { key, better } } };
    }

    void checkRequired(const YamlNode& root)
    {
        for (const auto& [name, accepted] : m_target.accepted.keys)
            if (accepted.is_required && !nodeAt(root, name))
                add(Severity::error, {}, name, "is required by " + m_target.title);
    }

    const YamlNode& placeOf(const YamlNode& root, const std::string& key) const
    {
        static const YamlNode kNowhere;
        const YamlNode* node = nodeAt(root, key);
        return node ? *node : kNowhere;
    }

    void checkRules(const YamlNode& root)
    {
        const ValueLookup valueOf = [&](std::string_view key) -> std::optional<std::string> {
            const YamlNode* node = nodeAt(root, key);
            if (!node || node->kind == YamlNode::Kind::null)
                return {};
            if (node->kind != YamlNode::Kind::scalar)
                return node->items.empty() ? std::optional<std::string>() : flowText(*node);
            return scalarKind(*node, m_target.accepted.reading) == ScalarKind::null
                ? std::optional<std::string>()
                : resolvedText(*node, m_target.accepted.reading);
        };
        for (const TargetRule& rule : m_target.rules)
            if (allHold(rule.conditions, valueOf) && !anyHolds(rule.any, valueOf))
                add(rule.is_warning ? Severity::warning : Severity::error, placeOf(root, rule.key),
                    rule.key, rule.text);
        for (const MultipleRule& rule : m_target.multiples)
            if (allHold(rule.conditions, valueOf))
                checkMultiple(rule, root, valueOf);
    }

    /// `a|b`: the first that is set; the tool's default where none is.
    std::optional<std::int64_t> wholeNumber(
        const std::string& names, const ValueLookup& valueOf) const
    {
        std::size_t begin = 0;
        while (begin <= names.size()) {
            const std::size_t end = std::min(names.find('|', begin), names.size());
            const std::string name = names.substr(begin, end - begin);
            std::optional<std::string> value = valueOf(name);
            const bool is_last = end == names.size();
            if (const AcceptedKey* key = m_target.accepted.find(name); !value && is_last && key)
                value = key->default_yaml;
            if (value)
                if (const Result<std::int64_t> number = parseInteger(*value))
                    return *number;
            begin = end + 1;
        }
        return {};
    }

    void checkMultiple(const MultipleRule& rule, const YamlNode& root, const ValueLookup& valueOf)
    {
        const auto product
            = [&](const std::vector<std::string>& names) -> std::optional<std::int64_t> {
            std::int64_t result = 1;
            for (const std::string& name : names) {
                const std::optional<std::int64_t> factor = wholeNumber(name, valueOf);
                if (!factor)
                    return {};
                result *= *factor;
            }
            return names.empty() ? std::optional<std::int64_t>() : result;
        };
        const std::optional<std::int64_t> by = wholeNumber(rule.by, valueOf);
        std::optional<std::int64_t> whole = product(rule.of);
        if (!whole)
            whole = product(rule.else_of);
        if (by && *by > 0 && whole && *whole % *by != 0)
            add(Severity::error, placeOf(root, rule.key), rule.key,
                rule.text + " (" + std::to_string(*whole) + " and " + std::to_string(*by) + ")");
    }

    const Target& m_target;
    Diagnostics m_findings;
};

} // namespace

bool acceptsScalar(
    const AcceptedKey& key, ScalarKind kind, std::string_view text, ValueConversion conversion)
{
    const bool converts_text = kind == ScalarKind::text && conversion != ValueConversion::none;
    switch (kind) {
    case ScalarKind::null:
        return key.accepts("null");
    case ScalarKind::boolean:
        return key.accepts("bool");
    case ScalarKind::integer:
        return key.accepts("int") || key.accepts("float")
            || (conversion == ValueConversion::pydantic && key.accepts("bool")
                && (text == "0" || text == "1"));
    case ScalarKind::real:
        return key.accepts("float")
            || (conversion == ValueConversion::pydantic && key.accepts("int") && parseReal(text)
                && std::floor(*parseReal(text)) == *parseReal(text));
    case ScalarKind::date:
        return false;
    case ScalarKind::text:
        break;
    }
    return key.accepts("str") || (converts_text && key.accepts("float") && parseReal(text))
        || (converts_text && key.accepts("int") && parseInteger(text))
        || (converts_text && key.accepts("bool") && isLaxBool(text));
}

Diagnostics lint(std::string_view yaml, const Target& target)
{
    return Linter(target).run(yaml);
}

} // namespace zen
