#pragma once

#include "ui/export/model_export.h"

#include <QDialog>

#include <filesystem>

class QComboBox;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace zen::ui {

class PlainLabel;

/// What a run has learnt, as files for other programs: format, number type and place are chosen,
/// then it is written in the background, with progress and a way to cancel; at the end the files.
/// Closing it while it writes cancels first.
class ModelExportDialog : public QDialog {
    Q_OBJECT
public:
    ModelExportDialog(
        const std::filesystem::path& run_folder, WriteModel write, QWidget* parent = nullptr);

    WeightExportOptions options() const; ///< as chosen
    const ModelExport& work() const { return m_work; }

    void reject() override;
    bool event(QEvent* event) override;

private:
    QWidget* buildChoices();
    QWidget* buildCommand();
    QWidget* buildProgress();
    QWidget* buildButtons();
    void formatChosen(); ///< the number types that it has, and a place for it
    void proposePlace();
    void choosePlace();
    void refresh(); ///< the command and what can be pressed
    void showState();
    void fitHeight();
    QString whyNot() const; ///< why it cannot start; empty: it can

    std::filesystem::path m_run_folder;
    bool m_has_adapter;
    ModelExport m_work;
    QWidget* m_choices = nullptr;
    QComboBox* m_format = nullptr;
    QComboBox* m_numbers = nullptr;
    QLineEdit* m_place = nullptr;
    PlainLabel* m_about = nullptr;
    PlainLabel* m_command = nullptr;
    QWidget* m_progress = nullptr;
    PlainLabel* m_words = nullptr;
    QProgressBar* m_bar = nullptr;
    PlainLabel* m_detail = nullptr;
    QPushButton* m_export = nullptr;
    QPushButton* m_cancel = nullptr;
    QPushButton* m_open = nullptr;
    QPushButton* m_close = nullptr;
};

} // namespace zen::ui
