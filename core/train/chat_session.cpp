#include "core/train/chat_session.h"

#include "core/base/utf8.h"
#include "core/rollout/generator.h"
#include "core/train/policy.h"
#include "core/train/threads.h"

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <algorithm>

namespace zen {

namespace {

/// Text of tokens as they come, in pieces that are whole characters.
class TextStream {
public:
    explicit TextStream(const Tokenizer& tokenizer)
        : m_tokenizer(tokenizer)
    {
    }

    std::string add(TokenId id)
    {
        if (m_tokenizer.isSpecial(id))
            return {};
        m_pending += m_tokenizer.bytesOf(id);
        const std::size_t whole = m_pending.size() - incompleteTail(m_pending);
        std::string piece = repairUtf8(m_pending.substr(0, whole));
        m_pending.erase(0, whole);
        return piece;
    }

    std::string finish() { return repairUtf8(std::exchange(m_pending, {})); }

private:
    const Tokenizer& m_tokenizer;
    std::string m_pending;
};

class ModelChat final : public ChatSession {
public:
    ModelChat(Policy policy, const ChatOptionsForModel& options)
        : m_policy(std::move(policy))
        , m_options(options)
    {
    }

    Result<std::string> reply(const std::vector<Message>& messages, const SamplingSection& sampling,
        std::int64_t max_new_tokens,
        const std::function<bool(const std::string& piece)>& on_text) override
    {
        try {
            return generateReply(messages, sampling, max_new_tokens, on_text);
        } catch (const c10::Error& error) {
            return fail(error.what_without_backtrace());
        } catch (const std::exception& error) {
            return fail(error.what());
        }
    }

private:
    Result<std::string> generateReply(const std::vector<Message>& messages,
        const SamplingSection& sampling, std::int64_t max_new_tokens,
        const std::function<bool(const std::string& piece)>& on_text)
    {
        useThreads(0);
        ChatOptions chat;
        chat.enable_thinking = m_options.enable_thinking;
        const std::vector<TokenId> prompt = m_policy.tokenizer.encode(renderChat(messages, chat));
        const std::int64_t room = m_policy.model.shape().max_position_embeddings
            - static_cast<std::int64_t>(prompt.size());
        if (room <= 0)
            return fail(fmt::format("the conversation has {} tokens; the model reads at most {}",
                prompt.size(), m_policy.model.shape().max_position_embeddings));

        GenerationOptions options;
        options.sampling = { sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p };
        options.max_new_tokens = std::min(max_new_tokens, room);
        options.eos_ids = m_policy.eos_ids;
        options.vocabulary_limit = m_policy.tokenizer.size();
        options.seed = m_options.seed;
        options.step = m_turn++;
        TextStream stream(m_policy.tokenizer);
        std::string text;
        bool wanted = true;
        const auto give = [&](const std::string& piece) {
            if (piece.empty() || !wanted)
                return;
            text += piece;
            wanted = !on_text || on_text(piece);
        };
        options.on_token = [&](std::int64_t id) { give(stream.add(id)); };
        options.on_progress = [&](std::size_t, std::size_t, std::int64_t) { return wanted; };
        generate(m_policy.model, { prompt }, options);
        give(stream.finish());
        return text;
    }

    Policy m_policy;
    ChatOptionsForModel m_options;
    std::uint64_t m_turn = 0;
};

} // namespace

Result<std::unique_ptr<ChatSession>> openChatSession(const ChatOptionsForModel& options)
{
    useThreads(0);
    auto policy = loadPolicyForUse(options.model_name_or_path, options.adapter, options.dtype);
    if (!policy)
        return tl::unexpected(policy.error());
    return std::make_unique<ModelChat>(std::move(*policy), options);
}

} // namespace zen
