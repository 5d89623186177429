#pragma once

#include "ui/shell/page.h"
#include "ui/tiers/catalogue.h"
#include "ui/tiers/weights_fetch.h"

class QPushButton;

class QVBoxLayout;

namespace zen::ui {

class Card;
class PlainLabel;
class TierModel;
class TierTable;

/// The catalogue that one can read in five seconds: what, how big, good for, does it run here; and
/// the way into a configuration.
class TiersPage : public Page {
    Q_OBJECT
public:
    explicit TiersPage(const Catalogue& catalogue, QWidget* parent = nullptr);

    void refresh() override; ///< plans the tiers and looks for weights again

    const Tier* currentTier() const;
    void selectTier(const std::string& id);
    const WeightsFetch& weightsFetch() const { return m_fetch; }

Q_SIGNALS:
    void tierOpened(const zen::Tier& tier); ///< Configure, Enter or a double click
    void folderWanted(); ///< the empty state's way out: open a file

private:
    void buildTable(QVBoxLayout* layout);
    Card* buildDetail();
    void showTier(int row);
    void offerWeights(); ///< the dialog; accepted, the fetch starts

    const Catalogue& m_catalogue;
    WeightsFetch m_fetch;
    TierModel* m_model = nullptr;
    TierTable* m_table = nullptr;
    PlainLabel* m_machine = nullptr;
    Card* m_detail = nullptr;
    PlainLabel* m_uses = nullptr;
    PlainLabel* m_settings = nullptr;
    PlainLabel* m_plan = nullptr;
    PlainLabel* m_note = nullptr;
    QPushButton* m_get_weights = nullptr;
    QPushButton* m_configure = nullptr;
};

} // namespace zen::ui
