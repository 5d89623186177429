#pragma once

#include "core/config/tiers.h"
#include "core/fetch/hub_settings.h"

#include <QDialog>

class QLineEdit;
class QPushButton;

namespace zen::ui {

class Card;
class PlainLabel;
class WeightsFetch;

/// Offers to get the weights of a tier: which repository, how much, where to; and says where they
/// were looked for. Accepted: get them now.
class WeightsDialog : public QDialog {
    Q_OBJECT
public:
    /// `help`: where the weights were looked for. While `fetch` is active, none can start.
    WeightsDialog(
        const Tier& tier, const QString& help, const WeightsFetch& fetch, QWidget* parent);

    QString repository() const; ///< as typed

private:
    void describe(); ///< what a fetch of the repository as typed takes
    void refreshButton();

    Tier m_tier;
    Result<HubSettings> m_settings; ///< as they were when it was opened
    const WeightsFetch& m_fetch;
    PlainLabel* m_words = nullptr;
    PlainLabel* m_obstacle = nullptr;
    QLineEdit* m_repository = nullptr;
    Card* m_command_card = nullptr;
    PlainLabel* m_command = nullptr;
    QPushButton* m_get = nullptr;
};

} // namespace zen::ui
