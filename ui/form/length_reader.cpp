#include "ui/form/length_reader.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

namespace zen::ui {

void LengthReader::look(const TrainingConfig& config)
{
    if (m_asked && config.data == m_data && config.model == m_model)
        return;
    m_asked = true;
    m_data = config.data;
    m_model = config.model;
    m_lengths.reset();
    const std::uint64_t question = ++m_newest;
    QThreadPool::globalInstance()->start([self = QPointer<LengthReader>(this), config, question] {
        std::optional<TokenLengths> lengths;
        if (const auto measured = measureLengths(config))
            lengths = *measured;
        QMetaObject::invokeMethod(
            qApp,
            [self, lengths, question] {
                if (!self || self->m_newest != question)
                    return;
                self->m_lengths = lengths;
                Q_EMIT self->measured();
            },
            Qt::QueuedConnection);
    });
}

} // namespace zen::ui
