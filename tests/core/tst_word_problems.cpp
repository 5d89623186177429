#include "core/data/word_problems.h"

#include <QtTest>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

using namespace zen;

class TestWordProblems : public QObject {
    Q_OBJECT

private:
    /// Evaluates "a op b = c" on its own and tells whether it holds.
    static bool holds(const std::string& step)
    {
        std::istringstream stream(step);
        long left = 0, right = 0, result = 0;
        char operation = 0, equals = 0;
        stream >> left >> operation >> right >> equals >> result;
        switch (operation) {
        case '+':
            return left + right == result;
        case '-':
            return left - right == result;
        case '*':
            return left * right == result;
        case '/':
            return left % right == 0 && left / right == result;
        default:
            return false;
        }
    }

private Q_SLOTS:
    void everyStep_isTrueArithmetic()
    {
        for (std::uint64_t index = 0; index < 5000; ++index) {
            const WordProblem problem = wordProblem(3, index);
            QVERIFY(!problem.steps.empty());
            for (const std::string& step : problem.steps)
                QVERIFY2(holds(step), step.c_str());
            const std::string& last = problem.steps.back();
            QCOMPARE(std::stol(last.substr(last.rfind('=') + 1)), problem.answer);
            QVERIFY(problem.answer >= 0 && problem.answer < 200);
            for (const std::int64_t number : problem.numbers)
                QVERIFY(problem.question.find(std::to_string(number)) != std::string::npos);
        }
    }

    void addingEverythingUp_isRightForAboutAFifth()
    {
        int right = 0;
        for (std::uint64_t index = 0; index < 5000; ++index) {
            const WordProblem problem = wordProblem(11, index);
            std::int64_t total = 0;
            for (const std::int64_t number : problem.numbers)
                total += number;
            right += total == problem.answer ? 1 : 0;
        }
        QVERIFY2(right > 5000 * 0.18 && right < 5000 * 0.30, std::to_string(right).c_str());
    }

    void sameSeed_sameProblem()
    {
        QCOMPARE(wordProblem(5, 17).question, wordProblem(5, 17).question);
        QVERIFY(wordProblem(5, 17).question != wordProblem(6, 17).question
            || wordProblem(5, 18).question != wordProblem(6, 18).question);
    }

    void solvers_differAsTheyShould()
    {
        const WordProblem problem{ "q", { "2 * 6 = 12", "17 + 12 = 29" }, { 17, 2, 6 }, 12, 29 };
        QCOMPARE(demonstration(problem, Solver::careful),
            std::string("<think>\nStep 1: 2 * 6 = 12. Step 2: 17 + 12 = 29.\n</think>\n\n"
                        "The answer is \\boxed{29}."));
        QCOMPARE(demonstration(problem, Solver::careless),
            std::string("<think>\nAll numbers together: 17 + 2 = 19. 19 + 6 = 25.\n</think>\n\n"
                        "The answer is \\boxed{25}."));
        QVERIFY(demonstration(problem, Solver::hasty).find("\\boxed{12}") != std::string::npos);
    }

    void jsonLines_areDistinctAndLeaveOutTheExcluded()
    {
        std::vector<std::string> held_out;
        problemsAsJsonLines(2, 100, &held_out);
        std::vector<std::string> trained;
        const std::string lines = problemsAsJsonLines(2, 300, &trained, held_out);
        std::istringstream stream(lines);
        std::string line;
        int count = 0;
        while (std::getline(stream, line)) {
            const auto row = nlohmann::json::parse(line);
            QVERIFY(row.contains("question") && row["answer"].is_string());
            ++count;
        }
        QCOMPARE(count, 300);
        for (const std::string& question : trained)
            QVERIFY(std::find(held_out.begin(), held_out.end(), question) == held_out.end());
    }
};

QTEST_GUILESS_MAIN(TestWordProblems)
#include "tst_word_problems.moc"
