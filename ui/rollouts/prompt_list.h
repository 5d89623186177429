#pragma once

#include "core/runs/events.h"

#include <QAbstractListModel>
#include <QListView>

#include <optional>
#include <vector>

namespace zen::ui {

/// The mean and the spread of a group's rewards; empty where none was scored.
struct GroupRewards {
    std::optional<double> mean;
    double deviation = 0; ///< sample standard deviation
    std::size_t scored = 0;
    bool carriesSignal() const { return scored > 1 && deviation > 1e-8; }
};
GroupRewards rewardsOf(const SampledGroup& group);

/// The prompts of one step: what was asked, a bar of the mean reward, and the number. Grey where
/// all rewards are equal.
class PromptModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { MeanRole = Qt::UserRole, ShareRole, SignalRole };
    using QAbstractListModel::QAbstractListModel;

    void setGroups(const std::vector<SampledGroup>& groups);
    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;

private:
    struct Row {
        QString prompt;
        GroupRewards rewards;
        double share = 0; ///< of the step's largest mean, 0 to 1
    };
    std::vector<Row> m_rows;
};

class PromptList : public QListView {
    Q_OBJECT
public:
    explicit PromptList(QWidget* parent = nullptr);
};

} // namespace zen::ui
