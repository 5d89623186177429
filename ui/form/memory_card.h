#pragma once

#include "core/plan/memory_plan.h"
#include "ui/shell/card.h"

#include <optional>
#include <vector>

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

/// What the run will need against what is free: the number, the bar, its parts, and what would make
/// it fit.
class MemoryCard : public Card {
    Q_OBJECT
public:
    explicit MemoryCard(QWidget* parent = nullptr);

    /// `advice`: what would make it fit; may be empty. `published_gb`: the tier's published figure;
    /// 0: none.
    void showPlan(const MemoryPlan& plan, std::uint64_t free_bytes, double published_gb,
        const QString& advice);
    void showUnknown(const QString& reason);

private:
    PlainLabel* m_total = nullptr;
    PlainLabel* m_of = nullptr;
    StackedBar* m_bar = nullptr;
    QWidget* m_legend = nullptr;
    std::vector<PlainLabel*> m_legend_texts;
    std::vector<Dot*> m_legend_dots;
    PlainLabel* m_note = nullptr;
};

/// The plan's parts in the larger of its two phases, in gigabytes, largest meanings first; parts
/// below 5 MB are joined into "other".
std::vector<BarPart> partsOf(const MemoryPlan& plan);

} // namespace zen::ui
