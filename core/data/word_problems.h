#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

// Goals: a task in natural text whose answer can be checked, rich enough that the starter model has
// something to learn and small enough that a model of about a million weights can learn it.
// Non-goals: a benchmark of reasoning.

/// How a demonstration reasons.
enum class Solver {
    careful, ///< one step after the other, right
    careless, ///< adds up every number of the question
    hasty ///< stops after the first step
};

/// One story with numbers, and what each solver makes of it.
struct WordProblem {
    std::string question;
    std::vector<std::string> steps; ///< "2 * 6 = 12", "17 + 12 = 29"
    std::vector<std::int64_t> numbers; ///< in the order of the question
    std::int64_t first_result = 0; ///< of steps.front()
    std::int64_t answer = 0;
};

/// The problem of this (seed, index): the same on every machine. Answers stay below 200.
WordProblem wordProblem(std::uint64_t seed, std::uint64_t index);

/// The assistant's turn as Qwen3 writes it: a think block, then "The answer is \boxed{n}."
std::string demonstration(const WordProblem& problem, Solver solver);

/// Which solver demonstrates problem `index`: 50 % careless, 15 % hasty, 35 % careful.
Solver demonstrator(std::uint64_t seed, std::uint64_t index);

/// `count` problems as JSON lines {"question","answer","solution"}; questions in `exclude` and
/// repeats are passed over.
std::string problemsAsJsonLines(std::uint64_t seed, std::size_t count,
    std::vector<std::string>* questions = nullptr, const std::vector<std::string>& exclude = {});

} // namespace zen
