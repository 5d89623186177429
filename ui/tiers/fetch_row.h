#pragma once

#include <QWidget>

class QProgressBar;
class QPushButton;

namespace zen::ui {

class PlainLabel;
class WeightsFetch;

/// How far a fetch of weights is, with a way to cancel, to go on and to put it away; hidden while
/// there is none.
class FetchRow : public QWidget {
    Q_OBJECT
public:
    explicit FetchRow(WeightsFetch& fetch, QWidget* parent = nullptr);

private:
    void showState();

    WeightsFetch& m_fetch;
    PlainLabel* m_words = nullptr;
    PlainLabel* m_detail = nullptr;
    QProgressBar* m_bar = nullptr;
    QPushButton* m_cancel = nullptr;
    QPushButton* m_again = nullptr;
    QPushButton* m_close = nullptr;
};

} // namespace zen::ui
