#include "core/data/word_problems.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <numeric>
#include <span>
#include <unordered_set>

namespace zen {

namespace {

/// SplitMix64: the same numbers on every machine, unlike the standard distributions.
class Dice {
public:
    Dice(std::uint64_t seed, std::uint64_t index)
        : m_state(seed * 0x9E3779B97F4A7C15ULL ^ (index + 1) * 0xD1B54A32D192ED03ULL)
    {
    }

    std::uint64_t next()
    {
        std::uint64_t mixed = (m_state += 0x9E3779B97F4A7C15ULL);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
        return mixed ^ (mixed >> 31);
    }

    /// Uniform in [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high)
    {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }

    std::string pick(std::span<const std::string_view> words)
    {
        return std::string(words[next() % words.size()]);
    }

private:
    std::uint64_t m_state;
};

constexpr auto kNames
    = std::to_array<std::string_view>({ "Mia", "Noah", "Ada", "Liam", "Zoe", "Omar", "Lena", "Ravi",
        "Ines", "Tom", "Yuki", "Sara", "Ben", "Nora", "Emil", "Kofi", "Ana", "Max", "Ida", "Leo" });
constexpr auto kThings = std::to_array<std::string_view>({ "apples", "marbles", "stickers", "coins",
    "shells", "pencils", "cards", "buttons", "stamps", "plums", "beads", "books" });
constexpr auto kPacks = std::to_array<std::string_view>({ "bags", "boxes", "packs", "jars" });
constexpr auto kPlaces = std::to_array<std::string_view>(
    { "a shelf", "a drawer", "a basket", "the garden", "a shop window" });

struct Cast {
    std::string name, other, things, packs;
};

Cast castOf(Dice& dice)
{
    Cast cast{ dice.pick(kNames), dice.pick(kNames), dice.pick(kThings), dice.pick(kPacks) };
    while (cast.other == cast.name)
        cast.other = dice.pick(kNames);
    return cast;
}

std::string sum(std::int64_t a, std::int64_t b)
{
    return fmt::format("{} + {} = {}", a, b, a + b);
}
std::string difference(std::int64_t a, std::int64_t b)
{
    return fmt::format("{} - {} = {}", a, b, a - b);
}
std::string product(std::int64_t a, std::int64_t b)
{
    return fmt::format("{} * {} = {}", a, b, a * b);
}
std::string quotient(std::int64_t a, std::int64_t b)
{
    return fmt::format("{} / {} = {}", a, b, a / b);
}

WordProblem collects(Dice& dice, const Cast& who)
{
    const auto a = dice.between(3, 49), b = dice.between(2, 39);
    return { fmt::format("{} finds {} {} on Monday and {} on Tuesday. How many {} is that in all?",
                 who.name, a, who.things, b, who.things),
        { sum(a, b) }, { a, b }, a + b, a + b };
}

WordProblem joins(Dice& dice, const Cast& who)
{
    const auto a = dice.between(3, 30), b = dice.between(2, 30), c = dice.between(2, 20);
    return { fmt::format(
                 "{} has {} {}, {} has {}, and {} more lie on a table. How many {} are there?",
                 who.name, a, who.things, who.other, b, c, who.things),
        { sum(a, b), sum(a + b, c) }, { a, b, c }, a + b, a + b + c };
}

WordProblem buysPacks(Dice& dice, const Cast& who)
{
    const auto a = dice.between(3, 40), n = dice.between(2, 9), each = dice.between(2, 9);
    return { fmt::format("{} has {} {} and buys {} {} of {}. How many {} does {} have now?",
                 who.name, a, who.things, n, who.packs, each, who.things, who.name),
        { product(n, each), sum(a, n * each) }, { a, n, each }, n * each, a + n * each };
}

WordProblem givesAway(Dice& dice, const Cast& who)
{
    const auto a = dice.between(20, 80), b = dice.between(2, 9), c = dice.between(2, 9);
    return { fmt::format("{} has {} {}, gives {} to {} and loses {}. How many {} are left?",
                 who.name, a, who.things, b, who.other, c, who.things),
        { difference(a, b), difference(a - b, c) }, { a, b, c }, a - b, a - b - c };
}

WordProblem sellsFromTrays(Dice& dice, const Cast& who)
{
    const auto n = dice.between(3, 9), each = dice.between(3, 9), sold = dice.between(2, 8);
    return { fmt::format("{} fills {} {} with {} {} each and sells {}. How many {} remain?",
                 who.name, n, who.packs, each, who.things, sold, who.things),
        { product(n, each), difference(n * each, sold) }, { n, each, sold }, n * each,
        n * each - sold };
}

WordProblem moreThanThat(Dice& dice, const Cast& who)
{
    const auto a = dice.between(5, 40), more = dice.between(2, 15);
    return { fmt::format(
                 "{} has {} {} and {} has {} more than that. How many {} do they have together?",
                 who.name, a, who.things, who.other, more, who.things),
        { sum(a, more), sum(a, a + more) }, { a, more }, a + more, 2 * a + more };
}

WordProblem fewerThanThat(Dice& dice, const Cast& who)
{
    const auto a = dice.between(15, 50), fewer = dice.between(2, 12);
    return {
        fmt::format(
            "{} picks {} {} and {} picks {} fewer than that. How many {} do they have together?",
            who.name, a, who.things, who.other, fewer, who.things),
        { difference(a, fewer), sum(a, a - fewer) }, { a, fewer }, a - fewer, 2 * a - fewer
    };
}

WordProblem sharesEqually(Dice& dice, const Cast& who)
{
    const auto friends = dice.between(2, 9), share = dice.between(2, 9),
               extra = dice.between(2, 12);
    return { fmt::format("{} friends share {} {} equally, and {} gives each {} more. How many {} "
                         "has each friend?",
                 friends, friends * share, who.things, who.name, extra, who.things),
        { quotient(friends * share, friends), sum(share, extra) },
        { friends, friends * share, extra }, share, share + extra };
}

WordProblem change(Dice& dice, const Cast& who)
{
    const auto n = dice.between(2, 9), price = dice.between(2, 9);
    const std::int64_t paid = n * price < 20 ? 20 : n * price < 50 ? 50 : 100;
    return { fmt::format(
                 "{} buys {} {} at {} coins each and pays with {} coins. How many coins come back?",
                 who.name, n, who.things, price, paid),
        { product(n, price), difference(paid, n * price) }, { n, price, paid }, n * price,
        paid - n * price };
}

WordProblem twoKinds(Dice& dice, const Cast& who)
{
    const auto n = dice.between(2, 6), each = dice.between(2, 9), m = dice.between(2, 6),
               other = dice.between(2, 9);
    return { fmt::format("{} packs {} {} of {} and {} {} of {}. How many {} is that in all?",
                 who.name, n, who.packs, each, m, who.packs, other, who.things),
        { product(n, each), product(m, other), sum(n * each, m * other) }, { n, each, m, other },
        n * each, n * each + m * other };
}

WordProblem beside(Dice& dice, const Cast& who)
{
    const auto age = dice.between(6, 15), a = dice.between(10, 60), b = dice.between(2, 9);
    return { fmt::format(
                 "{}, who is {}, puts {} {} on {} and takes {} away again. How many {} stay there?",
                 who.name, age, a, who.things, dice.pick(kPlaces), b, who.things),
        { difference(a, b) }, { age, a, b }, a - b, a - b };
}

WordProblem twice(Dice& dice, const Cast& who)
{
    const auto a = dice.between(6, 40), gone = dice.between(2, 9);
    return { fmt::format("{} has {} {}. {} has twice as many but loses {}. How many {} has {} now?",
                 who.name, a, who.things, who.other, gone, who.things, who.other),
        { product(2, a), difference(2 * a, gone) }, { a, gone }, 2 * a, 2 * a - gone };
}

using Story = WordProblem (*)(Dice&, const Cast&);
/// Collecting stands twice: with joining, adding everything up is right for three of thirteen
/// stories.
constexpr std::array<Story, 13> kStories
    = { collects, collects, buysPacks, givesAway, sellsFromTrays, moreThanThat, joins,
          fewerThanThat, sharesEqually, change, twoKinds, beside, twice };

std::string turn(const std::string& thoughts, std::int64_t answer)
{
    return fmt::format("<think>\n{}\n</think>\n\nThe answer is \\boxed{{{}}}.", thoughts, answer);
}

} // namespace

WordProblem wordProblem(std::uint64_t seed, std::uint64_t index)
{
    Dice dice(seed, index);
    const Cast cast = castOf(dice);
    return kStories[dice.next() % kStories.size()](dice, cast);
}

Solver demonstrator(std::uint64_t seed, std::uint64_t index)
{
    const auto roll = Dice(seed ^ 0x5EEDULL, index).between(0, 99);
    return roll < 50 ? Solver::careless : roll < 65 ? Solver::hasty : Solver::careful;
}

std::string demonstration(const WordProblem& problem, Solver solver)
{
    std::string thoughts;
    if (solver == Solver::careful) {
        for (std::size_t i = 0; i < problem.steps.size(); ++i)
            thoughts += fmt::format("{}Step {}: {}.", i == 0 ? "" : " ", i + 1, problem.steps[i]);
        return turn(thoughts, problem.answer);
    }
    if (solver == Solver::hasty)
        return turn(fmt::format("That is quick: {}.", problem.steps.front()), problem.first_result);
    thoughts = "All numbers together:";
    std::int64_t total = problem.numbers.front();
    for (std::size_t i = 1; i < problem.numbers.size(); ++i) {
        thoughts += fmt::format(" {}.", sum(total, problem.numbers[i]));
        total += problem.numbers[i];
    }
    return turn(thoughts, total);
}

std::string problemsAsJsonLines(std::uint64_t seed, std::size_t count,
    std::vector<std::string>* questions, const std::vector<std::string>& exclude)
{
    std::unordered_set<std::string> seen(exclude.begin(), exclude.end());
    std::string lines;
    std::size_t written = 0;
    for (std::uint64_t index = 0; written < count; ++index) {
        const WordProblem problem = wordProblem(seed, index);
        if (!seen.insert(problem.question).second)
            continue;
        lines += nlohmann::ordered_json{ { "question", problem.question },
            { "answer", std::to_string(problem.answer) },
            { "solution", demonstration(problem, Solver::careful) } }
                     .dump()
            + "\n";
        if (questions != nullptr)
            questions->push_back(problem.question);
        ++written;
    }
    return lines;
}

} // namespace zen
