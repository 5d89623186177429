#include "ui/form/configure_page.h"

#include "core/train/check_start.h"
#include "ui/form/config_form.h"
#include "ui/form/field_rules.h"
#include "ui/form/length_reader.h"
#include "ui/form/memory_card.h"
#include "ui/form/preset_bar.h"
#include "ui/form/problems_dialog.h"
#include "ui/form/yaml_preview.h"
#include "ui/shell/button.h"
#include "ui/shell/icon.h"
#include "ui/shell/pill.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr int kRightWidth = 380;
constexpr int kSideMargin = 18;
constexpr int kGap = 16;

QString countOf(std::size_t count, const char* one, const char* many)
{
    return count == 1 ? ConfigurePage::tr(one) : ConfigurePage::tr(many).arg(count);
}

} // namespace

ConfigurePage::ConfigurePage(ConfigSession& session, const Catalogue& catalogue, QWidget* parent)
    : Page(PageId::configure, tr("Configure"), QStringLiteral("configure"), parent)
    , m_session(session)
    , m_catalogue(catalogue)
    , m_lengths(new LengthReader(this))
    , m_check(checkStart)
    , m_free_memory([] { return thisMachine().memory_available_bytes; })
{
    setObjectName(QStringLiteral("configurePage"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(kSideMargin, 14, kSideMargin, 12);
    layout->setSpacing(kGap);
    auto* left = new QVBoxLayout;
    left->setSpacing(12);
    left->addWidget(buildHeader());
    m_presets = new PresetBar(session, catalogue.presets, this);
    left->addWidget(m_presets);
    auto* form_card = new Card(this);
    form_card->body()->setContentsMargins(0, 2, 2, 2);
    m_form = new ConfigForm(session, form_card);
    form_card->body()->addWidget(m_form);
    left->addWidget(form_card, 1);
    layout->addLayout(left, 1);
    layout->addWidget(buildRightSide());
    setStripActions(buildFindingsButton());

    connect(m_search, &QLineEdit::textChanged, m_form, &ConfigForm::setSearch);
    connect(m_advanced, &QPushButton::toggled, m_form, &ConfigForm::setAdvancedShown);
    connect(m_form, &ConfigForm::advancedShownChanged, m_advanced, &QPushButton::setChecked);
    connect(m_preview, &YamlPreview::keyChosen, this, &ConfigurePage::jumpTo);
    connect(&m_session, &ConfigSession::changed, this, [this] {
        refreshHeader();
        refreshPreview();
        refreshFindings();
    });
    connect(&m_session, &ConfigSession::sourceChanged, this, [this] {
        refreshHeader();
        refreshPreview();
    });
    connect(&m_session, &ConfigSession::settled, this, &ConfigurePage::refreshMemory);
    connect(m_lengths, &LengthReader::measured, this, &ConfigurePage::refreshMemory);
    refreshHeader();
    refreshPreview();
    refreshFindings();
    refreshMemory();
}

QWidget* ConfigurePage::buildHeader()
{
    auto* header = new QWidget(this);
    auto* row = new QHBoxLayout(header);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(8);
    m_title = new PlainLabel({}, header);
    m_title->setObjectName(QStringLiteral("configTitle"));
    m_title->setType(19, QFont::DemiBold)->setElided();
    m_title->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    m_size = new Pill({}, PillTone::accent, header);
    m_algorithm = new Pill({}, PillTone::accent, header);
    m_fit = new Pill({}, PillTone::outline, header);
    row->addWidget(m_title);
    row->addWidget(m_size);
    row->addWidget(m_algorithm);
    row->addWidget(m_fit);
    row->addStretch(1);
    m_undo = plainButton({}, QStringLiteral("undo"), header);
    m_undo->setAccessibleName(tr("Undo"));
    m_undo->setObjectName(QStringLiteral("undoButton"));
    connect(m_undo, &QPushButton::clicked, this, [this] { m_session.undoStack().undo(); });
    m_advanced = plainButton(tr("All fields"), {}, header);
    m_advanced->setObjectName(QStringLiteral("advancedButton"));
    m_advanced->setCheckable(true);
    m_search = new QLineEdit(header);
    m_search->setObjectName(QStringLiteral("fieldSearch"));
    m_search->setPlaceholderText(tr("Find  Ctrl F"));
    m_search->setAccessibleName(tr("Find a field"));
    m_search->setClearButtonEnabled(true);
    m_search->setFixedWidth(130);
    row->addWidget(m_undo);
    row->addWidget(m_advanced);
    row->addWidget(m_search);
    return header;
}

QWidget* ConfigurePage::buildRightSide()
{
    auto* side = new QWidget(this);
    side->setFixedWidth(kRightWidth);
    auto* layout = new QVBoxLayout(side);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    m_memory = new MemoryCard(side);
    connect(m_memory, &MemoryCard::fixAccepted, this, &ConfigurePage::makeItFit);
    connect(m_memory, &MemoryCard::undoRequested, this, [this] {
        m_session.undoStack().undo();
        refreshMemory();
    });
    connect(
        &m_session.undoStack(), &QUndoStack::indexChanged, this, &ConfigurePage::refreshApplied);
    layout->addWidget(m_memory);

    m_preview_card = new Card(side);
    m_preview_card->setFill(&Theme::sunken);
    m_preview_card->setTitleRule(true);
    m_preview_card->body()->setContentsMargins(0, 0, 2, 4);
    m_preview = new YamlPreview(m_preview_card);
    m_preview_card->body()->addWidget(m_preview);
    auto* copy = linkButton(tr("Copy"), m_preview_card);
    copy->setObjectName(QStringLiteral("copyYaml"));
    copy->setFixedHeight(22);
    copy->setToolTip(tr("Copy the whole file"));
    connect(copy, &QPushButton::clicked, this,
        [this] { QGuiApplication::clipboard()->setText(m_session.text()); });
    m_preview_card->addTitleWidget(copy);
    layout->addWidget(m_preview_card, 1);

    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    auto* export_button = plainButton(tr("Export…"), {}, side);
    export_button->setObjectName(QStringLiteral("exportButton"));
    connect(export_button, &QPushButton::clicked, this, &ConfigurePage::exportRequested);
    m_start = filledButton(tr("Start training"), QStringLiteral("play"), side);
    m_start->setObjectName(QStringLiteral("startButton"));
    connect(m_start, &QPushButton::clicked, this, &ConfigurePage::start);
    buttons->addWidget(export_button, 3);
    buttons->addWidget(m_start, 4);
    layout->addLayout(buttons);
    return side;
}

QWidget* ConfigurePage::buildFindingsButton()
{
    m_findings = linkButton({}, this);
    m_findings->setObjectName(QStringLiteral("findingsButton"));
    m_findings->setToolTip(tr("List them; each leads to its field"));
    connect(m_findings, &QPushButton::clicked, this, &ConfigurePage::showFindingsMenu);
    return actionRow({ m_findings }, this);
}

void ConfigurePage::refresh()
{
    refreshMemory();
    m_lengths->lookAgain();
}

void ConfigurePage::resizeEvent(QResizeEvent* event)
{
    Page::resizeEvent(event);
    const bool is_narrow = width() - kRightWidth - 2 * kSideMargin - kGap < kNarrowForm;
    if (is_narrow == m_is_narrow)
        return;
    m_is_narrow = is_narrow;
    refreshHeader();
    refreshMemory();
}

void ConfigurePage::setTrainingRows(std::optional<std::int64_t> rows)
{
    m_rows = rows;
    m_form->setTrainingRows(rows);
    refreshFindings();
}

void ConfigurePage::setRunActive(bool active)
{
    m_run_active = active;
    refreshFindings();
}

void ConfigurePage::focusSearch()
{
    m_search->setFocus(Qt::ShortcutFocusReason);
    m_search->selectAll();
}

void ConfigurePage::jumpTo(const QString& key)
{
    m_search->clear();
    m_form->jumpTo(key.toStdString());
}

void ConfigurePage::refreshHeader()
{
    const auto tier = tierOf(m_session.config(), m_catalogue.tiers);
    const QString dirty = m_session.isDirty() ? QStringLiteral(" *") : QString();
    m_title->setText((tier ? QString::fromStdString(tier->title) : m_session.name())
        + (tier ? QString() : dirty));
    m_size->setVisible(tier.has_value() && !m_is_narrow);
    m_algorithm->setVisible(tier.has_value() && !m_is_narrow);
    if (tier) {
        m_size->setText(QString::fromStdString(tier->size));
        m_algorithm->setText(
            tr("%1 recommended").arg(QString::fromStdString(tier->algorithm).toUpper()));
        m_algorithm->setTone(PillTone::accent);
    }
    m_undo->setEnabled(m_session.undoStack().canUndo());
    m_undo->setToolTip(m_session.undoStack().canUndo()
            ? plainToolTip(tr("Undo: %1 (Ctrl+Z)").arg(m_session.undoStack().undoText()))
            : tr("Nothing to undo"));
    const int hidden_changes = m_form->changedAdvancedCount();
    m_advanced->setText(
        hidden_changes > 0 ? tr("All fields · %1 set").arg(hidden_changes) : tr("All fields"));
    m_advanced->setToolTip(tr("Also show the fields that most runs leave alone"));
}

void ConfigurePage::refreshPreview()
{
    const auto changes = m_session.changes();
    m_preview_card->setTitle(
        m_session.name() + (m_session.isDirty() ? QStringLiteral(" *") : QString()));
    m_preview_card->setSubtitle(changes.empty()
            ? tr("no changes")
            : countOf(changes.size(), QT_TR_NOOP("1 change"), QT_TR_NOOP("%1 changes")));
    m_preview->showDocument(m_session.document(), changes, m_session.diagnostics());
}

void ConfigurePage::refreshMemory()
{
    const TrainingConfig& config = m_session.config();
    const auto shape = shapeFor(config.model.model_name_or_path, m_catalogue);
    const auto tier = tierOf(config, m_catalogue.tiers);
    m_fit->setVisible(shape.has_value() && !m_is_narrow);
    if (!shape) {
        m_memory->showUnknown(tr("The sizes of %1 are not known: it is neither a tier nor a model "
                                 "folder on this machine.")
                                  .arg(QString::fromStdString(config.model.model_name_or_path)));
        return;
    }
    m_lengths->look(config);
    PlanBasis basis;
    basis.lengths = m_lengths->lengths();
    ShownPlan shown;
    shown.free_bytes = m_free_memory();
    shown.plan = planMemory(config, *shape, basis);
    shown.at_most = planMemory(config, *shape).peak();
    shown.published_gb = tier ? tier->memory_gb : 0;
    shown.proposals = proposalsFor(config, *shape, shown.free_bytes, basis);
    m_memory->showPlan(shown);
    m_fit->setText(shown.fits() ? tr("fits this machine") : tr("too large for this machine"));
    m_fit->setTone(shown.fits() ? PillTone::outline : PillTone::warning);
}

void ConfigurePage::makeItFit(const Fix& fix)
{
    m_fit_label = QString::fromStdString(fix.label);
    if (const auto done = m_session.apply(m_fit_label, fix.edits); !done)
        m_fit_label.clear();
    refreshApplied();
    refreshMemory();
}

/// The note about a change belongs to the newest undo step only.
void ConfigurePage::refreshApplied()
{
    const bool newest = !m_fit_label.isEmpty() && m_session.undoStack().undoText() == m_fit_label;
    m_memory->showApplied(newest ? m_fit_label : QString());
}

void ConfigurePage::refreshFindings()
{
    const std::size_t errors = m_session.count(Severity::error);
    const std::size_t warnings = m_session.count(Severity::warning);
    const std::size_t advice = m_session.count(Severity::advice);
    QStringList words{ countOf(errors, QT_TR_NOOP("1 error"), QT_TR_NOOP("%1 errors")) };
    if (warnings > 0)
        words += countOf(warnings, QT_TR_NOOP("1 warning"), QT_TR_NOOP("%1 warnings"));
    words += countOf(advice, QT_TR_NOOP("1 advice"), QT_TR_NOOP("%1 advice"));
    m_findings->setText(words.join(QStringLiteral(", ")));
    m_findings->setIcon(lineIcon(errors > 0 ? QStringLiteral("error")
            : warnings > 0                  ? QStringLiteral("warning")
                                            : QStringLiteral("check")));
    m_findings->setProperty("tone",
        errors > 0         ? QStringLiteral("error")
            : warnings > 0 ? QStringLiteral("warning")
                           : QString());
    m_findings->setEnabled(errors + warnings + advice > 0);
    setStripMessage(errors > 0 ? tr("Correct what is marked, then start.") : stepsAhead());
    const QString reason = m_run_active
        ? tr("A run is going on; stop it first.")
        : tr("Correct the marked fields first: %1.").arg(words.first());
    setEnabledOr(m_start, errors == 0 && !m_run_active, reason,
        tr("Check files and memory, then start (Ctrl+R)"));
}

QString ConfigurePage::stepsAhead() const
{
    const auto steps = totalSteps(m_session.config(), m_rows);
    if (!steps)
        return tr("No run yet.");
    return tr("No run yet. This one has %1 steps of %2 completions.")
        .arg(QLocale().toString(qlonglong(*steps)),
            QLocale().toString(qlonglong(completionsPerStep(m_session.config()))));
}

void ConfigurePage::showFindingsMenu()
{
    QMenu menu(this);
    menu.setObjectName(QStringLiteral("findingsMenu"));
    for (const Diagnostic& finding : m_session.diagnostics()) {
        const char* icon = finding.severity == Severity::error ? "error"
            : finding.severity == Severity::warning            ? "warning"
                                                               : "info";
        QString text = QString::fromStdString(finding.message);
        if (!finding.key.empty())
            text = QStringLiteral("%1: %2").arg(QString::fromStdString(finding.key), text);
        QAction* action = menu.addAction(lineIcon(QLatin1String(icon)),
            menu.fontMetrics()
                .elidedText(text, Qt::ElideRight, 560)
                .replace(QLatin1Char('&'), QStringLiteral("&&")));
        connect(action, &QAction::triggered, this, [this, finding] {
            if (finding.line > 0)
                m_preview->showLine(finding.line);
            if (!finding.key.empty())
                jumpTo(QString::fromStdString(finding.key));
        });
    }
    menu.exec(m_findings->mapToGlobal(QPoint(0, -menu.sizeHint().height())));
}

void ConfigurePage::start()
{
    if (!m_start->isEnabled())
        return;
    const Diagnostics problems = m_check(m_session.config());
    if (!reportProblems(problems))
        return;
    TrainerOptions options;
    options.config = m_session.config();
    options.config_yaml = m_session.document().text();
    if (onlyMemoryIsShort(problems)) { // and was insisted on
        YamlDocument insisted = m_session.document();
        if (setField(insisted, { "force_memory", "true" }))
            options.config_yaml = insisted.text();
        options.config.memory.force_memory = true;
    }
    Q_EMIT startRequested(options);
}

bool ConfigurePage::reportProblems(const Diagnostics& problems)
{
    if (std::ranges::none_of(problems,
            [](const Diagnostic& problem) { return problem.severity != Severity::advice; }))
        return true;
    ProblemsDialog dialog(problems, this);
    connect(&dialog, &ProblemsDialog::jumpRequested, this, &ConfigurePage::jumpTo);
    connect(&dialog, &ProblemsDialog::fixAccepted, this, [this](const Fix& fix) {
        static_cast<void>(m_session.apply(QString::fromStdString(fix.label), fix.edits));
    });
    return dialog.exec() == QDialog::Accepted;
}

} // namespace zen::ui
