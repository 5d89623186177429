#pragma once

#include <QWidget>

#include <cstdint>
#include <optional>

class QHBoxLayout;
class QProgressBar;
class QPushButton;
class QStackedLayout;

namespace zen::ui {

class Page;
class PlainLabel;

/// All that the strip shows of a run; a plain value, replaced as a whole.
struct RunStripState {
    bool active = false; ///< false: the strip belongs to the page
    QString phase; ///< "Generating"
    std::int64_t step = 0, total = 0;
    double fraction = -1; ///< of the whole run, 0 to 1; negative: step / total
    QString eta; ///< "3 min 12 s"; empty while unknown
    double rollout_tokens_per_second = 0; ///< 0: not known
    std::uint64_t memory_now = 0, memory_planned = 0; ///< bytes; 0: not known
    std::optional<double> reward, loss, perplexity;
    bool paused = false; ///< the first button says Resume
    bool can_pause = false, can_stop = false;
    bool stopping = false; ///< the second button says Stop now (without saving)
    QString why_not; ///< said by the buttons while they are disabled
    bool operator==(const RunStripState&) const = default;
};

/// The strip at the bottom that is always there: the run's phase, step, time, speed, memory and
/// headline numbers, or, while there is no run, the page's message and buttons.
class RunStrip : public QWidget {
    Q_OBJECT
public:
    explicit RunStrip(QWidget* parent = nullptr);

    void setState(const RunStripState& state);
    const RunStripState& state() const { return m_state; }

    /// What to show while no run is active.
    void showPage(Page* page);

Q_SIGNALS:
    void pauseClicked(); ///< pause, or resume while paused
    void stopClicked();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QWidget* buildRunSide();
    QWidget* buildPageSide();
    PlainLabel* addFigure(QHBoxLayout* layout, const QString& name, const QString& object_name);

    RunStripState m_state;
    QStackedLayout* m_stack = nullptr;
    QHBoxLayout* m_page_layout = nullptr;
    PlainLabel* m_message = nullptr;
    Page* m_page = nullptr;
    QPushButton* m_pause = nullptr;
    QPushButton* m_stop = nullptr;
    PlainLabel* m_phase = nullptr;
    PlainLabel* m_step = nullptr;
    QProgressBar* m_progress = nullptr;
    PlainLabel* m_eta = nullptr;
    PlainLabel* m_speed = nullptr;
    PlainLabel* m_memory = nullptr;
    PlainLabel* m_reward = nullptr;
    PlainLabel* m_loss = nullptr;
    PlainLabel* m_perplexity = nullptr;
};

} // namespace zen::ui
