#pragma once

#include <QPushButton>

namespace zen::ui {

/// An ordinary button: panel, hairline.
QPushButton* plainButton(const QString& text, const QString& icon = {}, QWidget* parent = nullptr);

/// The one button that a page needs next: filled with the accent.
QPushButton* filledButton(const QString& text, const QString& icon = {}, QWidget* parent = nullptr);

/// The space at either side of a linkButton's words.
inline constexpr int kLinkPadding = 8;

/// Accent-coloured words without a border ("Copy", "open in Rollouts").
QPushButton* linkButton(const QString& text, QWidget* parent = nullptr);

/// Underlined words that belong to the text beside them ("Use 1.0").
QPushButton* inlineButton(const QString& text, QWidget* parent = nullptr);

/// Enables a control, or disables it and says why in its tooltip and accessible description (`tip`
/// while enabled).
void setEnabledOr(QWidget* control, bool enabled, const QString& reason, const QString& tip = {});

} // namespace zen::ui
