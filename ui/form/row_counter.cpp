#include "ui/form/row_counter.h"

#include "core/data/dataset.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

namespace zen::ui {

void RowCounter::look(const TrainingConfig& config)
{
    if (config.data == m_data && config.run.seed == m_seed)
        return;
    m_data = config.data;
    m_seed = config.run.seed;
    const std::uint64_t question = ++m_newest;
    if (m_data.dataset.empty()) {
        Q_EMIT counted(std::nullopt);
        return;
    }
    QThreadPool::globalInstance()->start(
        [self = QPointer<RowCounter>(this), data = m_data, seed = m_seed, question] {
            std::optional<std::int64_t> rows;
            if (const auto split = loadDatasets(data, seed))
                rows = static_cast<std::int64_t>(split->train.rows.size());
            QMetaObject::invokeMethod(
                qApp,
                [self, rows, question] {
                    if (self && self->m_newest == question)
                        Q_EMIT self->counted(rows);
                },
                Qt::QueuedConnection);
        });
}

} // namespace zen::ui
