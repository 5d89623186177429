#include "core/train/model_card.h"

#include "core/base/durable_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

/// Text inside a line of Markdown: one line, nothing that starts markup.
std::string inLine(const std::string& text)
{
    std::string safe;
    for (const char c : text.substr(0, 300)) {
        if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos)
            safe += '\\';
        safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return safe;
}

/// A YAML string that cannot be read as anything else.
std::string yamlText(const std::string& text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string stageTitle(Stage stage)
{
    return stage == Stage::gspo ? "GSPO (Group Sequence Policy Optimization, arXiv 2507.18071)"
        : stage == Stage::grpo  ? "GRPO (Group Relative Policy Optimization, arXiv 2402.03300)"
                                : "supervised fine-tuning";
}

std::string frontMatter(const ExportSource& source, const ModelCardFacts& facts)
{
    std::string text = "---\n";
    if (!facts.license.empty())
        text += "license: " + yamlText(facts.license) + "\n";
    const bool is_hub_id = std::count(source.base_model.begin(), source.base_model.end(), '/') == 1
        && portableModelName(source.base_model) == source.base_model;
    if (is_hub_id)
        text += "base_model: " + yamlText(source.base_model) + "\n";
    text += "library_name: " + facts.library + "\npipeline_tag: text-generation\n";
    if (source.run) {
        const Stage stage = source.run->config.algorithm.stage;
        text += "tags:\n- " + std::string(nameOf(stage)) + "\n";
        if (stage != Stage::sft)
            text += "- reinforcement-learning\n";
        if (source.run->config.adapter.finetuning_type == FinetuningType::lora)
            text += "- lora\n";
    }
    return text + "---\n\n";
}

std::string resultTable(const RunRecord& record)
{
    std::string rows;
    const auto row = [&rows](const char* what, const std::optional<double>& before,
                         const std::optional<double>& after, const char* form) {
        const auto shown = [form](const std::optional<double>& value) {
            return value ? fmt::format(fmt::runtime(form), *value) : std::string("–");
        };
        if (before || after)
            rows += fmt::format("| {} | {} | {} |\n", what, shown(before), shown(after));
    };
    const auto percent = [](const std::optional<double>& share) {
        return share ? std::optional(100 * *share) : std::nullopt;
    };
    row("Accuracy on held-out rows", percent(record.accuracy_before),
        percent(record.accuracy_after), "{:.1f} %");
    row("Reward (first step, last step)", record.reward_first, record.reward_last, "{:.3f}");
    if (rows.empty())
        return {};
    return "| | before | after |\n|---|---|---|\n" + rows + "\n";
}

std::string aboutRun(const ExportedRun& run, const ModelCardFacts& facts)
{
    std::string text = "## Training\n\n";
    text += fmt::format("Trained with Zen Studio by {}: {} steps in {:.0f} s, status {}.\n\n",
        stageTitle(run.config.algorithm.stage), run.record.steps, run.record.seconds,
        inLine(run.record.status));
    text += resultTable(run.record);
    if (facts.has_curve)
        text += "![Reward by step](reward.svg)\n\n";
    if (run.record.reward_curve.size() > 1)
        text += "Reward: `" + sparkline(run.record.reward_curve, 60) + "`\n\n";
    return text;
}

std::string licenceLines(const ExportSource& source, const ModelCardFacts& facts)
{
    const std::string base = inLine(source.base_model);
    if (!facts.license.empty())
        return "The base model " + base + " is under `" + facts.license
            + "`; what was trained on it is under the same terms.\n\n";
    return "The base model " + base
        + " does not state a licence in its folder. Its terms apply to "
          "this model too: see the page that it came from.\n\n";
}

std::string fenced(const std::string& yaml)
{
    std::string fence = "```";
    while (yaml.find(fence) != std::string::npos)
        fence += '`';
    return fence + "yaml\n" + yaml + (yaml.ends_with('\n') ? "" : "\n") + fence + "\n";
}

struct Range {
    double low = 0, high = 0;
};

Range rangeOf(const std::vector<double>& values)
{
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return { *low, *high > *low ? *high : *low + 1 };
}

} // namespace

std::string modelCard(const ExportSource& source, const ModelCardFacts& facts)
{
    std::string card = frontMatter(source, facts) + "# " + inLine(source.name) + "\n\n"
        + facts.contents + "\n\n";
    if (source.run)
        card += aboutRun(*source.run, facts);
    card += "## Use\n\n" + facts.how_to_load + "\n## Licence\n\n" + licenceLines(source, facts);
    if (source.run)
        card += "## Configuration\n\nExactly what ran:\n\n" + fenced(source.run->config_yaml);
    return card;
}

std::string curveSvg(const std::vector<double>& values, const std::string& title)
{
    if (values.size() < 2)
        return {};
    constexpr double kLeft = 48, kTop = 24, kWidth = 420, kHeight = 110;
    const Range range = rangeOf(values);
    std::string points;
    for (std::size_t i = 0; i < values.size(); ++i)
        points += fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ",
            kLeft + kWidth * static_cast<double>(i) / static_cast<double>(values.size() - 1),
            kTop + kHeight * (range.high - values[i]) / (range.high - range.low));
    return fmt::format(
        R"(<svg xmlns="http://www.w3.org/2000/svg" width="480" height="150" viewBox="0 0 480 150" font-family="sans-serif" font-size="11">
<rect width="480" height="150" fill="#ffffff"/>
<text x="{0}" y="15" fill="#333333">{1}: {2:.3g} to {3:.3g}</text>
<text x="{4}" y="{5}" fill="#666666" text-anchor="end">{6:.3g}</text>
<text x="{4}" y="{7}" fill="#666666" text-anchor="end">{8:.3g}</text>
<path d="M{0} {9}V{10}H{11}" fill="none" stroke="#999999"/>
<polyline points="{12}" fill="none" stroke="#2b6cb0" stroke-width="1.5"/>
</svg>
)",
        kLeft, title, values.front(), values.back(), kLeft - 6, kTop + 8, range.high,
        kTop + kHeight, range.low, kTop, kTop + kHeight, kLeft + kWidth, points);
}

std::string sparkline(const std::vector<double>& values, std::size_t width)
{
    constexpr const char* kBlocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    if (values.empty() || width == 0)
        return {};
    const Range range = rangeOf(values);
    const std::size_t count = std::min(width, values.size());
    std::string line;
    for (std::size_t i = 0; i < count; ++i) { // the mean of each part
        const std::size_t begin = values.size() * i / count, end = values.size() * (i + 1) / count;
        double sum = 0;
        for (std::size_t j = begin; j < end; ++j)
            sum += values[j];
        const double share
            = (sum / static_cast<double>(end - begin) - range.low) / (range.high - range.low);
        line += kBlocks[std::clamp(static_cast<int>(share * 8), 0, 7)];
    }
    return line;
}

std::string licenseOf(const ExportSource& source)
{
    if (source.base_model == kStarter)
        return "gpl-3.0";
    const auto folder = source.model_folder;
    const auto card = readFile(folder / "README.md", std::size_t{ 1 } << 22);
    if (!card || !card->starts_with("---"))
        return {};
    const std::string matter = card->substr(0, card->find("\n---", 3));
    const std::size_t key = matter.find("\nlicense:");
    if (key == std::string::npos)
        return {};
    std::string value = matter.substr(key + 9, matter.find('\n', key + 9) - key - 9);
    std::erase_if(value, [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
            || c == '.' || c == '-');
    });
    return value;
}

} // namespace zen
