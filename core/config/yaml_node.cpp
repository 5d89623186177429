#include "core/config/yaml_node.h"

#include "core/base/utf8.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace zen {

namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxBracketRun = 64;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct TooDeep { };

Diagnostic errorAt(int line, int column, std::string message)
{
    return { Severity::error, line, column, {}, std::move(message), {} };
}

/// Collects events into a tree; refuses what this program does not read.
class TreeBuilder : public YAML::EventHandler {
public:
    explicit TreeBuilder(std::size_t offset)
        : m_offset(offset)
    {
    }

    ParsedYaml take() { return { std::move(m_root), std::move(m_findings) }; }

    void OnDocumentStart(const YAML::Mark&) override { }
    void OnDocumentEnd() override { }

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        refuseAnchor(mark, anchor);
        add(nodeAt(mark, YamlNode::Kind::null));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override
    {
        m_findings.push_back(errorAt(mark.line + 1, mark.column + 1,
            "aliases (*name) are not read here: write the value itself"));
        add(nodeAt(mark, YamlNode::Kind::null));
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        const std::string& value) override
    {
        refuseAnchor(mark, anchor);
        refuseTag(mark, tag);
        YamlNode node = nodeAt(mark, YamlNode::Kind::scalar);
        node.text = value;
        node.quoted = tag != "?";
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value) override
    {
        open(mark, tag, anchor, YamlNode::Kind::sequence);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value) override
    {
        open(mark, tag, anchor, YamlNode::Kind::mapping);
    }

    void OnMapEnd() override { close(); }

private:
    struct Open {
        YamlNode node;
        std::unordered_map<std::string, int> lines; ///< of keys seen
        bool expects_key = true;
    };

    YamlNode nodeAt(const YAML::Mark& mark, YamlNode::Kind kind) const
    {
        YamlNode node;
        node.kind = kind;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        node.offset = static_cast<std::size_t>(std::max(mark.pos, 0)) + m_offset;
        return node;
    }

    void refuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor)
    {
        if (anchor != YAML::NullAnchor)
            m_findings.push_back(errorAt(mark.line + 1, mark.column + 1,
                "anchors (&name) are not read here: write the value where it is needed"));
    }

    void refuseTag(const YAML::Mark& mark, const std::string& tag)
    {
        if (!tag.empty() && tag != "?" && tag != "!")
            m_findings.push_back(errorAt(mark.line + 1, mark.column + 1,
                "tags (!name) are not read here: write the plain value"));
    }

    void open(
        const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind)
    {
        refuseAnchor(mark, anchor);
        refuseTag(mark, tag);
        if (m_open.size() >= kMaxDepth) {
            m_findings.push_back(errorAt(mark.line + 1, mark.column + 1,
                "nested too deeply: at most " + std::to_string(kMaxDepth) + " levels"));
            throw TooDeep{};
        }
        m_open.push_back({ nodeAt(mark, kind), {}, true });
    }

    void close()
    {
        YamlNode node = std::move(m_open.back().node);
        m_open.pop_back();
        add(std::move(node));
    }

    void add(YamlNode node)
    {
        if (m_open.empty()) {
            m_root = std::move(node);
            return;
        }
        Open& parent = m_open.back();
        if (parent.node.kind == YamlNode::Kind::sequence) {
            parent.node.items.push_back(std::move(node));
            return;
        }
        if (parent.expects_key) {
            checkKey(parent, node);
            parent.node.keys.push_back(std::move(node));
        } else {
            parent.node.items.push_back(std::move(node));
        }
        parent.expects_key = !parent.expects_key;
    }

    void checkKey(Open& parent, const YamlNode& key)
    {
        if (key.kind != YamlNode::Kind::scalar) {
            m_findings.push_back(
                errorAt(key.line, key.column, "a key must be a word, as in `lora_rank: 16`"));
            return;
        }
        const auto [seen, is_new] = parent.lines.emplace(key.text, key.line);
        if (!is_new) {
            Diagnostic finding = errorAt(key.line, key.column,
                "given twice: it stands in line " + std::to_string(seen->second)
                    + " already; keep one of them");
            finding.key = key.text;
            m_findings.push_back(std::move(finding));
        }
    }

    std::size_t m_offset = 0;
    YamlNode m_root;
    std::vector<Open> m_open;
    Diagnostics m_findings;
};

int lineOf(std::string_view text, std::size_t offset)
{
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    return static_cast<int>(std::count(text.begin(), end, '\n')) + 1;
}

/// What can be said without parsing: size, encoding, characters, bracket bombs.
Diagnostics checkBytes(std::string_view text)
{
    Diagnostics findings;
    if (text.size() > kMaxYamlBytes) {
        findings.push_back(errorAt(0, 0,
            "larger than 1 MiB (" + std::to_string(text.size())
                + " bytes): this is not a configuration"));
        return findings;
    }
    if (!isUtf8(text)) {
        std::size_t good = 0;
        for (std::size_t end = 0; end != std::string_view::npos;) {
            const std::size_t next = text.find('\n', end);
            const std::size_t stop = next == std::string_view::npos ? text.size() : next + 1;
            if (!isUtf8(text.substr(end, stop - end)))
                break;
            good = end = stop;
            if (next == std::string_view::npos)
                break;
        }
        findings.push_back(
            errorAt(lineOf(text, good), 0, "not UTF-8: save the file with that encoding"));
        return findings;
    }
    std::size_t brackets = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool lone_return = byte == '\r' && (i + 1 >= text.size() || text[i + 1] != '\n');
        if (lone_return || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')
            || byte == 0x7F) {
            findings.push_back(errorAt(lineOf(text, i), 0,
                lone_return ? "a carriage return without a line feed: save the file with "
                              "Unix or Windows line ends"
                            : "a control character (code " + std::to_string(byte)
                        + "): remove it, or write it as an escape in double quotes"));
            return findings;
        }
        if (byte == '[' || byte == '{') {
            if (++brackets > kMaxBracketRun) {
                findings.push_back(errorAt(lineOf(text, i), 0,
                    "nested too deeply: at most " + std::to_string(kMaxDepth) + " levels"));
                return findings;
            }
        } else if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') {
            brackets = 0;
        }
    }
    return findings;
}

std::string plainMessage(const YAML::Exception& problem)
{
    if (problem.msg.empty())
        return "not valid YAML";
    return "not valid YAML here: " + problem.msg;
}

} // namespace

bool sameContent(const YamlNode& left, const YamlNode& right)
{
    return left.kind == right.kind && left.text == right.text && left.quoted == right.quoted
        && std::equal(
            left.keys.begin(), left.keys.end(), right.keys.begin(), right.keys.end(), sameContent)
        && std::equal(left.items.begin(), left.items.end(), right.items.begin(), right.items.end(),
            sameContent);
}

ParsedYaml parseYaml(std::string_view text)
{
    ParsedYaml result;
    result.findings = checkBytes(text);
    if (!result.findings.empty())
        return result;
    const std::size_t skipped = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    TreeBuilder builder(skipped);
    Diagnostics syntax;
    try {
        std::istringstream stream{ std::string(text.substr(skipped)) };
        YAML::Parser parser(stream);
        if (parser.HandleNextDocument(builder)) {
            TreeBuilder second(skipped);
            if (parser.HandleNextDocument(second))
                syntax.push_back(errorAt(second.take().root.line, 0,
                    "a second document (---): a configuration is one document"));
        }
    } catch (const TooDeep&) {
    } catch (const YAML::Exception& problem) {
        syntax.push_back(
            errorAt(problem.mark.line + 1, problem.mark.column + 1, plainMessage(problem)));
    }
    result = builder.take();
    result.findings.insert(result.findings.end(), syntax.begin(), syntax.end());
    return result;
}

} // namespace zen
