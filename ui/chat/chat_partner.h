#pragma once

#include "core/train/engine.h"

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace zen::ui {

/// Opens a conversation; called off the window's thread.
using OpenChat = std::function<Result<std::unique_ptr<ChatSession>>(const ChatOptionsForModel&)>;

/// With the real engine.
OpenChat openChatWithEngine();

/// A text that one thread writes and another reads.
class SharedText {
public:
    void append(const std::string& piece);
    std::string value() const;

private:
    mutable std::mutex m_mutex;
    std::string m_text;
};

/// What to ask, and how.
struct ChatRequest {
    ChatOptionsForModel model;
    std::vector<Message> messages;
    SamplingSection sampling;
    std::int64_t max_new_tokens = 512;
};

/// Keeps the sessions that were opened, so that the next question does not load the model again.
/// One thread at a time uses it.
class ChatPartner {
public:
    explicit ChatPartner(OpenChat open)
        : m_open(std::move(open))
    {
    }

    /// The whole reply; `text` grows meanwhile. Stops early when asked. Errors are the engine's.
    Result<std::string> reply(
        const ChatRequest& request, SharedText& text, const std::stop_token& stop);

private:
    struct Open {
        ChatOptionsForModel model;
        std::unique_ptr<ChatSession> session;
    };
    Result<ChatSession*> sessionFor(const ChatOptionsForModel& model);

    OpenChat m_open;
    std::mutex m_mutex;
    std::vector<Open> m_sessions; ///< at most kSessionsKept, the newest last
};

} // namespace zen::ui
