#include "ui/shell/wheel_guard.h"

#include <QApplication>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QScrollArea>
#include <QScrollBar>
#include <QSlider>
#include <QTest>
#include <QVBoxLayout>
#include <QWheelEvent>
#include <QtTest/qtestspontaneevent.h>

using namespace zen::ui;

namespace {

void turnWheel(QWidget& widget, int steps)
{
    const QPointF middle = QRectF(widget.rect()).center();
    QWheelEvent event(middle, widget.mapToGlobal(middle), {}, { 0, 120 * steps }, Qt::NoButton,
        Qt::NoModifier, Qt::NoScrollPhase, false);
    QSpontaneKeyEvent::setSpontaneous(&event); // only those of the window system reach the parents
    qApp->notify(&widget, &event);
}

} // namespace

class TestWheelGuard : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qApp->installEventFilter(&m_guard); }

    void unfocusedControls_keepTheirValue()
    {
        QWidget window;
        auto* layout = new QVBoxLayout(&window);
        auto* other = new QWidget(&window);
        other->setFocusPolicy(Qt::StrongFocus);
        auto* spin = new QSpinBox(&window);
        auto* real = new QDoubleSpinBox(&window);
        auto* combo = new QComboBox(&window);
        auto* slider = new QSlider(Qt::Horizontal, &window);
        combo->addItems({ QStringLiteral("a"), QStringLiteral("b"), QStringLiteral("c") });
        combo->setCurrentIndex(1);
        for (QWidget* widget : std::initializer_list<QWidget*>{ other, spin, real, combo, slider })
            layout->addWidget(widget);
        spin->setValue(5);
        real->setValue(5);
        slider->setValue(50);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        window.activateWindow();
        other->setFocus();
        for (QWidget* widget : std::initializer_list<QWidget*>{ spin, real, combo, slider })
            turnWheel(*widget, 1);
        QCOMPARE(spin->value(), 5);
        QCOMPARE(real->value(), 5.0);
        QCOMPARE(combo->currentIndex(), 1);
        QCOMPARE(slider->value(), 50);
    }

    void focusedSpinBox_turns()
    {
        QSpinBox spin;
        spin.setValue(5);
        spin.show();
        QVERIFY(QTest::qWaitForWindowExposed(&spin));
        spin.activateWindow();
        spin.setFocus();
        QTRY_VERIFY(spin.hasFocus());
        turnWheel(spin, 1);
        QCOMPARE(spin.value(), 6);
    }

    void wheelOverAControl_scrollsThePage()
    {
        QScrollArea area;
        auto* content = new QWidget;
        content->setMinimumHeight(2000);
        auto* spin = new QSpinBox(content);
        spin->setFocusPolicy(Qt::StrongFocus);
        spin->setRange(-100, 100);
        area.setWidget(content);
        area.resize(200, 200);
        area.show();
        QVERIFY(QTest::qWaitForWindowExposed(&area));
        area.setFocus();
        spin->clearFocus();
        turnWheel(*spin, -1);
        QVERIFY(area.verticalScrollBar()->value() > 0);
        QCOMPARE(spin->value(), 0);
    }

private:
    WheelGuard m_guard;
};

QTEST_MAIN(TestWheelGuard)
#include "tst_wheel_guard.moc"
