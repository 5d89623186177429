#pragma once

#include "core/config/read_config.h"

#include <QString>

#include <optional>

namespace zen::ui {

/// One argument for a POSIX shell: quoted only where it has to be.
QString shellQuoted(const QString& argument);

/// A command over several lines of at most `columns` characters, continued with ` \` as a shell
/// reads it; an option stays beside its value. As it is if it has several lines already.
QString foldedCommand(const QString& command, qsizetype columns = 58);

/// `--key value`, one a line (joined by ` \` and a line break), for every field in which `config`
/// differs from `base`, as typed in a shell; nullopt where a difference cannot be given on a
/// command line (rewards). Reading `base` with these arguments gives `config` again.
std::optional<QString> argumentsFor(const TrainingConfig& config, const TrainingConfig& base);

} // namespace zen::ui
