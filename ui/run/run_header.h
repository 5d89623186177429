#pragma once

#include "ui/plots/metric_series.h"
#include "ui/shell/pill.h"

#include <QWidget>

#include <filesystem>
#include <vector>

class QPushButton;
class QSlider;

namespace zen::ui {

class PlainLabel;

/// The top line of the Run page: which run, its state and facts; how the plots are drawn; what can
/// be done with it.
class RunHeader : public QWidget {
    Q_OBJECT
public:
    explicit RunHeader(QWidget* parent = nullptr);

    void setRun(const QString& title, const QString& facts);
    void setState(const QString& word, PillTone tone); ///< empty: no pill
    void setFollowing(bool following);
    void setLive(bool live); ///< "Save now" makes sense only then

    struct OverlayChoice {
        QString name;
        std::filesystem::path folder;
    };
    void setOverlayChoices(std::vector<OverlayChoice> choices);
    void setOverlay(const QString& name); ///< drawn now; empty: none

Q_SIGNALS:
    void smoothingChanged(double weight);
    void xAxisChosen(zen::ui::XAxis axis);
    void followRequested();
    void saveNowRequested();
    void overlayChosen(const QString& folder); ///< empty: none
    void exportPlotsRequested(const QString& suffix); ///< png, pdf, csv
    void folderRequested(); ///< show the run's files

private:
    void buildAxisMenu();
    void buildExportMenu();
    void rebuildOverlayMenu();

    PlainLabel* m_title = nullptr;
    Pill* m_pill = nullptr;
    PlainLabel* m_facts = nullptr;
    QSlider* m_smoothing = nullptr;
    QPushButton* m_follow = nullptr;
    QPushButton* m_axis = nullptr;
    QPushButton* m_overlay = nullptr;
    QPushButton* m_export = nullptr;
    QPushButton* m_save = nullptr;
    std::vector<OverlayChoice> m_choices;
    QString m_overlay_name;
};

} // namespace zen::ui
