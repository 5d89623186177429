#include "ui/form/length_reader.h"

namespace zen::ui {

void LengthReader::look(const TrainingConfig& config)
{
    if (m_config && config.data == m_config->data && config.model == m_config->model)
        return;
    m_config = config;
    measure();
}

void LengthReader::lookAgain()
{
    if (m_config && !m_lengths && !m_work.isBusy())
        measure();
}

void LengthReader::measure()
{
    m_lengths.reset();
    m_work.start(
        [config = *m_config](const std::stop_token& stop) {
            return measureLengths(config, kMostBytesToMeasure, stop);
        },
        [this](const Result<TokenLengths>& lengths) {
            if (lengths)
                m_lengths = *lengths;
            Q_EMIT measured();
        });
}

} // namespace zen::ui
