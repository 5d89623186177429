#include "ui/tiers/tier_table.h"
#include "ui/tiers/tiers_page.h"

#include <QPushButton>
#include <QSignalSpy>
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
