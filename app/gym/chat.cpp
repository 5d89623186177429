#include "app/gym/commands.h"
#include "app/gym/signal_watch.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "app/gym/unpacked_model.h"
#include "core/base/utf8.h"
#include "core/train/engine.h"
#include "core/weights/checkpoint_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

namespace zen::gym {

namespace {

/// The next line that a person typed; empty at the end of input.
std::optional<std::string> ask(bool is_terminal)
{
    if (is_terminal) {
        fmt::print("\n> ");
        std::fflush(stdout);
    }
    std::string line;
    if (!std::getline(std::cin, line))
        return std::nullopt;
    return repairUtf8(line);
}

/// Prints the reply as it is written; Ctrl-C ends it early. Returns what was said.
Result<std::string> answer(
    ChatSession& session, const std::vector<Message>& conversation, const ChatArguments& arguments)
{
    SamplingSection sampling;
    sampling.temperature = arguments.temperature;
    sampling.top_p = arguments.top_p;
    sampling.top_k = arguments.top_k;
    SignalWatch signals;
    return session.reply(
        conversation, sampling, arguments.max_new_tokens, [&](const std::string& piece) {
            fmt::print("{}", printable(piece));
            std::fflush(stdout);
            return signals.wait(std::chrono::milliseconds(0)) == 0;
        });
}

int converse(ChatSession& session, const ChatArguments& arguments)
{
    const bool is_terminal = isatty(STDIN_FILENO) == 1;
    if (is_terminal)
        fmt::print("Talking to {}. An empty line or Ctrl-D ends; /new starts over; Ctrl-C cuts a "
                   "reply short.\n",
            arguments.model);
    std::vector<Message> opening;
    if (!arguments.system_prompt.empty())
        opening.push_back({ "system", arguments.system_prompt, {}, {} });
    std::vector<Message> conversation = opening;
    while (const auto line = ask(is_terminal)) {
        if (line->empty() && is_terminal)
            break;
        if (line->empty())
            continue;
        if (*line == "/new") {
            conversation = opening;
            continue;
        }
        conversation.push_back({ "user", *line, {}, {} });
        const Result<std::string> reply = answer(session, conversation, arguments);
        fmt::print("\n");
        if (!reply) {
            printError(reply.error().message);
            return kFailed;
        }
        conversation.push_back({ "assistant", *reply, {}, {} });
    }
    return kDone;
}

} // namespace

int chat(const ChatArguments& arguments)
{
    Result<UnpackedModel> model = UnpackedModel::open(arguments.model);
    if (!model) {
        printError(model.error().message);
        return kBadInput;
    }
    if (const auto folder = findModelFolder(model->name()); !folder) {
        printError(folder.error().message);
        return kBadInput;
    }
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    ChatOptionsForModel options;
    options.model_name_or_path = model->name();
    options.adapter = arguments.adapter;
    options.enable_thinking = !arguments.no_thinking;
    options.seed = arguments.seed;
    const Result<std::unique_ptr<ChatSession>> session = engine->openChat(options);
    if (!session) {
        printError(session.error().message);
        return kBadInput;
    }
    model = fail("loaded"); // what was unpacked is in memory now
    return converse(**session, arguments);
}

} // namespace zen::gym
