#include "core/runs/event_log.h"
#include "scripted_job.h"
#include "ui/rollouts/completion_store.h"
#include "ui/rollouts/completion_table.h"
#include "ui/rollouts/prompt_list.h"
#include "ui/rollouts/rollouts_page.h"
#include "ui/rollouts/token_view.h"

#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

using namespace zen;
using namespace zen::test;
using namespace zen::ui;

namespace {

QString textOf(const QWidget& page, const char* name)
{
    const auto* label = page.findChild<QLabel*>(QString::fromLatin1(name));
    return label ? label->text() : QStringLiteral("no such label");
}

void logSteps(const QString& folder, const std::vector<std::int64_t>& steps)
{
    auto log = EventLog::open(folder.toStdString());
    for (const std::int64_t step : steps) {
        CompletionsSampled sampled = sampledEvent(step);
        sampled.groups[0].completions[0].text = "written at \"step\":" + std::to_string(step);
        (*log)->publish(sampled);
    }
}

} // namespace

class TestRolloutsPage : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void index_findsEveryStepAndTheLaterOfTwo()
    {
        QTemporaryDir folder;
        logSteps(folder.path(), { 1, 2, 3, 2 });
        const std::filesystem::path file
            = (folder.path() + QStringLiteral("/completions.jsonl")).toStdString();
        std::ofstream(file, std::ios::app)
            << "{\"event\":\"completions_sampled\",\"step\":9"; // torn
        CompletionStore store;
        store.setIndex(file, indexCompletions(file, {}));
        QCOMPARE(store.steps(), (std::vector<std::int64_t>{ 1, 2, 3 }));
        QCOMPARE(store.newest().value(), 3);
        QCOMPARE(store.before(3).value(), 2);
        QVERIFY(!store.after(3));
        QCOMPARE(store.nearest(100).value(), 3);
        const auto sampled = store.load(2);
        QVERIFY(sampled.has_value());
        QCOMPARE(sampled->step, 2);
        QCOMPARE(
            sampled->groups[0].completions[1].text, sampledEvent(2).groups[0].completions[1].text);
    }

    void fileThatVanishes_givesNothingInsteadOfACrash()
    {
        QTemporaryDir folder;
        logSteps(folder.path(), { 1 });
        const std::filesystem::path file
            = (folder.path() + QStringLiteral("/completions.jsonl")).toStdString();
        CompletionStore store;
        store.setIndex(file, indexCompletions(file, {}));
        std::filesystem::remove(file);
        QVERIFY(!store.load(1));
    }

    void memory_isBoundedByDroppingTheOldestSteps()
    {
        CompletionStore store;
        for (std::int64_t step = 1; step <= 40; ++step) {
            CompletionsSampled sampled = sampledEvent(step);
            sampled.groups[0].completions[0].text = std::string(2 << 20, 'x');
            store.add(std::move(sampled));
        }
        QVERIFY(store.steps().size() < 20);
        QCOMPARE(store.newest().value(), 40);
    }

    void groupRewards_areMeanAndSampleDeviation()
    {
        const GroupRewards rewards = rewardsOf(sampledEvent(1).groups[0]); // 1.2 and 0.2
        QCOMPARE(rewards.mean.value(), 0.7);
        QVERIFY(qAbs(rewards.deviation - 0.7071067811865476) < 1e-12);
        QVERIFY(rewards.carriesSignal());
        SampledGroup equal = sampledEvent(1).groups[0];
        equal.completions[1].reward = equal.completions[0].reward;
        QVERIFY(!rewardsOf(equal).carriesSignal());
        equal.completions[0].reward.reset();
        equal.completions[1].reward.reset();
        QVERIFY(!rewardsOf(equal).mean);
    }

    void table_showsBestFirstWithEachTerm()
    {
        CompletionTable table;
        SampledGroup group = sampledEvent(1).groups[0];
        std::swap(group.completions[0], group.completions[1]); // the worse one first
        group.completions[0].truncated = true;
        group.completions[0].ids = { 1, 2, 3 };
        table.present({ "correct", "format" }, group);
        const auto* model = table.model();
        const auto cell
            = [&](int row, int column) { return model->index(row, column).data().toString(); };
        QCOMPARE(cell(0, CompletionModel::Reward), QStringLiteral("1.2"));
        QCOMPARE(cell(0, CompletionModel::Advantage), QStringLiteral("+1.31"));
        QCOMPARE(cell(0, CompletionModel::FirstTerm), QStringLiteral("1.0"));
        QCOMPARE(cell(1, CompletionModel::Reward), QStringLiteral("0.2"));
        QCOMPARE(cell(1, CompletionModel::Advantage), QStringLiteral("−0.54"));
        QCOMPARE(cell(1, CompletionModel::FirstTerm + 2), QStringLiteral("3 ✂"));
        QCOMPARE(model->headerData(CompletionModel::FirstTerm, Qt::Horizontal).toString(),
            QStringLiteral("correct"));
        table.selectFirst();
        QCOMPARE(table.currentCompletion(), 1);
    }

    void unscoredReward_isADashNotZero()
    {
        CompletionTable table;
        SampledGroup group = sampledEvent(1).groups[0];
        group.completions[0].reward.reset();
        group.completions[0].reward_terms = { std::nullopt, 0.2 };
        table.present({ "correct", "format" }, group);
        QCOMPARE(table.model()->index(1, 0).data().toString(), QStringLiteral("–")); // sorted last
        QCOMPARE(table.model()->index(1, CompletionModel::FirstTerm).data().toString(),
            QStringLiteral("–"));
    }

    void tokens_areShownWithTheirTextAndProbability()
    {
        const auto tokenizer = Tokenizer::load(ZEN_SOURCE_DIR "/resources/starter/tokenizer.json");
        QVERIFY(tokenizer.has_value());
        SampledCompletion completion;
        completion.text = "two  words\n";
        completion.ids = tokenizer->encode(completion.text);
        completion.logprobs.assign(completion.ids.size(), -0.6931472F); // one half
        TokenView view;
        view.resize(500, 200);
        QString described;
        connect(&view, &TokenView::tokenPointed, &view,
            [&](int, const QString& text) { described = text; });
        view.present(completion, *tokenizer);
        QCOMPARE(view.tokenCount(), completion.ids.size());
        QString all;
        for (std::size_t i = 0; i < view.tokenCount(); ++i)
            all += view.tokenText(i);
        QVERIFY(all.contains(QStringLiteral("⏎")));
        QTest::keyClick(&view, Qt::Key_Right);
        QVERIFY2(described.contains(QStringLiteral("logprob −0.69 · probability 50 %")),
            qPrintable(described));
    }

    void finishedRun_showsItsNewestStepAndWalksBack()
    {
        QTemporaryDir folder;
        logSteps(folder.path(), { 5, 10, 15 });
        TrainingSession session;
        RolloutsPage page(session);
        page.resize(1180, 740);
        page.show();
        page.showRun(folder.path().toStdString());
        QTRY_COMPARE(page.shownStep().value_or(-1), 15);
        QCOMPARE(textOf(page, "rolloutStep"), QStringLiteral("Step 15"));
        QVERIFY(textOf(page, "rolloutPromptFacts")
                    .startsWith(
                        QStringLiteral("expected answer 29 · 2 completions · mean 0.70 ± 0.71")));
        QCOMPARE(page.findChild<QPlainTextEdit*>(QStringLiteral("completionText"))->toPlainText(),
            QStringLiteral("written at \"step\":15"));
        page.findChild<QPushButton*>(QStringLiteral("previousStep"))->click();
        QCOMPARE(page.shownStep().value_or(-1), 10);
        page.showStep(6);
        QCOMPARE(page.shownStep().value_or(-1), 5);
    }

    void liveRun_isFollowedUntilAnOlderStepIsChosen()
    {
        TrainingSession session;
        RolloutsPage page(session);
        page.resize(1180, 740);
        page.show();
        std::atomic<int> until{ 3 };
        session.start(scripted([&](RunControl& control, EventSink& sink) {
            sink.publish(startedEvent("live", 100));
            for (int step = 1; !control.stopRequested();) {
                if (step <= until)
                    sink.publish(sampledEvent(step++));
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            sink.publish(finishedEvent("stopped"));
        }));
        QTRY_COMPARE(page.shownStep().value_or(-1), 3);
        page.showStep(1);
        until = 6;
        QTRY_VERIFY(page.findChild<QPushButton*>(QStringLiteral("newestStep"))->isVisible());
        QTest::qWait(150);
        QCOMPARE(page.shownStep().value_or(-1), 1);
        page.findChild<QPushButton*>(QStringLiteral("newestStep"))->click();
        QCOMPARE(page.shownStep().value_or(-1), 6);
        until = 8;
        QTRY_COMPARE(page.shownStep().value_or(-1), 8);
        session.stop();
        QTRY_VERIFY(!session.isActive());
    }

    void markup_staysText()
    {
        QTemporaryDir folder;
        {
            auto log = EventLog::open(folder.path().toStdString());
            CompletionsSampled sampled = sampledEvent(1);
            sampled.groups[0].prompt = "<img src=\"x\">";
            sampled.groups[0].completions[0].text = "<b>b</b>";
            (*log)->publish(sampled);
        }
        TrainingSession session;
        RolloutsPage page(session);
        page.show();
        page.showRun(folder.path().toStdString());
        QTRY_COMPARE(page.shownStep().value_or(-1), 1);
        QCOMPARE(textOf(page, "rolloutPrompt"), QStringLiteral("<img src=\"x\">"));
        for (const QLabel* label : page.findChildren<QLabel*>())
            QVERIFY(label->text().isEmpty() || label->textFormat() == Qt::PlainText);
        QCOMPARE(page.findChild<QPlainTextEdit*>(QStringLiteral("completionText"))->toPlainText(),
            QStringLiteral("<b>b</b>"));
    }
};

QTEST_MAIN(TestRolloutsPage)
#include "tst_rollouts_page.moc"
