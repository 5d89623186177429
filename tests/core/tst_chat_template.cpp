#include "core/text/chat_template.h"
#include "text_samples.h"

#include <QTest>

using namespace zen;
using namespace zen::test;

namespace {

Message message(std::string role, std::string content)
{
    return { std::move(role), std::move(content), std::nullopt, {} };
}

Message messageFromJson(const nlohmann::json& json)
{
    Message message{ json["role"].get<std::string>(), json["content"].get<std::string>(),
        std::nullopt, {} };
    if (json.contains("reasoning_content"))
        message.reasoning_content = json["reasoning_content"].get<std::string>();
    for (const auto& call : json.value("tool_calls", nlohmann::json::array()))
        message.tool_calls.push_back(
            { call["name"].get<std::string>(), call["arguments"].get<std::string>() });
    return message;
}

std::string learned(const std::vector<ChatPiece>& pieces)
{
    std::string text;
    for (const ChatPiece& piece : pieces)
        text += piece.learn ? piece.text : std::string();
    return text;
}

} // namespace

class ChatTemplateTest : public QObject {
    Q_OBJECT

    static void compareCases(const std::string& file, std::size_t at_least)
    {
        const auto cases = jsonOfFile(file);
        QVERIFY(cases.size() >= at_least);
        for (const auto& one : cases) {
            std::vector<Message> messages;
            for (const auto& entry : one["messages"])
                messages.push_back(messageFromJson(entry));
            ChatOptions options;
            options.add_generation_prompt = one["add_generation_prompt"].get<bool>();
            options.enable_thinking = one["enable_thinking"].get<bool>();
            for (const auto& tool : one.value("tools", nlohmann::json::array()))
                options.tools_json.push_back(tool.get<std::string>());
            QCOMPARE(renderChat(messages, options), one["text"].get<std::string>());
            std::string joined;
            for (const ChatPiece& piece : renderChatPieces(messages, options))
                joined += piece.text;
            QCOMPARE(joined, one["text"].get<std::string>());
        }
    }

private Q_SLOTS:
    void referenceCases_match()
    {
        compareCases(ZEN_SOURCE_DIR "/tests/reference-cases/chat.json", 16);
    }

    /// Rendered by Qwen3's own Jinja template: tools, calls, responses, thoughts, odd roles.
    void templateCases_match() { compareCases(ZEN_SOURCE_DIR "/tests/core/chat_cases.json", 300); }

    void compactTool_isSpacedAsPythonDoes()
    {
        ChatOptions options;
        options.tools_json
            = { "{\"name\":\"f\",\"p\":{\"x\":[1,2.50,true,null],\"d\":\"caf\\u00e9 \\n\"}}" };
        const std::string text = renderChat(std::vector{ message("user", "hi") }, options);
        QVERIFY(
            text.find(
                "{\"name\": \"f\", \"p\": {\"x\": [1, 2.5, true, null], \"d\": \"caf\u00e9 \\n\"}}")
            != std::string::npos);
    }

    void pieces_teachTheAssistantOnly()
    {
        const std::vector messages{ message("system", "s"), message("user", "u"),
            message("assistant", "first"), message("user", "more"),
            message("assistant", "<think>\nt\n</think>\n\nlast") };
        ChatOptions options;
        options.add_generation_prompt = false;
        QCOMPARE(learned(renderChatPieces(messages, options)),
            std::string("first<|im_end|><think>\nt\n</think>\n\nlast<|im_end|>"));
    }

    void emptyThought_isGivenWithoutThinking()
    {
        const std::vector messages{ message("user", "u"), message("assistant", "a") };
        ChatOptions options;
        options.add_generation_prompt = false;
        QCOMPARE(learned(renderChatPieces(messages, options)),
            std::string("<think>\n\n</think>\n\na<|im_end|>"));
        options.enable_thinking = false;
        QCOMPARE(learned(renderChatPieces(messages, options)), std::string("a<|im_end|>"));
    }

    void assistantText_isWhatTheLastTurnSays()
    {
        Message last = message("assistant", "It is 3.");
        last.reasoning_content = "1 + 2";
        last.tool_calls = { { "add", R"({"a": 1})" } };
        const std::string text = assistantText(last);
        QCOMPARE(text,
            std::string("<think>\n1 + 2\n</think>\n\nIt is 3.\n<tool_call>\n{\"name\": \"add\", "
                        "\"arguments\": "
                        "{\"a\": 1}}\n</tool_call>"));
        ChatOptions options;
        options.add_generation_prompt = false;
        const std::vector structured{ message("user", "q"), last };
        const std::vector plain{ message("user", "q"), message("assistant", text) };
        QCOMPARE(renderChat(plain, options), renderChat(structured, options));
    }

    void noMessages_giveOnlyThePrompt()
    {
        QCOMPARE(renderChat({}, {}), std::string("<|im_start|>assistant\n"));
        QVERIFY(renderChatPieces({}, { .add_generation_prompt = false }).empty());
    }
};

QTEST_GUILESS_MAIN(ChatTemplateTest)
#include "tst_chat_template.moc"
