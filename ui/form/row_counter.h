#pragma once

#include "core/config/training_config.h"

#include <QObject>

#include <cstdint>
#include <optional>

namespace zen::ui {

/// Counts the rows that a configuration trains on, off the window's thread, whenever the data
/// settings change.
class RowCounter : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    void look(const TrainingConfig& config);

Q_SIGNALS:
    void counted(std::optional<std::int64_t> rows); ///< nullopt: the data cannot be read (yet)

private:
    DataSection m_data;
    std::int64_t m_seed = -1;
    std::uint64_t m_newest = 0; ///< answers to older questions are dropped
};

} // namespace zen::ui
