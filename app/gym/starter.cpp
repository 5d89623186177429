#include "app/gym/commands.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "core/base/machine.h"
#include "core/train/engine.h"

#include <fmt/format.h>

#include <cstdio>

namespace zen::gym {

int starter(const StarterArguments& arguments)
{
    std::error_code ignored;
    if (std::filesystem::exists(arguments.output, ignored)) {
        printError(fmt::format(
            "{} exists already; name a folder that does not", arguments.output.string()));
        return kBadInput;
    }
    StarterOptions options;
    options.output = arguments.output;
    options.sft_config
        = arguments.config.empty() ? configFolder() / "starter_sft.yaml" : arguments.config;
    if (!std::filesystem::is_regular_file(options.sft_config, ignored)) {
        printError(fmt::format("there is no configuration {}", options.sft_config.string()));
        return kBadInput;
    }
    options.on_line = [](const std::string& line) {
        fmt::print("{}\n", printable(line));
        std::fflush(stdout);
    };
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    if (const Result<void> made = engine->makeStarter(options); !made) {
        printError(made.error().message);
        return kFailed;
    }
    fmt::print("The model is in {}\n", arguments.output.string());
    return kDone;
}

} // namespace zen::gym
