#pragma once

#include "core/config/tiers.h"

#include <QDialog>

class QLineEdit;
class QPushButton;

namespace zen::ui {

class Card;
class PlainLabel;

/// Offers to get the weights of a tier: which repository, how much, where to; and says where they
/// were looked for. Accepted: get them now.
class WeightsDialog : public QDialog {
    Q_OBJECT
public:
    /// `why_not_now`: why no fetch can start at the moment; may be empty.
    WeightsDialog(
        const Tier& tier, const QString& help, const QString& why_not_now, QWidget* parent);

    QString repository() const; ///< as typed

private:
    void refresh();

    QString m_why_not_now;
    QLineEdit* m_repository = nullptr;
    Card* m_command_card = nullptr;
    PlainLabel* m_command = nullptr;
    QPushButton* m_get = nullptr;
};

} // namespace zen::ui
