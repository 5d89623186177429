#include "app/gym/commands.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "core/train/engine.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdio>

namespace zen::gym {

namespace {

/// The tokenizer.json to use: the one asked for, else the one that lies beside the cases; empty if
/// there is none.
std::filesystem::path tokenizerFor(const VerifyArguments& arguments)
{
    std::error_code ignored;
    if (!arguments.tokenizer.empty()) {
        const bool is_folder = std::filesystem::is_directory(arguments.tokenizer, ignored);
        return is_folder ? arguments.tokenizer / "tokenizer.json" : arguments.tokenizer;
    }
    const std::filesystem::path beside
        = arguments.folder / ".." / "data" / "qwen3-tokenizer" / "tokenizer.json";
    return std::filesystem::is_regular_file(beside, ignored) ? beside : std::filesystem::path();
}

void printCase(const VerifyCase& one)
{
    static constexpr std::array kWords{ "pass", "FAIL", "skip" };
    std::string line
        = fmt::format("{}  {:<40}", kWords.at(static_cast<std::size_t>(one.outcome)), one.name);
    if (one.outcome != VerifyCase::Outcome::skipped)
        line += fmt::format("  error {:.2e}  tolerance {:.0e}", one.largest_error, one.tolerance);
    if (!one.detail.empty())
        line += "  " + one.detail;
    fmt::print("{}\n", printable(line));
    std::fflush(stdout);
}

} // namespace

int verify(const VerifyArguments& arguments)
{
    std::error_code ignored;
    if (!std::filesystem::is_directory(arguments.folder, ignored)) {
        printError(
            fmt::format("there is no folder {}. The program ships cases in tests/reference-cases.",
                arguments.folder.string()));
        return kBadInput;
    }
    const std::filesystem::path tokenizer = tokenizerFor(arguments);
    if (!tokenizer.empty() && !std::filesystem::is_regular_file(tokenizer, ignored)) {
        printError(fmt::format("there is no file {}", tokenizer.string()));
        return kBadInput;
    }
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    std::array<int, 3> counts{};
    const Result<void> done
        = engine->verify(arguments.folder, tokenizer, [&](const VerifyCase& one) {
              ++counts.at(static_cast<std::size_t>(one.outcome));
              printCase(one);
          });
    if (!done) {
        printError(done.error().message);
        return kBadInput;
    }
    fmt::print("{} passed, {} failed, {} skipped\n", counts[0], counts[1], counts[2]);
    return counts[1] == 0 ? kDone : kFailed;
}

} // namespace zen::gym
