#pragma once

#include <QPlainTextEdit>

namespace zen::ui {

/// A read-only view of text from outside, in the mono type: goes through displayText(), so that no
/// text can freeze the window, load a file or turn the reading direction. No frame; put it into a
/// Card with body margins 0.
class TextView : public QPlainTextEdit {
    Q_OBJECT
public:
    explicit TextView(QWidget* parent = nullptr);

    void showText(const QString& text); ///< keeps the scroll position if the text only grew
    void appendText(const QString& text); ///< one more block; follows the end if it was visible

protected:
    void changeEvent(QEvent* event) override;

private:
    void applyFont();
};

} // namespace zen::ui
