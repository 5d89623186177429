#pragma once

#include "core/config/training_config.h"
#include "ui/data/data_summary.h"
#include "ui/run/background_work.h"
#include "ui/shell/page.h"

#include <functional>

class QStackedWidget;
class QTableView;

namespace zen::ui {

class Card;
class EmptyState;
class PlainLabel;
class RewardBench;
class RowModel;
class TextView;

/// The dataset that the configuration at hand names: its files and their errors, its first rows as
/// the model will see them, lengths in tokens, and a bench that tries the rewards on a row.
class DataPage : public Page {
    Q_OBJECT
public:
    /// `config` gives the configuration at hand; asked at each refresh.
    explicit DataPage(std::function<TrainingConfig()> config, QWidget* parent = nullptr);
    ~DataPage() override;

    void refresh() override;

Q_SIGNALS:
    void configureRequested();
    void loaded();

private:
    QWidget* buildContent();
    void present(DataSummary summary);
    void showRow(int row);
    QString factsOf(const DataSummary& summary) const;

    std::function<TrainingConfig()> m_get_config;
    TrainingConfig m_config;
    bool m_loaded = false;
    DataSummary m_summary;
    BackgroundWork m_work;
    QStackedWidget* m_stack = nullptr;
    EmptyState* m_empty = nullptr;
    PlainLabel* m_facts = nullptr;
    PlainLabel* m_lengths = nullptr;
    Card* m_problem_card = nullptr;
    PlainLabel* m_problem = nullptr;
    QTableView* m_table = nullptr;
    RowModel* m_rows = nullptr;
    Card* m_row_card = nullptr;
    TextView* m_row = nullptr;
    RewardBench* m_bench = nullptr;
};

} // namespace zen::ui
