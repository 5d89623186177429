#pragma once

#include <QString>

namespace zen::ui {

class StudioWindow;
class ThemeSource;

/// Writes every page, light and dark, to `folder` as <page>-<theme>.png (twice the pixels under
/// QT_SCALE_FACTOR=2), with the run of `run_folder` unless it is empty. False: the folder cannot be
/// written.
bool writeScreenshots(
    StudioWindow& window, ThemeSource& themes, const QString& folder, const QString& run_folder);

} // namespace zen::ui
