#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <memory>
#include <string>

namespace zen::gym {

/// A model as a command line names it. A .gguf file is unpacked into a temporary folder, which is
/// removed with this object, and before SIGINT, SIGTERM or SIGHUP end the program while it lives.
/// What a program left that was killed otherwise is removed by the next call of open().
class UnpackedModel {
public:
    /// Anything but a .gguf file is taken as it is. Does not return if a signal came while the file
    /// was unpacked: the program ends by it, and leaves nothing. Errors: not a Qwen3 GGUF file, no
    /// space.
    static Result<UnpackedModel> open(const std::string& model);
    UnpackedModel(UnpackedModel&& other) noexcept;
    UnpackedModel& operator=(UnpackedModel&& other) noexcept;
    ~UnpackedModel();

    const std::string& name() const { return m_name; } ///< for the engine: name or folder

private:
    class Folder;
    UnpackedModel();
    std::string m_name;
    std::unique_ptr<Folder> m_folder; ///< null: nothing was unpacked
};

} // namespace zen::gym
