#include "ui/form/config_session.h"
#include "ui/form/configure_page.h"
#include "ui/form/length_reader.h"
#include "ui/form/memory_card.h"
#include "ui/form/problems_dialog.h"
#include "ui/shell/plain_label.h"

#include <QFile>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

using namespace zen;
using namespace zen::ui;

namespace {

template <class T> T* child(QWidget& parent, const char* name)
{
    return parent.findChild<T*>(QLatin1String(name));
}

void click(QWidget* button)
{
    QTest::mouseClick(button, Qt::LeftButton);
}

/// Runs `answer` on the dialog that is about to open.
template <class Dialog, class Answer> void whenOpen(const Answer& answer)
{
    QTimer::singleShot(0, qApp, [answer] {
        for (QWidget* widget : QApplication::topLevelWidgets())
            if (auto* dialog = qobject_cast<Dialog*>(widget); dialog && dialog->isVisible())
                return answer(*dialog);
        QFAIL("nothing opened");
    });
}

} // namespace

class TestMemoryCard : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_catalogue = loadCatalogue();
        QVERIFY2(m_catalogue.problem.isEmpty(), qPrintable(m_catalogue.problem));
    }

    void init()
    {
        m_session = std::make_unique<ConfigSession>();
        QVERIFY(m_session->openTemplate(QString::fromStdString(
            (m_catalogue.config_folder / "gspo_qwen3_nano_0.6b.yaml").string())));
        m_page = std::make_unique<ConfigurePage>(*m_session, m_catalogue);
        m_page->resize(1240, 760);
        m_page->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_page.get()));
        setFree(100e9);
    }

    void cleanup()
    {
        m_page.reset();
        m_session.reset();
    }

    void barParts_addUpToThePeak()
    {
        MemoryPlan plan;
        PhaseMemory& update = plan.in(PlanPhase::update);
        update.program = 300'000'000;
        update.weights = 1'200'000'000;
        update.adapter = 20'000'000;
        update.optimizer = 60'000'000;
        update.activations = 400'000'000;
        update.logits = 200'000'000;
        plan.in(PlanPhase::rollout).cache = 900'000'000; // smaller in all
        double sum = 0;
        QStringList names;
        for (const BarPart& part : partsOf(plan)) {
            sum += part.value;
            names += part.name;
        }
        QCOMPARE(sum, 2.18);
        QVERIFY(!names.contains(QStringLiteral("key-value cache")));
    }

    void bar_followsWhatIsTyped()
    {
        auto* bar = child<QWidget>(*m_page, "memoryBar");
        QVERIFY(bar->isVisible());
        for (const char* part : { "weights", "activations", "program, overhead" })
            QVERIFY2(bar->accessibleDescription().contains(QLatin1String(part)), part);
        const QString before = child<PlainLabel>(*m_page, "memoryTotal")->text();
        auto* batch = child<QLineEdit>(*m_page, "field_per_device_train_batch_size");
        batch->setFocus();
        batch->selectAll();
        QTest::keyClicks(batch, QStringLiteral("32"));
        QTRY_VERIFY(child<PlainLabel>(*m_page, "memoryTotal")->text() != before);
        QVERIFY(
            child<PlainLabel>(*m_page, "memoryTotal")->text().toDouble() > 2 * before.toDouble());
        QVERIFY(!child<QPushButton>(*m_page, "makeItFit")->isVisible()); // 100 GB are free
        setFree(1e9);
        QVERIFY(child<PlainLabel>(*m_page, "memoryNote")->isVisible());
    }

    void makeItFit_appliesTheGentlestChange_andIsUndone()
    {
        const QString text = m_session->text();
        const double need = static_cast<double>(peak());
        setFree(need * 0.8);
        const auto proposals
            = proposalsFor(m_session->config(), shape(), static_cast<std::uint64_t>(need * 0.8));
        QVERIFY(!proposals.empty());
        const QString note = child<PlainLabel>(*m_page, "memoryNote")->text();
        QVERIFY2(note.contains(describe(proposals.front())), qPrintable(note));
        QVERIFY2(note.contains(QStringLiteral("same result")), qPrintable(note)); // what it costs
        auto* button = child<QPushButton>(*m_page, "makeItFit");
        QVERIFY(button->isVisible());
        click(button);
        QVERIFY(m_session->text() != text);
        QVERIFY(m_session->text().contains(QStringLiteral("micro_batch_tokens:")));
        QVERIFY(static_cast<double>(peak()) <= need * 0.8);
        QVERIFY(!button->isVisible());
        QVERIFY(!child<PlainLabel>(*m_page, "memoryNote")->isVisible());
        QVERIFY(child<PlainLabel>(*m_page, "memoryApplied")->isVisible());
        click(child<QPushButton>(*m_page, "memoryUndo"));
        QCOMPARE(m_session->text(), text);
        QVERIFY(button->isVisible());
        QVERIFY(!child<PlainLabel>(*m_page, "memoryApplied")->isVisible());
    }

    void otherWays_areListedWithTheirCost_andApplied()
    {
        setFree(static_cast<double>(peak()) * 0.8);
        auto* ways = child<QPushButton>(*m_page, "otherWays");
        QVERIFY(ways->isVisible());
        whenOpen<QMenu>([](QMenu& menu) {
            QAction* wanted = nullptr;
            for (QAction* action : menu.actions())
                if (action->text().startsWith(QStringLiteral("Gradient checkpointing: "))
                    && action->text().contains(QStringLiteral("about a fifth slower")))
                    wanted = action;
            if (!wanted)
                menu.close();
            QVERIFY(wanted);
            menu.setActiveAction(wanted); // a click without a hover is no choice to Qt 6.8
            QTest::keyClick(&menu, Qt::Key_Return);
        });
        click(ways);
        QCOMPARE(m_session->config().memory.gradient_checkpointing, true);
        QCOMPARE(m_session->undoStack().undoText(), QStringLiteral("Gradient checkpointing"));
        m_session->undoStack().undo();
        QCOMPARE(m_session->config().memory.gradient_checkpointing, false);
    }

    void dataThatComesLater_areMeasuredThen()
    {
        const QTemporaryDir folder;
        m_session->startFrom(
            QStringLiteral("model_name_or_path: %1\ndataset: rows.jsonl\ndataset_dir: %2\n"
                           "cutoff_len: 2048\nenable_thinking: false\n")
                .arg(QStringLiteral(ZEN_SOURCE_DIR "/resources/starter"), folder.path()),
            {});
        m_page = std::make_unique<ConfigurePage>(*m_session, m_catalogue);
        setFree(100e9);
        auto* phase = child<PlainLabel>(*m_page, "memoryPhase");
        QSignalSpy measured(m_page->findChild<LengthReader*>(), &LengthReader::measured);
        QTRY_COMPARE(measured.count(), 1);
        QVERIFY(!phase->text().contains(QStringLiteral("as long as the data's")));
        m_page->refresh(); // still missing
        QTRY_COMPARE(measured.count(), 2);
        QVERIFY(!phase->text().contains(QStringLiteral("as long as the data's")));
        QFile rows(folder.filePath(QStringLiteral("rows.jsonl")));
        QVERIFY(rows.open(QIODevice::WriteOnly));
        for (int row = 0; row < 20; ++row)
            rows.write("{\"question\": \"Add 2 and 3.\", \"answer\": \"It is 5.\"}\n");
        rows.close();
        m_page->refresh();
        QTRY_VERIFY(phase->text().contains(QStringLiteral("With rows as long as the data's")));
        m_page->refresh(); // known: nothing is read again
        QCOMPARE(measured.count(), 3);
        QVERIFY(m_page->findChild<LengthReader*>()->lengths().has_value());
    }

    void stoppedMeasuring_saysSo()
    {
        std::stop_source stop;
        stop.request_stop();
        TrainingConfig config = m_session->config();
        config.model.model_name_or_path = ZEN_SOURCE_DIR "/resources/starter";
        config.data.dataset_dir = ZEN_SOURCE_DIR "/resources/starter";
        config.data.dataset = { "train.jsonl" };
        QVERIFY(measureLengths(config).has_value());
        const auto lengths = measureLengths(config, kMostBytesToMeasure, stop.get_token());
        QVERIFY(!lengths && lengths.error().message.find("stopped") != std::string::npos);
    }

    void hopelessPlan_saysSo()
    {
        setFree(1e6);
        QVERIFY(!child<QPushButton>(*m_page, "makeItFit")->isVisible());
        QVERIFY(child<PlainLabel>(*m_page, "memoryNote")
                    ->text()
                    .startsWith(QStringLiteral("Does not fit, whatever")));
    }

    void start_isRefusedUntilOneInsists()
    {
        m_page->setStartCheck([](const TrainingConfig& config) {
            Diagnostic finding;
            finding.severity = config.memory.force_memory ? Severity::warning : Severity::error;
            finding.key = "force_memory";
            finding.message = "the plan needs 9 TB";
            return Diagnostics{ finding };
        });
        QSignalSpy started(m_page.get(), &ConfigurePage::startRequested);
        whenOpen<ProblemsDialog>(
            [](ProblemsDialog& dialog) { click(child<QPushButton>(dialog, "problemsBack")); });
        click(child<QPushButton>(*m_page, "startButton"));
        QCOMPARE(started.count(), 0);
        whenOpen<ProblemsDialog>([](ProblemsDialog& dialog) {
            auto* start = child<QPushButton>(dialog, "problemsStart");
            QVERIFY(start && start->text() == QStringLiteral("Start anyway"));
            click(start);
        });
        click(child<QPushButton>(*m_page, "startButton"));
        QCOMPARE(started.count(), 1);
        const auto options = started.front().front().value<TrainerOptions>();
        QVERIFY(options.config.memory.force_memory);
        QVERIFY(options.config_yaml.find("force_memory: true") != std::string::npos);
        QVERIFY(!m_session->text().contains(QStringLiteral("force_memory"))); // the form stays
    }

    void otherErrors_cannotBeStartedOver()
    {
        m_page->setStartCheck([](const TrainingConfig&) {
            Diagnostic memory, model;
            memory.key = "force_memory";
            model.key = "model_name_or_path";
            return Diagnostics{ memory, model };
        });
        whenOpen<ProblemsDialog>([](ProblemsDialog& dialog) {
            QVERIFY(!child<QPushButton>(dialog, "problemsStart"));
            click(child<QPushButton>(dialog, "problemsBack"));
        });
        click(child<QPushButton>(*m_page, "startButton"));
    }

private:
    void setFree(double bytes)
    {
        m_page->setFreeMemory([bytes] { return static_cast<std::uint64_t>(bytes); });
    }
    Qwen3Shape shape() const
    {
        return *shapeFor(m_session->config().model.model_name_or_path, m_catalogue);
    }
    std::uint64_t peak() const { return planMemory(m_session->config(), shape()).peak(); }

    Catalogue m_catalogue;
    std::unique_ptr<ConfigSession> m_session;
    std::unique_ptr<ConfigurePage> m_page;
};

QTEST_MAIN(TestMemoryCard)
#include "tst_memory_card.moc"
