#include "core/base/byte_text.h"
#include "core/base/duration_text.h"

#include <QTest>

#include <limits>

using namespace zen;

class TestByteText : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void bytes_areWrittenInDecimalUnits_data()
    {
        QTest::addColumn<quint64>("bytes");
        QTest::addColumn<QString>("text");
        QTest::newRow("0") << quint64(0) << "0 B";
        QTest::newRow("999") << quint64(999) << "999 B";
        QTest::newRow("1,500") << quint64(1500) << "1.5 kB";
        QTest::newRow("12 MB") << quint64(12'345'678) << "12 MB";
        QTest::newRow("below 1 GB") << quint64(999'000'000) << "999 MB";
        QTest::newRow("rounded up to 1 GB") << quint64(999'900'000) << "1.0 GB";
        QTest::newRow("1.9 GB") << quint64(1'940'000'000) << "1.9 GB";
        QTest::newRow("9.96 GB") << quint64(9'960'000'000) << "10 GB";
        QTest::newRow("470 GB") << quint64(470'190'000'000) << "470 GB";
        QTest::newRow("all") << ~quint64(0) << "18447 PB";
    }

    void bytes_areWrittenInDecimalUnits()
    {
        QFETCH(quint64, bytes);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(formatBytes(bytes)), text);
    }

    void amounts_areReadAsPeopleWriteThem_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<quint64>("bytes"); // 0: refused
        QTest::newRow("8GB") << "8GB" << quint64(8'000'000'000);
        QTest::newRow("spaces") << " 8 GB " << quint64(0);
        QTest::newRow("space") << "8 GB" << quint64(8'000'000'000);
        QTest::newRow("lower") << "1.5gb" << quint64(1'500'000'000);
        QTest::newRow("binary") << "2GiB" << quint64(2'147'483'648);
        QTest::newRow("short") << "800M" << quint64(800'000'000);
        QTest::newRow("bytes") << "123456" << quint64(123'456);
        QTest::newRow("words") << "lots" << quint64(0);
        QTest::newRow("negative") << "-8GB" << quint64(0);
        QTest::newRow("less than a byte") << "0.4" << quint64(0);
        QTest::newRow("unit") << "8QB" << quint64(0);
        QTest::newRow("huge") << "1e30GB" << quint64(0);
        QTest::newRow("nan") << "nan" << quint64(0);
        QTest::newRow("empty") << "" << quint64(0);
    }

    void amounts_areReadAsPeopleWriteThem()
    {
        QFETCH(QString, text);
        QFETCH(quint64, bytes);
        QCOMPARE(quint64(parseBytes(text.toStdString()).value_or(0)), bytes);
    }

    void durations_areWrittenInTheirTwoLargestUnits_data()
    {
        QTest::addColumn<double>("seconds");
        QTest::addColumn<QString>("text");
        QTest::newRow("none") << 0.0 << "0 s";
        QTest::newRow("below 0") << -3.0 << "0 s";
        QTest::newRow("not a number") << std::numeric_limits<double>::quiet_NaN() << "0 s";
        QTest::newRow("seconds") << 59.4 << "59 s";
        QTest::newRow("rounded up to a minute") << 59.6 << "1 min 0 s";
        QTest::newRow("minutes") << 92.0 << "1 min 32 s";
        QTest::newRow("rounded up to an hour") << 3599.7 << "1 h 0 min";
        QTest::newRow("hours") << 7500.0 << "2 h 5 min";
        QTest::newRow("days") << 100'000.0 << "27 h 46 min";
        QTest::newRow("endless") << std::numeric_limits<double>::infinity() << "1000000000 h 0 min";
    }

    void durations_areWrittenInTheirTwoLargestUnits()
    {
        QFETCH(double, seconds);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(formatDuration(seconds)), text);
    }
};

QTEST_GUILESS_MAIN(TestByteText)
#include "tst_byte_text.moc"
