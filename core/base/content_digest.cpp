#include "core/base/content_digest.h"

#include <openssl/evp.h>

#include <array>

namespace zen {

struct ContentDigest::Context {
    explicit Context(const EVP_MD* kind) { EVP_DigestInit_ex(evp.get(), kind, nullptr); }
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp{ EVP_MD_CTX_new(),
        &EVP_MD_CTX_free };
};

ContentDigest::ContentDigest(std::unique_ptr<Context> context)
    : m_context(std::move(context))
{
}

ContentDigest::ContentDigest(ContentDigest&&) noexcept = default;
ContentDigest& ContentDigest::operator=(ContentDigest&&) noexcept = default;
ContentDigest::~ContentDigest() = default;

ContentDigest ContentDigest::sha256()
{
    return ContentDigest(std::make_unique<Context>(EVP_sha256()));
}

ContentDigest ContentDigest::gitBlob(std::uint64_t size)
{
    ContentDigest digest(std::make_unique<Context>(EVP_sha1()));
    const std::string header = "blob " + std::to_string(size);
    digest.add(std::string_view(header.c_str(), header.size() + 1));
    return digest;
}

void ContentDigest::add(std::string_view bytes)
{
    EVP_DigestUpdate(m_context->evp.get(), bytes.data(), bytes.size());
}

std::string ContentDigest::hex()
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(m_context->evp.get(), raw.data(), &size);
    static constexpr std::string_view kHexDigits = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
        text += kHexDigits[raw[i] >> 4U];
        text += kHexDigits[raw[i] & 15U];
    }
    return text;
}

} // namespace zen
