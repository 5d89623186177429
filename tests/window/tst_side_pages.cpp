// History, data, rewards and chat: the pages around a run.
#include "core/runs/event_log.h"
#include "core/runs/run_folder.h"
#include "synthetic_run.h"
#include "ui/chat/chat_page.h"
#include "ui/chat/conversation.h"
#include "ui/data/data_page.h"
#include "ui/data/data_summary.h"
#include "ui/history/history_page.h"
#include "ui/history/history_table.h"
#include "ui/rewards/reward_bench.h"

#include <QComboBox>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
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

void makeRun(const std::filesystem::path& folder, std::int64_t steps, const char* status)
{
    std::filesystem::create_directories(folder);
    auto log = EventLog::open(folder);
    for (const Event& event : syntheticRun(steps, steps))
        (*log)->publish(event);
    RunFinished finished = finishedEvent(status);
    finished.steps = steps;
    finished.eval_accuracy_before = 0.21;
    finished.eval_accuracy_after = 0.94;
    (*log)->publish(finished);
    (void)writeSummary(RunFolder{ folder }, finished);
}

void write(const std::filesystem::path& file, const std::string& text)
{
    std::ofstream(file, std::ios::binary) << text;
}

RewardTermSpec numberEqual()
{
    RewardTermSpec spec;
    spec.name = "correct";
    spec.type = "number_equal";
    return spec;
}

/// Answers with the question, word by word, as slowly as it is told.
class EchoChat final : public ChatSession {
public:
    EchoChat(std::string prefix, int delay_ms)
        : m_prefix(std::move(prefix))
        , m_delay(delay_ms)
    {
    }
    Result<std::string> reply(const std::vector<Message>& messages, const SamplingSection&,
        std::int64_t, const std::function<bool(const std::string&)>& on_text) override
    {
        if (messages.back().content == "fail")
            return fail("out of memory");
        std::string all;
        for (const std::string& piece : { m_prefix, std::string(" "), messages.back().content,
                 " (" + std::to_string(messages.size()) + ")" }) {
            all += piece;
            if (!on_text(piece))
                return all;
            std::this_thread::sleep_for(std::chrono::milliseconds(m_delay));
        }
        return all;
    }

private:
    std::string m_prefix;
    int m_delay;
};

} // namespace

class TestSidePages : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void history_listsRunsWithTheirNumbers()
    {
        QTemporaryDir root;
        makeRun(root.filePath(QStringLiteral("one")).toStdString(), 30, "completed");
        makeRun(root.filePath(QStringLiteral("two")).toStdString(), 12, "stopped");
        HistoryPage page([&] { return std::filesystem::path(root.path().toStdString()); });
        page.resize(1180, 740);
        page.show();
        page.refresh();
        auto* table = page.findChild<HistoryTable*>(QStringLiteral("historyTable"));
        QTRY_COMPARE(table->model()->rowCount(), 2);
        int row = 0;
        while (table->model()->index(row, HistoryModel::Steps).data().toString()
            != QStringLiteral("12"))
            QVERIFY(++row < 2);
        QCOMPARE(table->model()->index(row, HistoryModel::Status).data().toString(),
            QStringLiteral("stopped"));
        QCOMPARE(table->model()->index(row, HistoryModel::Accuracy).data().toString(),
            QStringLiteral("21 % → 94 %"));
        table->setCurrentIndex(table->model()->index(row, 0));
        QSignalSpy open(&page, &HistoryPage::openRequested);
        page.findChild<QPushButton*>(QStringLiteral("openRun"))->click();
        QCOMPARE(open.count(), 1);
        QVERIFY(open.at(0).at(0).toString().endsWith(QStringLiteral("two")));
        QVERIFY(page.findChild<QPushButton*>(QStringLiteral("resumeOldRun"))->isEnabled());
        table->setCurrentIndex(table->model()->index(1 - row, 0));
        QVERIFY(
            !page.findChild<QPushButton*>(QStringLiteral("resumeOldRun"))->isEnabled()); // complete
    }

    void historyOfNothing_saysSo()
    {
        QTemporaryDir root;
        HistoryPage page([&] { return std::filesystem::path(root.path().toStdString()) / "none"; });
        page.show();
        page.refresh();
        QTRY_COMPARE(page.stripMessage(), QStringLiteral("No runs yet"));
        QVERIFY(!page.findChild<QPushButton*>(QStringLiteral("openRun"))->isEnabled());
    }

    void lengths_areSummarizedByRank()
    {
        std::vector<std::int64_t> lengths;
        for (int i = 100; i >= 0; --i)
            lengths.push_back(i);
        const LengthSummary summary = summarize(lengths);
        QCOMPARE(summary.counted, std::size_t(101));
        QCOMPARE(summary.smallest, 0);
        QCOMPARE(summary.median, 50);
        QCOMPARE(summary.p95, 95);
        QCOMPARE(summary.largest, 100);
    }

    void data_showsRowsAndScoresThem()
    {
        QTemporaryDir folder;
        const std::filesystem::path file
            = folder.filePath(QStringLiteral("sums.jsonl")).toStdString();
        write(file,
            R"({"question": "What is 2 + 2?", "answer": "4"})"
            "\n"
            R"({"question": "<b>3 + 3?</b>", "answer": "6"})"
            "\n");
        TrainingConfig config;
        config.data.dataset = { file.string() };
        config.algorithm.rewards = { numberEqual() };
        DataPage page([&] { return config; });
        page.resize(1180, 740);
        page.show();
        page.refresh();
        QSignalSpy loaded(&page, &DataPage::loaded);
        QTRY_COMPARE(loaded.count(), 1);
        QVERIFY(textOf(page, "dataFacts").startsWith(QStringLiteral("2 rows to train on")));
        auto* table = page.findChild<QTableView*>(QStringLiteral("dataRows"));
        QCOMPARE(table->model()->index(0, 1).data().toString(), QStringLiteral("What is 2 + 2?"));
        table->setCurrentIndex(table->model()->index(1, 0));
        QVERIFY(page.findChild<QPlainTextEdit*>(QStringLiteral("dataRow"))
                    ->toPlainText()
                    .contains(QStringLiteral("<b>3 + 3?</b>")));
        auto* bench = page.findChild<RewardBench*>(QStringLiteral("rewardBench"));
        auto* completion = page.findChild<QPlainTextEdit*>(QStringLiteral("benchCompletion"));
        completion->setPlainText(QStringLiteral("that is \\boxed{6}"));
        QTRY_COMPARE(bench->totalText(), QStringLiteral("1.00"));
        completion->setPlainText(QStringLiteral("that is \\boxed{7}"));
        QTRY_COMPARE(bench->totalText(), QStringLiteral("0.00"));
    }

    void brokenData_isNamedByFileAndLine()
    {
        QTemporaryDir folder;
        const std::filesystem::path file
            = folder.filePath(QStringLiteral("bad.jsonl")).toStdString();
        write(file, "{\"question\": \"a\", \"answer\": \"1\"}\n{\"question\": \n");
        TrainingConfig config;
        config.data.dataset = { file.string() };
        DataPage page([&] { return config; });
        page.show();
        page.refresh();
        QTRY_VERIFY(textOf(page, "dataProblem").contains(QStringLiteral("bad.jsonl")));
        QVERIFY(textOf(page, "dataProblem").contains(QStringLiteral("2")));
        QVERIFY(page.findChild<QLabel*>(QStringLiteral("dataProblem"))->isVisible());
    }

    void benchWithoutAnAnswer_saysUnscored()
    {
        RewardBench bench;
        bench.setRewards({ numberEqual() });
        bench.setRow({});
        bench.setCompletion(QStringLiteral("\\boxed{7}"));
        QTRY_COMPARE(bench.totalText(), QStringLiteral("unscored"));
    }

    void badReward_isExplainedOnTheBench()
    {
        RewardTermSpec spec;
        spec.name = "x";
        spec.type = "no_such_reward";
        RewardBench bench;
        bench.setRewards({ spec });
        QVERIFY(textOf(bench, "benchProblem").contains(QStringLiteral("no_such_reward")));
    }

    void chat_streamsTheReplyAndRemembersTheTurn()
    {
        ChatPage page(context(5));
        page.resize(1180, 740);
        page.show();
        page.refresh();
        auto* partner = page.findChild<QComboBox*>(QStringLiteral("chatPartner"));
        QTRY_COMPARE(partner->count(), 1);
        say(page, QStringLiteral("<i>hello</i>"));
        QTRY_VERIFY(!page.isBusy());
        const auto* conversation
            = page.findChild<ConversationView*>(QStringLiteral("conversation"));
        QCOMPARE(conversation->replyText(0, 0), QStringLiteral("base: <i>hello</i> (1)"));
        say(page, QStringLiteral("again"));
        QTRY_VERIFY(!page.isBusy());
        QCOMPARE(conversation->replyText(1, 0),
            QStringLiteral("base: again (3)")); // question, reply, question
        QCOMPARE(m_opened.load(), 1); // the model was loaded once
        for (const QLabel* label : page.findChildren<QLabel*>())
            QVERIFY(label->text().isEmpty() || label->textFormat() == Qt::PlainText);
    }

    void chatStop_keepsWhatWasSaid()
    {
        ChatPage page(context(300));
        page.show();
        page.refresh();
        QTRY_COMPARE(page.findChild<QComboBox*>(QStringLiteral("chatPartner"))->count(), 1);
        say(page, QStringLiteral("hello"));
        const auto* conversation
            = page.findChild<ConversationView*>(QStringLiteral("conversation"));
        QTRY_VERIFY(conversation->replyText(0, 0).startsWith(QStringLiteral("base:")));
        page.findChild<QPushButton*>(QStringLiteral("chatStop"))->click();
        QVERIFY(!page.isBusy());
        QCOMPARE(textOf(page, "replyNote"), QStringLiteral("stopped"));
        QVERIFY(!conversation->replyText(0, 0).contains(QStringLiteral("(1)")));
    }

    void chatError_isShownInPlaceOfTheReply()
    {
        ChatPage page(context(0));
        page.show();
        page.refresh();
        QTRY_COMPARE(page.findChild<QComboBox*>(QStringLiteral("chatPartner"))->count(), 1);
        say(page, QStringLiteral("fail"));
        QTRY_COMPARE(textOf(page, "replyNote"), QStringLiteral("out of memory"));
    }

    void tunedRun_answersBesideTheBaseModel()
    {
        makeRun(m_runs.filePath(QStringLiteral("tuned")).toStdString(), 3, "completed");
        std::filesystem::create_directories(
            m_runs.filePath(QStringLiteral("tuned/adapter")).toStdString());
        ChatPage page(context(1));
        page.resize(1180, 740);
        page.show();
        page.chooseRun(m_runs.filePath(QStringLiteral("tuned")).toStdString());
        auto* partner = page.findChild<QComboBox*>(QStringLiteral("chatPartner"));
        QTRY_COMPARE(partner->count(), 3);
        QVERIFY(partner->currentText().contains(QStringLiteral("beside")));
        say(page, QStringLiteral("hello"));
        QTRY_VERIFY(!page.isBusy());
        const auto* conversation
            = page.findChild<ConversationView*>(QStringLiteral("conversation"));
        QCOMPARE(conversation->replyText(0, 0), QStringLiteral("base: hello (1)"));
        QCOMPARE(conversation->replyText(0, 1), QStringLiteral("tuned: hello (1)"));
    }

    void chatDestroyedInMidReply_doesNotHang()
    {
        auto page = std::make_unique<ChatPage>(context(20));
        page->show();
        page->refresh();
        QTRY_COMPARE(page->findChild<QComboBox*>(QStringLiteral("chatPartner"))->count() > 0, true);
        say(*page, QStringLiteral("hello"));
        page.reset();
    }

private:
    ChatContext context(int delay_ms)
    {
        m_opened = 0;
        ChatContext context;
        context.config = [] { return TrainingConfig{}; };
        context.runs_root = [this] { return std::filesystem::path(m_runs.path().toStdString()); };
        context.open
            = [this, delay_ms](
                  const ChatOptionsForModel& options) -> Result<std::unique_ptr<ChatSession>> {
            ++m_opened;
            return std::make_unique<EchoChat>(
                options.adapter.empty() ? "base:" : "tuned:", delay_ms);
        };
        return context;
    }

    static void say(ChatPage& page, const QString& text)
    {
        auto* input = page.findChild<QPlainTextEdit*>(QStringLiteral("chatInput"));
        input->setPlainText(text);
        QTest::keyClick(input, Qt::Key_Return);
    }

    QTemporaryDir m_runs;
    std::atomic<int> m_opened{ 0 };
};

QTEST_MAIN(TestSidePages)
#include "tst_side_pages.moc"
