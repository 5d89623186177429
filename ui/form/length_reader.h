#pragma once

#include "core/plan/workload.h"
#include "ui/run/background_work.h"

#include <QObject>

#include <optional>

namespace zen::ui {

/// Measures how long the rows of a configuration's data are, off the window's thread, whenever data
/// or model change.
class LengthReader : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    void look(const TrainingConfig& config);
    /// Measures once more if that failed last time: a file may be there by now.
    void lookAgain();
    /// Of the data last looked at; empty while nobody knows (yet).
    const std::optional<TokenLengths>& lengths() const { return m_lengths; }

Q_SIGNALS:
    void measured();

private:
    void measure();

    std::optional<TrainingConfig> m_config; ///< last looked at
    std::optional<TokenLengths> m_lengths;
    BackgroundWork m_work; // last: joined before what it uses dies
};

} // namespace zen::ui
