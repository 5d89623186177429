#pragma once

#include "ui/shell/card.h"

class QPushButton;

namespace zen::ui {

/// One line above the plots that says what is special: loading, or why the run failed and what to
/// do about it.
class RunBanner : public Card {
    Q_OBJECT
public:
    explicit RunBanner(QWidget* parent = nullptr);

    void showLoading(const QString& what);
    void showFailure(const QString& message,
        const QString& checkpoint); ///< checkpoint: to resume from; may be empty

Q_SIGNALS:
    void resumeRequested();
    void consoleRequested();

private:
    Dot* m_mark = nullptr;
    PlainLabel* m_headline = nullptr;
    PlainLabel* m_message = nullptr;
    QPushButton* m_resume = nullptr;
    QPushButton* m_console = nullptr;
};

} // namespace zen::ui
