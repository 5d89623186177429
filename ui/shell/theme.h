#pragma once

#include <QColor>
#include <QFont>
#include <QPalette>

class QWidget;

namespace zen::ui {

/// The studio's colours and type, for one of its two appearances. A plain value: a widget asks for
/// the one in force with Theme::of(*this) when it paints, and hears of a change as
/// changeEvent(QEvent::StyleChange).
struct Theme {
    bool is_dark = false;
    double zoom = 1.0; ///< of all type, 0.8 to 1.6

    QColor paper; ///< behind pages
    QColor panel; ///< cards, fields, the strip
    QColor rail;
    QColor sunken; ///< code, read-only fields
    QColor ink, muted; ///< text and its quieter companion, on paper, panel and sunken
    QColor muted_on_tint; ///< muted text on accent_tint and rail
    QColor line; ///< hairlines
    QColor track; ///< the empty part of bars and sliders
    QColor accent, accent_text, accent_tint,
        on_accent; ///< shapes, text on panel or tint, backgrounds, text on accent
    QColor warning, warning_text, error; ///< shapes and borders; text
    QColor reward, loss, perplexity, kl,
        entropy; ///< curves and dots, safe for colour-blind readers

    static Theme light(double zoom = 1.0);
    static Theme dark(double zoom = 1.0);

    /// The theme of the style that draws this widget; light where another style is in force (plain
    /// tests).
    static const Theme& of(const QWidget& widget);

    /// Inter in one of the sizes 11, 13, 15, 19, 24 (pixels at zoom 1), weight 400 or 600.
    QFont text(int size = 13, QFont::Weight weight = QFont::Normal) const;
    /// JetBrains Mono: numbers in tables, YAML, model text.
    QFont mono(int size = 13, QFont::Weight weight = QFont::Normal) const;

    /// A length that grows with the type.
    int scaled(int pixels) const { return qRound(pixels * zoom); }

    /// Roles used by the studio: Window paper, Base panel, AlternateBase sunken, PlaceholderText
    /// muted, Mid line, Link accent text, LinkVisited warning text, BrightText error, Highlight
    /// accent tint.
    QPalette palette() const;
};

/// A colour that follows the theme: `&Theme::reward`.
using ThemeColor = QColor Theme::*;

} // namespace zen::ui
