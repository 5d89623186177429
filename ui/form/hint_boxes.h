#pragma once

#include <QComboBox>
#include <QLineEdit>

namespace zen::ui {

/// A line edit with grey words at its right end, inside the frame.
class HintLineEdit : public QLineEdit {
    Q_OBJECT
public:
    using QLineEdit::QLineEdit;
    void setHint(const QString& hint);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void applyMargins();
    QString m_hint;
};

/// A combo box with grey words left of its arrow.
class HintComboBox : public QComboBox {
    Q_OBJECT
public:
    using QComboBox::QComboBox;
    void setHint(const QString& hint);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_hint;
};

} // namespace zen::ui
