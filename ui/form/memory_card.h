#pragma once

#include "core/plan/fit.h"
#include "ui/shell/card.h"

#include <optional>
#include <vector>

class QPushButton;

namespace zen::ui {

class PlainLabel;

/// One part of a stacked bar.
struct BarPart {
    QString name;
    double value = 0;
    ThemeColor color = &Theme::muted;
};

/// A stacked bar of parts against a limit; what exceeds it is drawn over the end in the error
/// colour.
class StackedBar : public QWidget {
    Q_OBJECT
public:
    explicit StackedBar(QWidget* parent = nullptr);
    void setParts(std::vector<BarPart> parts, double limit);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    std::vector<BarPart> m_parts;
    double m_limit = 0;
};

/// What the card shows of a plan.
struct ShownPlan {
    MemoryPlan plan;
    std::uint64_t at_most = 0; ///< the peak if every row filled its context
    std::uint64_t free_bytes = 0;
    double published_gb = 0; ///< the tier's figure; 0: none
    std::vector<Proposal> proposals; ///< what makes it fit; empty if it does, or nothing can
    bool fits() const { return plan.peak() <= free_bytes; }
};

/// What the run will need against what is free: the number, the bar, its parts, and what would make
/// it fit, with a button that does so.
class MemoryCard : public Card {
    Q_OBJECT
public:
    explicit MemoryCard(QWidget* parent = nullptr);

    void showPlan(const ShownPlan& shown);
    void showUnknown(const QString& reason);
    /// Says that `label` was applied, with a link that takes it back; empty: nothing was.
    void showApplied(const QString& label);

Q_SIGNALS:
    void fixAccepted(const zen::Fix& fix);
    void undoRequested();

private:
    void buildActions();
    void showParts(const std::vector<BarPart>& parts);
    void showWays();

    PlainLabel* m_total = nullptr;
    PlainLabel* m_of = nullptr;
    StackedBar* m_bar = nullptr;
    QWidget* m_legend = nullptr;
    std::vector<PlainLabel*> m_legend_texts;
    std::vector<Dot*> m_legend_dots;
    PlainLabel* m_phase = nullptr;
    PlainLabel* m_note = nullptr;
    QWidget* m_actions = nullptr;
    QPushButton* m_make_it_fit = nullptr;
    QPushButton* m_ways = nullptr;
    QWidget* m_applied = nullptr;
    PlainLabel* m_applied_text = nullptr;
    std::vector<Proposal> m_proposals;
};

/// The parts of the plan's largest phase, in gigabytes; parts below 5 MB are left out.
std::vector<BarPart> partsOf(const MemoryPlan& plan);

/// "Gradient checkpointing: 3.1 GB (about a fifth slower)"
QString describe(const Proposal& proposal);

} // namespace zen::ui
