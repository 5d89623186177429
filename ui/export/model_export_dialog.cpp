#include "ui/export/model_export_dialog.h"

#include "core/base/byte_text.h"
#include "ui/export/command_line.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"

#include <QComboBox>
#include <QDir>
#include <QEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLayout>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

constexpr int kWidth = 600;

QString about(const QString& format, bool has_adapter)
{
    if (format == QLatin1String("peft"))
        return ModelExportDialog::tr("The adapter alone, as it was trained: small, and loaded on "
                                     "top of the model that it was trained on.");
    const QString whole = has_adapter ? ModelExportDialog::tr("with the adapter folded in")
                                      : ModelExportDialog::tr("with all that was trained");
    if (format == QLatin1String("gguf"))
        return ModelExportDialog::tr("One .gguf file %1, and a Modelfile for Ollama.").arg(whole);
    return ModelExportDialog::tr("The whole model %1: safetensors, tokenizer and configuration, "
                                 "for transformers, vLLM and others.")
        .arg(whole);
}

/// `folder`, or with -2, -3 … if that exists.
QString unused(const QString& folder)
{
    QString name = folder;
    for (int number = 2; QFileInfo::exists(name); ++number)
        name = QStringLiteral("%1-%2").arg(folder, QString::number(number));
    return name;
}

} // namespace

WeightExportOptions ModelExportDialog::options() const
{
    WeightExportOptions chosen;
    chosen.source = m_run_folder.string();
    chosen.target = weightTargetNamed(m_format->currentData().toString().toStdString())
                        .value_or(WeightTarget::merged);
    chosen.dtype = m_numbers->currentData().toString().toStdString();
    chosen.output = m_place->text().trimmed().toStdString();
    return chosen;
}

void ModelExportDialog::formatChosen()
{
    const QString format = m_format->currentData().toString();
    const bool is_adapter = format == QLatin1String("peft");
    m_about->setText(about(format, m_has_adapter));
    m_numbers->clear();
    m_numbers->addItem(tr("As stored"), QString());
    if (!is_adapter) {
        m_numbers->addItem(tr("32 bits (f32), exact and large"), QStringLiteral("f32"));
        m_numbers->addItem(tr("16 bits (bf16), half the size"), QStringLiteral("bf16"));
        m_numbers->addItem(tr("16 bits (f16), for older programs"), QStringLiteral("f16"));
    }
    if (format == QLatin1String("gguf"))
        m_numbers->addItem(tr("8 bits (q8_0), a quarter"), QStringLiteral("q8_0"));
    setEnabledOr(m_numbers, !is_adapter, tr("An adapter is copied as it is."));
    proposePlace();
}

void ModelExportDialog::proposePlace()
{
    m_work.forget(); // what was said belongs to another choice
    if (m_place->isModified()) { // somebody named it
        refresh();
        return;
    }
    WeightExportOptions chosen = options();
    chosen.output.clear();
    m_place->setText(unused(QString::fromStdString(defaultOutput(chosen).string())));
    m_place->setCursorPosition(static_cast<int>(m_place->text().size()));
    refresh();
}

void ModelExportDialog::choosePlace()
{
    const QString folder
        = QFileDialog::getSaveFileName(this, tr("A new folder for the model"), m_place->text());
    if (folder.isEmpty())
        return;
    m_place->setText(QDir::toNativeSeparators(folder));
    m_place->setModified(true);
}

QString ModelExportDialog::whyNot() const
{
    const QString place = m_place->text().trimmed();
    if (place.isEmpty())
        return tr("Name a folder first.");
    return QFileInfo::exists(place) ? tr("%1 exists already; name a new folder.").arg(place)
                                    : QString();
}

void ModelExportDialog::refresh()
{
    const WeightExportOptions chosen = options();
    QString command = QStringLiteral("gym export --to %1 %2")
                          .arg(m_format->currentData().toString(),
                              shellQuoted(QString::fromStdString(chosen.source)));
    if (!chosen.dtype.empty())
        command += QStringLiteral(" --dtype ") + QString::fromStdString(chosen.dtype);
    command += QStringLiteral(" -o ") + shellQuoted(QString::fromStdString(chosen.output.string()));
    m_command->setText(command);
    const QString reason = whyNot();
    setEnabledOr(m_export, reason.isEmpty(), reason);
    if (m_work.state() != ModelExport::State::idle)
        return;
    m_progress->setVisible(!reason.isEmpty());
    m_words->hide();
    m_bar->hide();
    m_detail->setTone(Tone::warning);
    m_detail->setText(reason);
}

void ModelExportDialog::showState()
{
    using State = ModelExport::State;
    const State state = m_work.state();
    const bool active = m_work.isActive();
    m_choices->setEnabled(!active);
    m_cancel->setVisible(active);
    m_close->setVisible(!active);
    m_export->setVisible(!active && state != State::done);
    m_open->setVisible(state == State::done);
    setEnabledOr(m_cancel, state == State::writing, tr("It is being cancelled."),
        tr("Stop here; nothing is left behind"));
    (state == State::done ? m_open : m_export)->setDefault(true);
    if (state == State::idle) {
        refresh();
        return;
    }
    m_progress->show();
    m_words->show();
    m_bar->setVisible(active);
    m_bar->setValue(static_cast<int>(std::lround(m_work.fraction() * m_bar->maximum())));
    m_words->setTone(state == State::failed ? Tone::error : Tone::ink);
    m_detail->setTone(Tone::muted);
    const QString folder = m_place->text();
    switch (state) {
    case State::idle:
        break;
    case State::writing:
        m_words->setText(tr("Writing"));
        m_detail->setText(
            tr("%1 % · %2").arg(QString::number(std::floor(m_work.fraction() * 100)), folder));
        break;
    case State::stopping:
        m_words->setText(tr("Cancelling"));
        break;
    case State::done: {
        QStringList names;
        for (const std::string& name : m_work.written().files)
            names += shownLine(name);
        m_words->setText(
            tr("Written: %1").arg(QString::fromStdString(formatBytes(m_work.written().bytes))));
        m_detail->setText(tr("%1\n%2").arg(
            shownLine(m_work.written().folder.string(), 400), names.join(QStringLiteral(" · "))));
        break;
    }
    case State::stopped:
        m_words->setText(tr("Cancelled"));
        m_detail->setText(tr("Nothing was written."));
        break;
    case State::failed:
        m_words->setText(tr("Nothing was written"));
        m_detail->setText(sentence(shownText(m_work.message().toStdString())));
        break;
    }
}

/// As high as its text needs: labels that wrap do not tell a window by themselves.
void ModelExportDialog::fitHeight()
{
    const int width = std::max(kWidth, this->width());
    setMinimumSize(kWidth, layout()->totalHeightForWidth(width));
    resize(width, minimumHeight());
}

bool ModelExportDialog::event(QEvent* event)
{
    const bool known = QDialog::event(event);
    if (event->type() == QEvent::LayoutRequest)
        fitHeight();
    return known;
}

void ModelExportDialog::reject()
{
    if (m_work.isActive())
        m_work.stop();
    else
        QDialog::reject();
}

} // namespace zen::ui
