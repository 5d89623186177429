#include "ui/tiers/weights_dialog.h"

#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/fetch/fetch_model.h"
#include "core/plan/memory_plan.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLineEdit>

namespace zen::ui {

namespace {

constexpr int kWidth = 600;

/// The repository that a tier is fetched from; empty where none is published.
std::string publishedId(const Tier& tier)
{
    if (tier.shape_assumed)
        return {};
    return tier.substitute_id.empty() ? tier.model_id : tier.substitute_id;
}

/// In bfloat16, as they are published.
std::uint64_t weightBytes(const Tier& tier)
{
    return static_cast<std::uint64_t>(shapeOf(tier).parameters()) * 2;
}

/// How much comes from where, and where it goes.
QString describeFetch(const Tier& tier, const HubSettings& settings)
{
    const QString place = QString::fromStdString(settings.cache.string());
    const QString free = QString::fromStdString(formatBytes(freeDiskBytes(settings.cache)));
    QString words = publishedId(tier).empty()
        ? WeightsDialog::tr("No checkpoint of this tier is published. Name a repository that has "
                            "its shape; it comes from %1 into %2, where %3 are free. ")
              .arg(QString::fromStdString(settings.endpoint), place, free)
        : WeightsDialog::tr("About %1 from %2 into %3, where %4 are free. ")
              .arg(QString::fromStdString(formatBytes(weightBytes(tier))),
                  QString::fromStdString(settings.endpoint), place, free);
    words += WeightsDialog::tr("Files that are there already are not fetched again. You can cancel "
                               "at any time and go on later. A model that asks for it needs its "
                               "licence accepted on its page and a token in HF_TOKEN.");
    return words;
}

/// What stands against a fetch, before it is tried; empty: nothing.
QString obstacle(const Tier& tier, const Result<HubSettings>& settings)
{
    if (!settings)
        return sentence(shownText(settings.error().message));
    if (settings->offline)
        return WeightsDialog::tr("HF_HUB_OFFLINE is set, so nothing is fetched.");
    const std::uint64_t free = freeDiskBytes(settings->cache);
    return free > 0 && free < weightBytes(tier)
        ? WeightsDialog::tr("Weights of this size do not fit there: make room, or set HF_HOME to a "
                            "larger disk.")
        : QString();
}

PlainLabel* paragraph(const QString& text, QWidget* parent)
{
    auto* label = new PlainLabel(text, parent);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    return label;
}

} // namespace

WeightsDialog::WeightsDialog(
    const Tier& tier, const QString& help, const QString& why_not_now, QWidget* parent)
    : QDialog(parent)
    , m_why_not_now(why_not_now)
{
    setObjectName(QStringLiteral("weightsDialog"));
    setWindowTitle(tr("Weights of %1").arg(QString::fromStdString(tier.title)));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(12);
    auto* heading = new PlainLabel(windowTitle(), this);
    heading->setType(15, QFont::DemiBold);
    layout->addWidget(heading);
    const auto settings = hubSettings();
    if (settings)
        layout->addWidget(paragraph(describeFetch(tier, *settings), this));
    if (const QString reason = obstacle(tier, settings); !reason.isEmpty()) {
        auto* warning = paragraph(reason, this);
        warning->setObjectName(QStringLiteral("fetchObstacle"));
        warning->setTone(Tone::warning);
        layout->addWidget(warning);
    }
    auto* name = new PlainLabel(tr("Repository"), this);
    name->setType(11)->setTone(Tone::muted);
    layout->addWidget(name);
    layout->addSpacing(-6);
    m_repository = new QLineEdit(QString::fromStdString(publishedId(tier)), this);
    m_repository->setObjectName(QStringLiteral("repositoryEdit"));
    m_repository->setAccessibleName(tr("Repository"));
    m_repository->setPlaceholderText(tr("Repository, e.g. Qwen/Qwen3-0.6B"));
    layout->addWidget(m_repository);
    m_command_card = new Card(this);
    Card* card = m_command_card;
    card->setFill(&Theme::sunken);
    card->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    card->body()->setContentsMargins(14, 6, 14 - kLinkPadding, 6);
    auto* row = new QHBoxLayout;
    m_command = new PlainLabel({}, card);
    m_command->setMono();
    m_command->setTextInteractionFlags(Qt::TextSelectableByMouse);
    row->addWidget(m_command, 1);
    auto* copy = linkButton(tr("Copy"), card);
    connect(copy, &QPushButton::clicked, this,
        [this] { QGuiApplication::clipboard()->setText(m_command->text()); });
    row->addWidget(copy);
    card->body()->addLayout(row);
    layout->addWidget(card);
    auto* looked = paragraph(sentence(help), this);
    looked->setType(11)->setTone(Tone::muted);
    layout->addWidget(looked);
    layout->addStretch();
    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    auto* close = plainButton(tr("Close"), {}, this);
    connect(close, &QPushButton::clicked, this, &QDialog::reject);
    buttons->addWidget(close);
    m_get = filledButton(tr("Get weights"), QStringLiteral("download"), this);
    m_get->setObjectName(QStringLiteral("startFetchButton"));
    m_get->setDefault(true);
    connect(m_get, &QPushButton::clicked, this, &QDialog::accept);
    buttons->addWidget(m_get);
    layout->addLayout(buttons);
    setMinimumWidth(kWidth);
    connect(m_repository, &QLineEdit::textChanged, this, &WeightsDialog::refresh);
    refresh();
    resize(kWidth, layout->totalHeightForWidth(kWidth));
}

QString WeightsDialog::repository() const
{
    return m_repository->text().trimmed();
}

void WeightsDialog::refresh()
{
    const QString id = repository();
    m_command->setText(QStringLiteral("gym fetch %1").arg(id));
    m_command_card->setEnabled(!id.isEmpty());
    QString reason = m_why_not_now;
    if (id.isEmpty())
        reason = tr("Name a repository first.");
    else if (reason.isEmpty())
        reason = QString::fromStdString(whatIsWrongWith({ id.toStdString(), "main", {}, {} }));
    setEnabledOr(m_get, reason.isEmpty(), reason);
}

} // namespace zen::ui
