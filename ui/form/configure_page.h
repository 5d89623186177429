#pragma once

#include "core/train/engine.h"
#include "ui/form/config_session.h"
#include "ui/shell/page.h"
#include "ui/tiers/catalogue.h"

#include <functional>

class QLineEdit;
class QPushButton;

namespace zen::ui {

class ConfigForm;
class LengthReader;
class MemoryCard;
class Pill;
class PlainLabel;
class PresetBar;
class YamlPreview;

/// Presets on top, the form, and at the right what it comes to: memory and the YAML that will run.
class ConfigurePage : public Page {
    Q_OBJECT
public:
    ConfigurePage(ConfigSession& session, const Catalogue& catalogue, QWidget* parent = nullptr);

    void refresh() override; ///< free memory and the data's files may have changed

    /// Prompts of the training data, once somebody has read it.
    void setTrainingRows(std::optional<std::int64_t> rows);
    /// A run is going on: Start says so and waits.
    void setRunActive(bool active);

    void focusSearch();
    void jumpTo(const QString& key);
    /// What is looked at before a start; checkStart() unless replaced (a test without weights).
    void setStartCheck(std::function<Diagnostics(const TrainingConfig&)> check)
    {
        m_check = std::move(check);
    }

    /// What the plan is compared with; the machine's free memory unless replaced (a test).
    void setFreeMemory(std::function<std::uint64_t()> bytes)
    {
        m_free_memory = std::move(bytes);
        refreshMemory();
    }

    void start(); ///< what the Start button does: check, ask about warnings, then startRequested

Q_SIGNALS:
    void startRequested(const zen::TrainerOptions& options);
    void exportRequested();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* buildHeader();
    QWidget* buildRightSide();
    QWidget* buildFindingsButton();
    void refreshHeader();
    void refreshPreview();
    void refreshMemory();
    void makeItFit(const zen::Fix& fix);
    void refreshApplied();
    void refreshFindings();
    QString stepsAhead() const;
    void showFindingsMenu();
    bool reportProblems(const Diagnostics& problems);

    ConfigSession& m_session;
    const Catalogue& m_catalogue;
    ConfigForm* m_form = nullptr;
    PresetBar* m_presets = nullptr;
    MemoryCard* m_memory = nullptr;
    YamlPreview* m_preview = nullptr;
    class Card* m_preview_card = nullptr;
    PlainLabel* m_title = nullptr;
    Pill* m_size = nullptr;
    Pill* m_algorithm = nullptr;
    Pill* m_fit = nullptr;
    QPushButton* m_undo = nullptr;
    QPushButton* m_advanced = nullptr;
    QLineEdit* m_search = nullptr;
    QPushButton* m_start = nullptr;
    QPushButton* m_findings = nullptr;
    bool m_run_active = false;
    bool m_is_narrow = false; ///< no room for the pills
    std::optional<std::int64_t> m_rows;
    LengthReader* m_lengths = nullptr;
    QString m_fit_label; ///< the undo step that made it fit
    std::function<Diagnostics(const TrainingConfig&)> m_check;
    std::function<std::uint64_t()> m_free_memory;
};

} // namespace zen::ui
