#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <string>

namespace zen::gym {

/// A model as a command line names it. A .gguf file is unpacked into a temporary folder, which is
/// removed with this object (or by the system, should the program be killed).
class UnpackedModel {
public:
    /// Anything but a .gguf file is taken as it is. Errors: not a Qwen3 GGUF file, no space.
    static Result<UnpackedModel> open(const std::string& model);
    UnpackedModel(UnpackedModel&& other) noexcept;
    UnpackedModel& operator=(UnpackedModel&& other) noexcept;
    ~UnpackedModel();

    const std::string& name() const { return m_name; } ///< for the engine: name or folder

private:
    UnpackedModel() = default;
    std::string m_name;
    std::filesystem::path m_folder; ///< empty: nothing was unpacked
};

} // namespace zen::gym
