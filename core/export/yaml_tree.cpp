#include "core/export/yaml_tree.h"

#include "core/config/yaml_scalar.h"

#include <algorithm>

namespace zen {

namespace {

std::pair<std::string_view, std::string_view> firstPart(std::string_view dotted)
{
    const std::size_t dot = dotted.find('.');
    return dot == std::string_view::npos ? std::pair(dotted, std::string_view())
                                         : std::pair(dotted.substr(0, dot), dotted.substr(dot + 1));
}

std::vector<YamlTree>::iterator childNamed(YamlTree& root, std::string_view key)
{
    return std::find_if(root.children.begin(), root.children.end(),
        [key](const YamlTree& child) { return child.key == key; });
}

std::string indented(const std::string& lines, int indent)
{
    const std::string space(static_cast<std::size_t>(indent), ' ');
    std::string text;
    std::size_t begin = 0;
    while (begin <= lines.size()) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size());
        text += space + lines.substr(begin, end - begin) + "\n";
        begin = end + 1;
    }
    return text;
}

void addLeaves(
    const YamlTree& root, const std::string& prefix, std::map<std::string, std::string>& into)
{
    for (const YamlTree& child : root.children) {
        const std::string key = prefix + child.key;
        if (child.children.empty())
            into[key] = child.value;
        else
            addLeaves(child, key + ".", into);
    }
}

/// A scalar behind a key, or between the brackets of a flow collection, where some characters end
/// what is not quoted.
std::string scalarText(const YamlNode& node, bool in_flow)
{
    const std::string formatted = formatText(node.text);
    if (node.quoted)
        return formatted == node.text ? "\"" + node.text + "\"" : formatted;
    const bool stays = formatted == node.text || formatted.find_first_of("\n\\") == formatted.npos;
    const bool ends_early = in_flow && node.text.find_first_of(",[]{}?") != node.text.npos;
    return stays && !ends_early ? node.text : formatted;
}

std::string nodeText(const YamlNode& node, bool in_flow)
{
    if (node.kind == YamlNode::Kind::null)
        return "null";
    if (node.kind == YamlNode::Kind::scalar)
        return scalarText(node, in_flow);
    const bool is_mapping = node.kind == YamlNode::Kind::mapping;
    std::string text = is_mapping ? "{" : "[";
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        text += i > 0 ? ", " : "";
        if (is_mapping)
            text += nodeText(node.keys[i], true) + ": ";
        text += nodeText(node.items[i], true);
    }
    return text + (is_mapping ? "}" : "]");
}

} // namespace

void setInTree(YamlTree& root, std::string_view dotted_key, std::string yaml)
{
    const auto [head, rest] = firstPart(dotted_key);
    auto child = childNamed(root, head);
    if (child == root.children.end()) {
        root.children.push_back({ std::string(head), {}, {} });
        child = std::prev(root.children.end());
    }
    if (rest.empty()) {
        child->value = std::move(yaml);
        child->children.clear();
    } else {
        setInTree(*child, rest, std::move(yaml));
    }
}

void removeFromTree(YamlTree& root, std::string_view dotted_key)
{
    const auto [head, rest] = firstPart(dotted_key);
    const auto child = childNamed(root, head);
    if (child == root.children.end())
        return;
    if (!rest.empty()) {
        removeFromTree(*child, rest);
        if (!child->children.empty())
            return;
    }
    root.children.erase(child);
}

std::string blockLines(const YamlTree& root, int indent)
{
    std::string text;
    for (const YamlTree& child : root.children) {
        const std::string head
            = std::string(static_cast<std::size_t>(indent), ' ') + formatText(child.key) + ":";
        if (!child.children.empty())
            text += head + "\n" + blockLines(child, indent + 2);
        else if (child.value.starts_with("- "))
            text += head + "\n" + indented(child.value, indent + 2);
        else
            text += head + " " + child.value + "\n";
    }
    return text;
}

std::string entryValue(const YamlTree& entry)
{
    std::string text = !entry.children.empty() ? blockLines(entry, 2)
        : entry.value.starts_with("- ")        ? indented(entry.value, 2)
                                               : entry.value;
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

std::map<std::string, std::string> leavesOf(const YamlTree& root)
{
    std::map<std::string, std::string> leaves;
    addLeaves(root, {}, leaves);
    return leaves;
}

std::string flowText(const YamlNode& node)
{
    return nodeText(node, false);
}

YamlTree treeOf(const YamlNode& mapping)
{
    YamlTree tree;
    for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
        YamlTree child;
        const YamlNode& item = mapping.items[i];
        if (item.kind == YamlNode::Kind::mapping && !item.items.empty())
            child = treeOf(item);
        else
            child.value = flowText(item);
        child.key = mapping.keys[i].text;
        tree.children.push_back(std::move(child));
    }
    return tree;
}

const YamlNode* nodeAt(const YamlNode& mapping, std::string_view dotted_key)
{
    const auto [head, rest] = firstPart(dotted_key);
    if (mapping.kind != YamlNode::Kind::mapping)
        return nullptr;
    for (std::size_t i = 0; i < mapping.keys.size(); ++i)
        if (mapping.keys[i].text == head)
            return rest.empty() ? &mapping.items[i] : nodeAt(mapping.items[i], rest);
    return nullptr;
}

} // namespace zen
