#include "core/train/conversation.h"

namespace zen {

std::vector<PreparedPrompt> preparePrompts(const Dataset& dataset, const Tokenizer& tokenizer,
    const ModelSection& model, std::int64_t longest, std::size_t* too_long)
{
    std::vector<PreparedPrompt> prompts;
    prompts.reserve(dataset.rows.size());
    for (std::size_t row = 0; row < dataset.rows.size(); ++row) {
        const Example& example = dataset.rows[row];
        ChatOptions options;
        options.enable_thinking = model.enable_thinking;
        options.tools_json = example.tools_json;
        PreparedPrompt prompt;
        prompt.example = row;
        prompt.text = renderChat(example.prompt, options);
        prompt.ids = tokenizer.encode(prompt.text);
        if (static_cast<std::int64_t>(prompt.ids.size()) <= longest && !prompt.ids.empty())
            prompts.push_back(std::move(prompt));
        else if (too_long != nullptr)
            ++*too_long;
    }
    return prompts;
}

LearnedText learnedText(const Example& example, const Tokenizer& tokenizer,
    const ModelSection& model, std::int64_t cutoff_len)
{
    if (example.response.empty())
        return {};
    std::vector<Message> messages = example.prompt;
    Message reply;
    reply.role = "assistant";
    reply.content = example.response;
    messages.push_back(std::move(reply));
    ChatOptions options;
    options.add_generation_prompt = false;
    options.enable_thinking = model.enable_thinking;
    options.tools_json = example.tools_json;

    LearnedText text;
    for (const ChatPiece& piece : renderChatPieces(messages, options)) {
        const std::vector<TokenId> ids = tokenizer.encode(piece.text);
        text.ids.insert(text.ids.end(), ids.begin(), ids.end());
        text.learn.insert(text.learn.end(), ids.size(), piece.learn ? 1 : 0);
    }
    if (static_cast<std::int64_t>(text.ids.size()) > cutoff_len) {
        text.ids.resize(static_cast<std::size_t>(cutoff_len));
        text.learn.resize(static_cast<std::size_t>(cutoff_len));
    }
    return text.targets() > 0 ? text : LearnedText{};
}

} // namespace zen
