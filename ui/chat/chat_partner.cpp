#include "ui/chat/chat_partner.h"

#include <algorithm>

namespace zen::ui {

namespace {

constexpr std::size_t kSessionsKept = 2;

bool isSame(const ChatOptionsForModel& a, const ChatOptionsForModel& b)
{
    return a.model_name_or_path == b.model_name_or_path && a.adapter == b.adapter
        && a.dtype == b.dtype && a.enable_thinking == b.enable_thinking;
}

} // namespace

OpenChat openChatWithEngine()
{
    return [](const ChatOptionsForModel& options) {
        return loadEngine().and_then([&](Engine* engine) { return engine->openChat(options); });
    };
}

void SharedText::append(const std::string& piece)
{
    const std::scoped_lock lock(m_mutex);
    m_text += piece;
}

std::string SharedText::value() const
{
    const std::scoped_lock lock(m_mutex);
    return m_text;
}

Result<ChatSession*> ChatPartner::sessionFor(const ChatOptionsForModel& model)
{
    const auto found = std::find_if(m_sessions.begin(), m_sessions.end(),
        [&](const Open& open) { return isSame(open.model, model); });
    if (found != m_sessions.end())
        return found->session.get();
    if (m_sessions.size() == kSessionsKept)
        m_sessions.erase(m_sessions.begin());
    auto session = m_open(model);
    if (!session)
        return tl::unexpected(session.error());
    m_sessions.push_back({ model, std::move(*session) });
    return m_sessions.back().session.get();
}

Result<std::string> ChatPartner::reply(
    const ChatRequest& request, SharedText& text, const std::stop_token& stop)
{
    const std::scoped_lock lock(m_mutex);
    if (stop.stop_requested())
        return std::string();
    const auto session = sessionFor(request.model);
    if (!session)
        return tl::unexpected(session.error());
    return (*session)->reply(
        request.messages, request.sampling, request.max_new_tokens, [&](const std::string& piece) {
            text.append(piece);
            return !stop.stop_requested();
        });
}

} // namespace zen::ui
