#include "core/reward/terms.h"

namespace zen {

namespace {

/// The position of `text` if it stands exactly once.
std::optional<std::size_t> onlyPositionOf(std::string_view text, std::string_view completion)
{
    const auto first = completion.find(text);
    if (first == std::string_view::npos
        || completion.find(text, first + text.size()) != std::string_view::npos)
        return std::nullopt;
    return first;
}

class ThinkFormat final : public RewardTerm {
public:
    std::optional<double> score(const RewardInput& input) const override
    {
        constexpr std::string_view kOpen = "<think>";
        if (!input.completion.starts_with(kOpen))
            return 0.0;
        const std::string_view rest = input.completion.substr(kOpen.size());
        const bool good = rest.find(kOpen) == std::string_view::npos
            && rest.find("</think>") != std::string_view::npos;
        return good ? 1.0 : 0.0;
    }
};

class TagsOnce final : public RewardTerm {
public:
    explicit TagsOnce(const std::vector<std::string>& tags)
    {
        for (const std::string& tag : tags) {
            m_marks.push_back("<" + tag + ">");
            m_marks.push_back("</" + tag + ">");
        }
    }
    std::optional<double> score(const RewardInput& input) const override
    {
        std::size_t after = 0;
        for (const std::string& mark : m_marks) {
            const auto position = onlyPositionOf(mark, input.completion);
            if (!position || *position < after)
                return 0.0;
            after = *position + mark.size();
        }
        return 1.0;
    }

private:
    std::vector<std::string> m_marks; ///< in the order in which they must stand
};

} // namespace

std::unique_ptr<RewardTerm> makeThinkFormat(RewardParameters&)
{
    return std::make_unique<ThinkFormat>();
}

std::unique_ptr<RewardTerm> makeTagsOnce(RewardParameters& parameters)
{
    const std::vector<std::string> tags = parameters.list("tags", { "think", "answer" });
    for (const std::string& tag : tags)
        if (tag.find_first_of("<>/ ") != std::string::npos)
            parameters.complain(
                "tags", "holds \"" + tag + "\"; write the names alone: [think, answer]");
    return std::make_unique<TagsOnce>(tags);
}

} // namespace zen
