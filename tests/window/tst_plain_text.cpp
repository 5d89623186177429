#include "ui/run/shown_text.h"
#include "ui/shell/ask.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/text_view.h"

#include <QDirIterator>
#include <QElapsedTimer>
#include <QFile>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>
#include <QTextDocument>

using namespace zen::ui;

class TestPlainText : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void label_showsMarkupAsText()
    {
        const QString payload
            = QStringLiteral("<b>bold</b><img src=\"file:///etc/hostname\" width=99999>");
        PlainLabel label(payload);
        QCOMPARE(label.textFormat(), Qt::PlainText);
        QCOMPARE(label.text(), payload);
        QVERIFY(label.sizeHint().width() < 2000); // a picture that wide would ask for its width
        label.setText(QStringLiteral("<table><tr><td>"));
        QCOMPARE(label.textFormat(), Qt::PlainText);
    }

    void sentence_hasACapitalAndAFullStop_data()
    {
        QTest::addColumn<QString>("words");
        QTest::addColumn<QString>("expected");
        QTest::newRow("word") << QStringLiteral("there is no x")
                              << QStringLiteral("There is no x.");
        QTest::newRow("path") << QStringLiteral("a/b exists") << QStringLiteral("a/b exists.");
        QTest::newRow("key") << QStringLiteral("lora_r is 0") << QStringLiteral("lora_r is 0.");
        QTest::newRow("name") << QStringLiteral("zenlm/gym is it!")
                              << QStringLiteral("zenlm/gym is it!");
        QTest::newRow("ended") << QStringLiteral("No more. ") << QStringLiteral("No more.");
        QTest::newRow("in brackets")
            << QStringLiteral("none (of x)") << QStringLiteral("None (of x).");
        QTest::newRow("nothing") << QString() << QString();
    }

    void sentence_hasACapitalAndAFullStop()
    {
        QFETCH(QString, words);
        QFETCH(QString, expected);
        QCOMPARE(sentence(words), expected);
    }

    void toolTip_escapesAndShowsControlCharacters()
    {
        const QString tip = plainToolTip(QStringLiteral("<img src=x>\a\u202Eabc & more\nline"));
        QTextDocument document;
        document.setHtml(tip);
        QVERIFY(!tip.contains(QStringLiteral("<img")));
        QVERIFY(document.toPlainText().startsWith(QStringLiteral("<img src=x>\u2407")));
        QVERIFY(!document.toPlainText().contains(QChar(0x202E)));
        QVERIFY(document.toPlainText().contains(QStringLiteral("& more\nline")));
        QVERIFY(plainToolTip(QString()).isEmpty());
    }

    void displayText_bindsLinesAndLength()
    {
        const QString shown = displayText(QString(1'000'000, QLatin1Char('x')));
        QVERIFY(shown.size() < 70'000);
        for (const QString& line : shown.split(QLatin1Char('\n')))
            QVERIFY(line.size() <= 1000);
        QCOMPARE(
            displayText(QStringLiteral("two\nlines\tkept")), QStringLiteral("two\nlines\tkept"));
        QCOMPARE(displayText(QStringLiteral("\u2066x")), QStringLiteral("⟨U+2066⟩x"));
    }

    void displayText_neverSplitsASurrogatePair()
    {
        const QString face = QString::fromUcs4(U"\U0001F600");
        const QString shown = displayText(QString(999, QLatin1Char('a')) + face + face);
        for (const QString& line : shown.split(QLatin1Char('\n')))
            QVERIFY(!line.front().isLowSurrogate() && !line.back().isHighSurrogate());
    }

    void textView_opensNoMarkup()
    {
        TextView view;
        view.showText(QStringLiteral("<h1>x</h1>"));
        QCOMPARE(view.toPlainText(), QStringLiteral("<h1>x</h1>"));
        view.appendText(QStringLiteral("<img src=y>"));
        QCOMPARE(view.toPlainText(), QStringLiteral("<h1>x</h1>\n<img src=y>"));
    }

    /// The window's sources use the plain classes only.
    void sources_makeNoRichText()
    {
        const QRegularExpression forbidden(
            QStringLiteral("new "
                           "QLabel\\b|QMessageBox|QTextBrowser|QTextEdit\\b|setHtml|appendHtml|"
                           "setMarkdown|Qt::RichText|Qt::AutoText"));
        QDirIterator files(QStringLiteral(ZEN_SOURCE_DIR "/ui"),
            { QStringLiteral("*.cpp"), QStringLiteral("*.h") }, QDir::Files,
            QDirIterator::Subdirectories);
        int count = 0;
        while (files.hasNext()) {
            QFile file(files.next());
            QVERIFY(file.open(QIODevice::ReadOnly));
            const QString text = QString::fromUtf8(file.readAll());
            const auto match = forbidden.match(text);
            QVERIFY2(!match.hasMatch(),
                qPrintable(file.fileName() + QStringLiteral(": ") + match.captured()));
            ++count;
        }
        QVERIFY(count > 50);
    }
};

QTEST_MAIN(TestPlainText)
#include "tst_plain_text.moc"
