#pragma once

#include "core/plan/workload.h"

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
    /// Of the data last looked at; empty while nobody knows (yet).
    const std::optional<TokenLengths>& lengths() const { return m_lengths; }

Q_SIGNALS:
    void measured();

private:
    DataSection m_data;
    ModelSection m_model;
    bool m_asked = false;
    std::optional<TokenLengths> m_lengths;
    std::uint64_t m_newest = 0; ///< answers to older questions are dropped
};

} // namespace zen::ui
