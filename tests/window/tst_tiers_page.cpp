#include "tests/core/hub_server.h"
#include "ui/shell/plain_label.h"
#include "ui/tiers/tier_table.h"
#include "ui/tiers/tiers_page.h"
#include "ui/tiers/weights_dialog.h"

#include <QDir>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace zen;
using namespace zen::ui;

class TestTiersPage : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_catalogue = loadCatalogue();
        QVERIFY2(m_catalogue.problem.isEmpty(), qPrintable(m_catalogue.problem));
    }

    void table_holdsTheSeedsFigures()
    {
        TiersPage page(m_catalogue);
        page.refresh();
        auto* table = page.findChild<TierTable*>(QStringLiteral("tierTable"));
        QVERIFY(table);
        QCOMPARE(table->model()->rowCount(), 7);
        const auto cell = [table](int row, int column) {
            return table->model()->index(row, column).data().toString();
        };
        const auto row_of = [&](const QString& title) {
            for (int row = 0; row < 7; ++row)
                if (cell(row, TierModel::kTitle) == title)
                    return row;
            return -1;
        };
        const int nano = row_of(QStringLiteral("Zen Nano"));
        QCOMPARE(cell(nano, TierModel::kAlgorithm), QStringLiteral("GSPO"));
        QCOMPARE(cell(nano, TierModel::kMemory), QStringLiteral("~2 GB"));
        QCOMPARE(cell(nano, TierModel::kBenchmarks), QStringLiteral("45.2 · 28.3 · 5.8"));
        const int coder = row_of(QStringLiteral("Zen Coder"));
        QCOMPARE(cell(coder, TierModel::kAlgorithm), QStringLiteral("GRPO"));
        QCOMPARE(cell(coder, TierModel::kBenchmarks), QStringLiteral("68.3 · 72.4 · 7.8"));
        QCOMPARE(
            cell(row_of(QStringLiteral("Zen MoE")), TierModel::kMemory), QStringLiteral("~80 GB"));
        QCOMPARE(cell(0, TierModel::kTitle), QStringLiteral("Starter"));
        QCOMPARE(cell(0, TierModel::kBenchmarks), QStringLiteral("–"));
        QVERIFY(!cell(nano, TierModel::kHere).isEmpty());
    }

    void configureButtonEnterAndDoubleClick_openTheTier()
    {
        TiersPage page(m_catalogue);
        page.resize(1200, 720);
        page.refresh();
        page.show();
        page.selectTier("eco");
        QSignalSpy opened(&page, &TiersPage::tierOpened);
        page.stripActions()->findChild<QPushButton*>(QStringLiteral("configureButton"))->click();
        auto* table = page.findChild<TierTable*>(QStringLiteral("tierTable"));
        QTest::keyClick(table, Qt::Key_Return);
        const QPoint middle = table->visualRect(table->model()->index(2, 0)).center();
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, middle);
        QTest::mouseDClick(table->viewport(), Qt::LeftButton, {}, middle);
        QCOMPARE(opened.count(), 3);
        for (const QList<QVariant>& arguments : opened)
            QCOMPARE(arguments.first().value<Tier>().id, std::string("eco"));
    }

    void strip_namesTheFileAndTheWeights()
    {
        TiersPage page(m_catalogue);
        page.refresh();
        page.selectTier("moe");
        QVERIFY(page.stripMessage().contains(QStringLiteral("configs/gspo_qwen3_moe.yaml")));
        QVERIFY(page.stripMessage().contains(QStringLiteral("weights not on this machine")));
    }

    void getWeights_fetchesInTheBackground()
    {
        test::HubRepository repository = test::smallRepository();
        repository.id = "Qwen/Qwen3-0.6B";
        std::atomic<bool> stalls{ true };
        test::HubServer server([&](const test::HubRequest& request) {
            test::HubReply reply = repository.answer(request);
            if (request.path.find("00001-of") != std::string::npos && stalls) {
                reply.stall_after = 100'000;
                reply.pause = std::chrono::milliseconds(30);
            }
            return reply;
        });
        const QTemporaryDir home;
        qputenv("HF_ENDPOINT", QByteArray::fromStdString(server.url()));
        qputenv("HF_HUB_CACHE", home.path().toUtf8());
        qputenv("no_proxy", "*");
        TiersPage page(m_catalogue);
        page.resize(1200, 720);
        page.refresh();
        page.show();
        page.selectTier("nano");
        auto* get
            = page.stripActions()->findChild<QPushButton*>(QStringLiteral("getWeightsButton"));
        QVERIFY(!get->isHidden());
        get->click();
        auto* dialog = page.findChild<WeightsDialog*>();
        QVERIFY(dialog);
        QCOMPARE(dialog->repository(), QStringLiteral("Qwen/Qwen3-0.6B"));
        auto* edit = dialog->findChild<QLineEdit*>();
        auto* start = dialog->findChild<QPushButton*>(QStringLiteral("startFetchButton"));
        edit->setText(QStringLiteral("../x"));
        QVERIFY(!start->isEnabled());
        QVERIFY(server.requests().empty()); // nothing is asked before the button
        edit->setText(QStringLiteral("Qwen/Qwen3-0.6B"));
        start->click();

        auto* row = page.findChild<QWidget*>(QStringLiteral("fetchRow"));
        QTRY_VERIFY_WITH_TIMEOUT(page.weightsFetch().progress().bytes > 50'000, 20'000);
        QVERIFY(!row->isHidden());
        const auto* table = page.findChild<TierTable*>(QStringLiteral("tierTable"));
        QVERIFY(table->height() >= table->contentHeight()); // all tiers stay in sight
        QCOMPARE(row->findChild<PlainLabel*>(QStringLiteral("fetchWords"))->text(),
            QStringLiteral("Getting Qwen/Qwen3-0.6B"));
        page.selectTier("eco"); // the page stays usable, and a second fetch waits its turn
        get->click();
        QTRY_VERIFY(page.findChildren<WeightsDialog*>().size() == 1);
        auto* second = page.findChild<WeightsDialog*>();
        const auto* start_second
            = second->findChild<QPushButton*>(QStringLiteral("startFetchButton"));
        QVERIFY(!start_second->isEnabled());

        row->findChild<QPushButton*>(QStringLiteral("cancelFetchButton"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(
            page.weightsFetch().state(), WeightsFetch::State::stopped, 20'000);
        QVERIFY(start_second->isEnabled()); // the way is free, and the open dialog knows
        second->reject();
        QCOMPARE(row->findChild<QPushButton*>(QStringLiteral("resumeFetchButton"))->text(),
            QStringLiteral("Resume"));
        stalls = false;
        row->findChild<QPushButton*>(QStringLiteral("resumeFetchButton"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(page.weightsFetch().state(), WeightsFetch::State::done, 20'000);
        QVERIFY(row->findChild<PlainLabel*>(QStringLiteral("fetchDetail"))
                    ->text()
                    .contains(QStringLiteral(
                        "Put Qwen/Qwen3-0.6B into the field Model on the Configure page.")));
        page.selectTier("nano");
        QVERIFY(page.stripMessage().contains(QStringLiteral("weights on this machine")));
        QVERIFY(get->isHidden());
    }

    void weightsDialog_speaksOfTheRepositoryThatIsNamed()
    {
        const QTemporaryDir home;
        qputenv("HF_HUB_CACHE", home.path().toUtf8());
        const WeightsFetch idle;
        Tier nano;
        Tier endless; // no disk holds it
        for (const Tier& tier : m_catalogue.tiers)
            if (tier.id == "nano")
                nano = endless = tier;
        endless.hidden_size = 1'000'000;
        endless.num_layers = 100'000;
        const auto text = [](const WeightsDialog& dialog, const char* name) {
            const auto* label = dialog.findChild<PlainLabel*>(QLatin1String(name));
            return label->isHidden() ? QString() : label->text();
        };
        WeightsDialog small(nano, {}, idle, nullptr);
        QVERIFY(text(small, "fetchDescription").startsWith(QStringLiteral("About 1.")));
        QVERIFY(text(small, "fetchObstacle").isEmpty());
        WeightsDialog large(endless, {}, idle, nullptr);
        QVERIFY(text(large, "fetchObstacle").contains(QStringLiteral("do not fit there")));
        auto* edit = large.findChild<QLineEdit*>();
        edit->setText(QStringLiteral("somebody/smaller"));
        QVERIFY(text(large, "fetchObstacle").isEmpty());
        QVERIFY(text(large, "fetchDescription").startsWith(QStringLiteral("It comes from ")));
        const auto command = [&] {
            for (const PlainLabel* label : large.findChildren<PlainLabel*>())
                if (label->text().startsWith(QStringLiteral("gym fetch")))
                    return label->text();
            return QString();
        };
        QCOMPARE(command(), QStringLiteral("gym fetch somebody/smaller"));
        edit->setText(QStringLiteral("a/b; rm -r x"));
        QCOMPARE(command(), QStringLiteral("gym fetch 'a/b; rm -r x'"));
    }

    void failedFetch_saysWhy()
    {
        test::HubServer server([](const test::HubRequest&) {
            test::HubReply reply;
            reply.status = 401;
            return reply;
        });
        const QTemporaryDir home;
        qputenv("HF_ENDPOINT", QByteArray::fromStdString(server.url()));
        qputenv("HF_HUB_CACHE", home.path().toUtf8());
        TiersPage page(m_catalogue);
        page.refresh();
        page.selectTier("nano");
        page.stripActions()->findChild<QPushButton*>(QStringLiteral("getWeightsButton"))->click();
        page.findChild<QPushButton*>(QStringLiteral("startFetchButton"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(page.weightsFetch().state(), WeightsFetch::State::failed, 20'000);
        QVERIFY(page.findChild<PlainLabel*>(QStringLiteral("fetchDetail"))
                    ->text()
                    .contains(QStringLiteral("HF_TOKEN")));
        QCOMPARE(page.findChild<QPushButton*>(QStringLiteral("resumeFetchButton"))->text(),
            QStringLiteral("Try again"));
    }

    void pageClosedInMidFetch_endsTheThread()
    {
        const test::HubRepository repository = test::smallRepository();
        test::HubServer server([&](const test::HubRequest& request) {
            test::HubReply reply = repository.answer(request);
            if (request.path.find("safetensors") != std::string::npos)
                reply.stall_after = 1000;
            return reply;
        });
        const QTemporaryDir home;
        qputenv("HF_ENDPOINT", QByteArray::fromStdString(server.url()));
        qputenv("HF_HUB_CACHE", home.path().toUtf8());
        {
            WeightsFetch fetch;
            QVERIFY(fetch.start({ repository.id, "main", {}, {} }));
            QVERIFY(!fetch.start({ repository.id, "main", {}, {} }));
            QTRY_VERIFY(server.requestsFor("safetensors") > 0);
        }
        QVERIFY(!QDir(home.path()).isEmpty());
    }

    void missingCatalogue_saysWhatToDo()
    {
        Catalogue empty;
        empty.problem = QStringLiteral("resources/tiers.yaml: no such file");
        TiersPage page(empty);
        page.refresh();
        QVERIFY(!page.currentTier());
        QVERIFY(page.stripActions() == nullptr);
        QVERIFY(!page.findChildren<QPushButton*>().isEmpty());
    }

private:
    Catalogue m_catalogue;
};

QTEST_MAIN(TestTiersPage)
#include "tst_tiers_page.moc"
