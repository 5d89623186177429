#include "app/gym/unpacked_model.h"

#include "core/train/export_weights.h"

#include <unistd.h>

#include <utility>

namespace zen::gym {

Result<UnpackedModel> UnpackedModel::open(const std::string& model)
{
    UnpackedModel unpacked;
    unpacked.m_name = model;
    std::error_code error;
    if (!model.ends_with(".gguf") || !std::filesystem::is_regular_file(model, error))
        return unpacked;
    std::string folder = (std::filesystem::temp_directory_path(error) / "gym-gguf-XXXXXX").string();
    if (error || ::mkdtemp(folder.data()) == nullptr)
        return fail("cannot make a temporary folder to unpack " + model + ": set TMPDIR");
    unpacked.m_folder = folder;
    WeightExportOptions options;
    options.source = model;
    options.output = unpacked.m_folder / "model";
    const auto written = exportWeights(options);
    if (!written)
        return tl::unexpected(written.error());
    unpacked.m_name = options.output.string();
    return unpacked;
}

UnpackedModel::UnpackedModel(UnpackedModel&& other) noexcept
    : m_name(std::move(other.m_name))
    , m_folder(std::exchange(other.m_folder, {}))
{
}

UnpackedModel& UnpackedModel::operator=(UnpackedModel&& other) noexcept
{
    std::swap(m_name, other.m_name);
    std::swap(m_folder, other.m_folder);
    return *this;
}

UnpackedModel::~UnpackedModel()
{
    std::error_code ignored;
    if (!m_folder.empty())
        std::filesystem::remove_all(m_folder, ignored);
}

} // namespace zen::gym
