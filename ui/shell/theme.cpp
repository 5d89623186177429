#include "ui/shell/theme.h"

#include "ui/shell/studio_style.h"

#include <QFontDatabase>
#include <QWidget>

#include <algorithm>

namespace zen::ui {

namespace {

QFont fontOf(const QStringList& families, int size, QFont::Weight weight, double zoom)
{
    QFont font;
    font.setFamilies(families);
    font.setPixelSize(std::max(8, qRound(size * zoom)));
    font.setWeight(weight);
    return font;
}

QStringList textFamilies()
{
    return { QStringLiteral("Inter"), QStringLiteral("Inter Variable"),
        QFontDatabase::systemFont(QFontDatabase::GeneralFont).family() };
}

QStringList monoFamilies()
{
    return { QStringLiteral("JetBrains Mono"),
        QFontDatabase::systemFont(QFontDatabase::FixedFont).family(), QStringLiteral("monospace") };
}

} // namespace

Theme Theme::light(double zoom)
{
    Theme theme;
    theme.zoom = zoom;
    theme.paper = QColor(0xFBFAF7);
    theme.panel = QColor(0xFFFFFF);
    theme.rail = QColor(0xF3F1EB);
    theme.sunken = QColor(0xF6F4EF);
    theme.ink = QColor(0x1D2522);
    theme.muted = QColor(0x66716C);
    theme.muted_on_tint = QColor(0x56615C);
    theme.line = QColor(0xE3E2DB);
    theme.track = QColor(0xE3E2DB);
    theme.accent = QColor(0x2C7A64);
    theme.accent_text = QColor(0x226753);
    theme.accent_tint = QColor(0xE3F0EB);
    theme.on_accent = QColor(0xFFFFFF);
    theme.warning = QColor(0xB7791F);
    theme.warning_text = QColor(0x8A5A12);
    theme.error = QColor(0xB4402F);
    theme.reward = QColor(0x009E73);
    theme.loss = QColor(0x0072B2);
    theme.perplexity = QColor(0xD55E00);
    theme.kl = QColor(0xCC79A7);
    theme.entropy = QColor(0x8A6D00);
    return theme;
}

Theme Theme::dark(double zoom)
{
    Theme theme;
    theme.is_dark = true;
    theme.zoom = zoom;
    theme.paper = QColor(0x161B19);
    theme.panel = QColor(0x1E2422);
    theme.rail = QColor(0x121715);
    theme.sunken = QColor(0x191E1C);
    theme.ink = QColor(0xE8ECE9);
    theme.muted = QColor(0x9AA59F);
    theme.muted_on_tint = QColor(0xA9B4AE);
    theme.line = QColor(0x303835);
    theme.track = QColor(0x333B38);
    theme.accent = QColor(0x5FBFA3);
    theme.accent_text = QColor(0x5FBFA3);
    theme.accent_tint = QColor(0x223A33);
    theme.on_accent = QColor(0x10201B);
    theme.warning = QColor(0xE0B35A);
    theme.warning_text = QColor(0xE0B35A);
    theme.error = QColor(0xE58A7B);
    theme.reward = QColor(0x3CCB9B);
    theme.loss = QColor(0x56B4E9);
    theme.perplexity = QColor(0xF0894A);
    theme.kl = QColor(0xE29CC4);
    theme.entropy = QColor(0xE3C45A);
    return theme;
}

const Theme& Theme::of(const QWidget& widget)
{
    if (const auto* style = qobject_cast<const StudioStyle*>(widget.style()))
        return style->theme();
    static const Theme fallback = Theme::light();
    return fallback;
}

QFont Theme::text(int size, QFont::Weight weight) const
{
    return fontOf(textFamilies(), size, weight, zoom);
}

QFont Theme::mono(int size, QFont::Weight weight) const
{
    return fontOf(monoFamilies(), size, weight, zoom);
}

QPalette Theme::palette() const
{
    QPalette result;
    const auto set = [&result](QPalette::ColorRole role, const QColor& color) {
        result.setColor(QPalette::All, role, color);
    };
    set(QPalette::Window, paper);
    set(QPalette::WindowText, ink);
    set(QPalette::Base, panel);
    set(QPalette::AlternateBase, sunken);
    set(QPalette::Text, ink);
    set(QPalette::PlaceholderText, muted);
    set(QPalette::Button, panel);
    set(QPalette::ButtonText, ink);
    set(QPalette::BrightText, error);
    set(QPalette::Link, accent_text);
    set(QPalette::LinkVisited, warning_text);
    set(QPalette::Highlight, accent_tint);
    set(QPalette::HighlightedText, ink);
    set(QPalette::ToolTipBase, panel);
    set(QPalette::ToolTipText, ink);
    set(QPalette::Light, panel);
    set(QPalette::Midlight, rail);
    set(QPalette::Mid, line);
    set(QPalette::Dark, muted);
    set(QPalette::Shadow, line);
    for (const auto role : { QPalette::WindowText, QPalette::Text, QPalette::ButtonText })
        result.setColor(QPalette::Disabled, role, muted);
    return result;
}

} // namespace zen::ui
