#include "ui/shell/pill.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme_source.h"

#include <QApplication>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <cmath>

using namespace zen::ui;

namespace {

/// Relative luminance and contrast as WCAG 2.1 defines them.
double luminance(const QColor& color)
{
    const auto linear = [](double channel) {
        return channel <= 0.03928 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF());
}

double contrast(const QColor& left, const QColor& right)
{
    const double a = luminance(left), b = luminance(right);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

} // namespace

class TestTheme : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void text_isReadableInBothThemes_data()
    {
        QTest::addColumn<QColor>("text");
        QTest::addColumn<QColor>("background");
        for (const Theme& t : { Theme::light(), Theme::dark() }) {
            const auto row = [&t](const char* name, const QColor& text, const QColor& background) {
                QTest::addRow("%s %s", t.is_dark ? "dark" : "light", name) << text << background;
            };
            row("ink on paper", t.ink, t.paper);
            row("ink on panel", t.ink, t.panel);
            row("ink on tint", t.ink, t.accent_tint);
            row("ink on rail", t.ink, t.rail);
            row("muted on paper", t.muted, t.paper);
            row("muted on panel", t.muted, t.panel);
            row("muted on sunken", t.muted, t.sunken);
            row("muted on tint", t.muted_on_tint, t.accent_tint);
            row("muted on rail", t.muted_on_tint, t.rail);
            row("accent on panel", t.accent_text, t.panel);
            row("accent on tint", t.accent_text, t.accent_tint);
            row("on accent", t.on_accent, t.accent);
            row("warning on panel", t.warning_text, t.panel);
            row("error on panel", t.error, t.panel);
            row("error on paper", t.error, t.paper);
            row("key on sunken", t.loss, t.sunken);
        }
    }

    void text_isReadableInBothThemes()
    {
        QFETCH(QColor, text);
        QFETCH(QColor, background);
        QVERIFY2(contrast(text, background) >= 4.5,
            qPrintable(QString::number(contrast(text, background))));
    }

    void colours_areThoseOfTheDesign()
    {
        QCOMPARE(Theme::light().paper.name(), QStringLiteral("#fbfaf7"));
        QCOMPARE(Theme::dark().panel.name(), QStringLiteral("#1e2422"));
        QCOMPARE(Theme::light().accent.name(), QStringLiteral("#2c7a64"));
        QCOMPARE(Theme::dark().perplexity.name(), QStringLiteral("#f0894a"));
        QCOMPARE(Theme::light().kl.name(), QStringLiteral("#cc79a7"));
    }

    void changeOfTheme_reachesWidgetsThatExist()
    {
        ThemeSource source(*qApp);
        source.setMode(ThemeMode::light);
        QWidget window;
        PlainLabel label(QStringLiteral("x"), &window);
        label.setTone(Tone::muted);
        window.show();
        QSignalSpy changed(&source, &ThemeSource::changed);
        source.setMode(ThemeMode::dark);
        QCOMPARE(changed.count(), 1);
        QVERIFY(Theme::of(label).is_dark);
        QTRY_COMPARE(window.palette().color(QPalette::Window), Theme::dark().paper);
        QCOMPARE(label.palette().color(label.foregroundRole()), Theme::dark().muted);
        source.setMode(ThemeMode::light);
        QVERIFY(!Theme::of(label).is_dark);
        QTRY_COMPARE(window.palette().color(QPalette::Window), Theme::light().paper);
    }

    void zoom_growsTypeAndControls()
    {
        ThemeSource source(*qApp);
        PlainLabel label(QStringLiteral("x"));
        label.setType(15);
        QPushButton button(QStringLiteral("Start"));
        const int height = button.sizeHint().height();
        source.setZoom(1.4);
        QCOMPARE(label.font().pixelSize(), 21);
        QVERIFY(button.sizeHint().height() > height);
        source.setZoom(9);
        QCOMPARE(source.zoom(), 1.6);
        source.setZoom(1.0);
        QCOMPARE(label.font().pixelSize(), 15);
    }

    void everyPixelOfAPanel_isOpaque()
    {
        ThemeSource source(*qApp);
        Pill pill(QStringLiteral("GSPO"));
        pill.resize(pill.sizeHint());
        const QImage picture = pill.grab().toImage();
        QVERIFY(picture.pixelColor(picture.width() / 2, 1).alpha() > 0);
    }
};

QTEST_MAIN(TestTheme)
#include "tst_theme.moc"
