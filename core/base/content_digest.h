#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace zen {

/// The digest of a file that arrives in pieces.
class ContentDigest {
public:
    /// SHA-256 of the bytes.
    static ContentDigest sha256();
    /// What git calls a file of this size: SHA-1 of "blob <size>", a zero byte and the bytes.
    static ContentDigest gitBlob(std::uint64_t size);

    ContentDigest(ContentDigest&&) noexcept;
    ContentDigest& operator=(ContentDigest&&) noexcept;
    ~ContentDigest();

    void add(std::string_view bytes);

    /// Lower-case hexadecimal digits; nothing can be added afterwards.
    std::string hex();

private:
    struct Context;
    explicit ContentDigest(std::unique_ptr<Context> context);
    std::unique_ptr<Context> m_context;
};

} // namespace zen
