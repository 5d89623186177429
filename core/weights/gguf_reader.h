#pragma once

#include "core/base/result.h"
#include "core/weights/gguf.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zen {

/// A GGUF file (versions 2 and 3), fully validated on opening: counts, lengths, types, alignment,
/// and that every tensor lies inside the file and over no other. Tensors of other formats than
/// NumberFormat's are refused by name. Reads by pread.
class GgufFile {
public:
    static Result<GgufFile> open(const std::filesystem::path& path);

    const GgufMetadata& metadata() const;
    const std::vector<GgufTensor>& tensors() const; ///< in the order of the file
    const GgufTensor* tensor(std::string_view name) const;
    const std::filesystem::path& path() const;

    const GgufValue* find(std::string_view key) const;
    /// A whole number of any width, a text, a list; empty if absent or of another kind.
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;
    std::optional<std::string> text(std::string_view key) const;
    template <class T> const std::vector<T>* list(std::string_view key) const
    {
        const GgufValue* value = find(key);
        const auto* array = value == nullptr ? nullptr : std::get_if<GgufArray>(value);
        return array == nullptr ? nullptr : std::get_if<std::vector<T>>(array);
    }

    /// Fills `values` with numbers of the tensor from `first` on; both counts are multiples of its
    /// block. Errors: I/O, the file changed since opening.
    Result<void> read(const GgufTensor& tensor, std::uint64_t first, std::span<float> values) const;

private:
    struct State;
    std::shared_ptr<const State> m_state;
};

} // namespace zen
