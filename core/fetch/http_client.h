#pragma once

#include "core/base/result.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace zen {

/// What a client needs to know of the servers it talks to.
struct HttpOptions {
    std::string endpoint; ///< the token goes to this scheme, host and port only
    std::string token; ///< empty: none
    std::filesystem::path ca_file; ///< empty: the system's certificates
    std::chrono::seconds connect_limit{ 30 };
    std::chrono::seconds stall_limit{ 30 }; ///< no byte for this long: the connection is given up
};

/// The head of a reply, after redirects.
struct HttpHead {
    int status = 0;
    std::string host; ///< that answered
    std::optional<std::uint64_t> content_length;
    std::optional<std::uint64_t> range_start; ///< of a part (206)
    std::optional<std::uint64_t> whole_size; ///< that a part belongs to
    std::optional<int> retry_after; ///< seconds
    std::string reason; ///< X-Error-Message, if the server sent one; printable
};

/// What becomes of a successful reply (2xx). An Error ends the transfer.
struct HttpBody {
    std::function<Result<void>(const HttpHead&)> begin; ///< once, before the first byte
    std::function<Result<void>(std::string_view)> bytes;
};

enum class HttpEnd {
    complete, ///< 2xx, and as many bytes as it promised
    refused, ///< another status
    broken, ///< the connection ended early, stalled or was reset: worth another try
    unreachable, ///< no such host, or nobody listens
    failed, ///< will not work next time either: certificates, a bad address, the body's own Error
    stopped, ///< by the stop token
};

struct HttpOutcome {
    HttpEnd end = HttpEnd::failed;
    HttpHead head;
    std::string message; ///< what happened, unless complete or stopped
};

/// Gets files over HTTP and HTTPS (libcurl), one at a time, over a connection that it keeps.
/// Certificates are verified. Redirects are followed, ten at most, never from https to http, and
/// the token goes to the endpoint alone. Proxies are taken from the environment as curl does.
class HttpClient {
public:
    explicit HttpClient(HttpOptions options);
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    ~HttpClient();

    /// Waits until the reply has been handed to `body`. From `range_start` on if that is not 0; a
    /// server may ignore it (200 instead of 206).
    HttpOutcome get(const std::string& url, std::uint64_t range_start, const HttpBody& body,
        const std::stop_token& stop);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace zen
