#include "ui/tiers/weights_dialog.h"

#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/fetch/fetch_model.h"
#include "core/plan/memory_plan.h"
#include "ui/export/command_line.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"
#include "ui/tiers/weights_fetch.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLineEdit>

#include <algorithm>

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

/// How much comes from where, and where it goes. The size is that of the tier's own repository.
QString describeFetch(const Tier& tier, const std::string& id, const HubSettings& settings)
{
    const QString place = QString::fromStdString(settings.cache.string());
    const QString free = QString::fromStdString(formatBytes(freeDiskBytes(settings.cache)));
    const QString from = QString::fromStdString(settings.endpoint);
    const std::string published = publishedId(tier);
    QString words = published.empty()
        ? WeightsDialog::tr("No checkpoint of this tier is published. Name a repository that has "
                            "its shape; it comes from %1 into %2, where %3 are free. ")
              .arg(from, place, free)
        : id == published
        ? WeightsDialog::tr("About %1 from %2 into %3, where %4 are free. ")
              .arg(QString::fromStdString(formatBytes(weightBytes(tier))), from, place, free)
        : WeightsDialog::tr("It comes from %1 into %2, where %3 are free. ").arg(from, place, free);
    words += WeightsDialog::tr("Files that are there already are not fetched again. You can cancel "
                               "at any time and go on later. A model that asks for it needs its "
                               "licence accepted on its page and a token in HF_TOKEN.");
    return words;
}

/// What stands against a fetch, before it is tried; empty: nothing.
QString obstacle(const Tier& tier, const std::string& id, const Result<HubSettings>& settings)
{
    if (!settings)
        return sentence(shownText(settings.error().message));
    if (settings->offline)
        return WeightsDialog::tr("HF_HUB_OFFLINE is set, so nothing is fetched.");
    if (id != publishedId(tier)) // nobody knows how large that is
        return {};
    const std::uint64_t free = freeDiskBytes(settings->cache);
    return free > 0 && free < weightBytes(tier)
        ? WeightsDialog::tr("Weights of this size do not fit there: make room, or set HF_HOME to a "
                            "larger disk.")
        : QString();
}

PlainLabel* paragraph(QWidget* parent)
{
    auto* label = new PlainLabel({}, parent);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    return label;
}

} // namespace

WeightsDialog::WeightsDialog(
    const Tier& tier, const QString& help, const WeightsFetch& fetch, QWidget* parent)
    : QDialog(parent)
    , m_tier(tier)
    , m_settings(hubSettings())
    , m_fetch(fetch)
{
    setObjectName(QStringLiteral("weightsDialog"));
    setWindowTitle(tr("Weights of %1").arg(QString::fromStdString(tier.title)));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(12);
    auto* heading = new PlainLabel(windowTitle(), this);
    heading->setType(15, QFont::DemiBold);
    layout->addWidget(heading);
    m_words = paragraph(this);
    m_words->setObjectName(QStringLiteral("fetchDescription"));
    layout->addWidget(m_words);
    m_obstacle = paragraph(this);
    m_obstacle->setObjectName(QStringLiteral("fetchObstacle"));
    m_obstacle->setTone(Tone::warning);
    layout->addWidget(m_obstacle);
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
    auto* looked = paragraph(this);
    looked->setText(sentence(help));
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
    connect(m_repository, &QLineEdit::textChanged, this, &WeightsDialog::describe);
    connect(&m_fetch, &WeightsFetch::changed, this, &WeightsDialog::refreshButton);
    describe();
}

QString WeightsDialog::repository() const
{
    return m_repository->text().trimmed();
}

void WeightsDialog::describe()
{
    const QString id = repository();
    m_command->setText(id.isEmpty() ? QStringLiteral("gym fetch")
                                    : QStringLiteral("gym fetch ") + shellQuoted(id));
    m_command_card->setEnabled(!id.isEmpty());
    m_words->setVisible(m_settings.has_value());
    if (m_settings)
        m_words->setText(describeFetch(m_tier, id.toStdString(), *m_settings));
    const QString reason = obstacle(m_tier, id.toStdString(), m_settings);
    m_obstacle->setText(reason);
    m_obstacle->setVisible(!reason.isEmpty());
    refreshButton();
    const int width = std::max(kWidth, this->width());
    const int needed = layout()->totalHeightForWidth(width);
    resize(width, isVisible() ? std::max(height(), needed) : needed);
}

void WeightsDialog::refreshButton()
{
    const QString id = repository();
    QString reason;
    if (id.isEmpty())
        reason = tr("Name a repository first.");
    else if (m_fetch.isActive())
        reason = tr("Other weights are being fetched; one at a time.");
    else
        reason = QString::fromStdString(whatIsWrongWith({ id.toStdString(), "main", {}, {} }));
    setEnabledOr(m_get, reason.isEmpty(), reason);
}

} // namespace zen::ui
