#pragma once

#include "core/data/dataset.h"

#include <QTemporaryDir>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace zen::test {

/// A folder of data files that lives as long as the test.
class DataFolder {
public:
    std::filesystem::path path() const { return m_folder.path().toStdString(); }

    std::filesystem::path write(const std::string& name, std::string_view bytes) const
    {
        const std::filesystem::path file = path() / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
        return file;
    }

    DataSection section(const std::vector<std::string>& names) const
    {
        DataSection options;
        options.dataset = names;
        options.dataset_dir = path().string();
        return options;
    }

    /// The rows of one file with this content.
    Result<Dataset> load(
        const std::string& name, std::string_view bytes, DataSection options = {}) const
    {
        options.dataset_dir = path().string();
        return loadDatasetFile(write(name, bytes), options);
    }

private:
    QTemporaryDir m_folder;
};

inline Message said(std::string role, std::string content)
{
    return { std::move(role), std::move(content), std::nullopt, {} };
}

} // namespace zen::test
