#pragma once

#include <QByteArray>
#include <QCryptographicHash>
#include <QString>
#include <QStringList>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace zen::test {

struct HubRequest {
    std::string path; ///< with the query
    std::map<std::string, std::string> headers; ///< lower-case names
    std::optional<std::size_t> range_start;
};

struct HubReply {
    int status = 200;
    std::vector<std::string> headers; ///< "Name: value"
    std::string body;
    std::size_t stated_length = std::string::npos; ///< Content-Length; npos: the body's
    bool states_length = true;
    std::size_t cut_after = std::string::npos; ///< bytes of the body, then the connection is reset
    std::size_t stall_after = std::string::npos; ///< bytes of the body, then nothing more
    std::chrono::microseconds pause{ 0 }; ///< after each 16 KiB of the body
};

/// A plain-socket HTTP server on 127.0.0.1 with the hub's layout; each connection serves one
/// request on a thread of its own.
class HubServer {
public:
    using Respond = std::function<HubReply(const HubRequest&)>;

    explicit HubServer(Respond respond)
        : m_respond(std::move(respond))
    {
        m_listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        if (::bind(m_listener, reinterpret_cast<sockaddr*>(&address), length) != 0
            || ::listen(m_listener, 64) != 0
            || ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
            qFatal("no local server");
        m_port = ntohs(address.sin_port);
        m_accepting = std::jthread([this](const std::stop_token& stop) { accept(stop); });
    }
    ~HubServer()
    {
        m_closing.store(true);
        m_accepting.request_stop();
        m_accepting.join();
        m_connections.clear();
        ::close(m_listener);
    }
    HubServer(const HubServer&) = delete;
    HubServer& operator=(const HubServer&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(m_port); }

    std::vector<HubRequest> requests() const
    {
        const std::scoped_lock lock(m_mutex);
        return m_requests;
    }
    std::size_t requestsFor(const std::string& part) const
    {
        const auto all = requests();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&part](const HubRequest& request) {
                return request.path.find(part) != std::string::npos;
            }));
    }
    std::size_t bodyBytesSent() const { return m_sent.load(); }

private:
    void accept(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            pollfd waiting{ m_listener, POLLIN, 0 };
            if (::poll(&waiting, 1, 20) <= 0)
                continue;
            const int connection = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection >= 0)
                m_connections.emplace_back([this, connection] { serve(connection); });
        }
    }

    static std::optional<HubRequest> read(int connection)
    {
        std::string text;
        char piece[4096];
        while (text.find("\r\n\r\n") == std::string::npos) {
            const ssize_t got = ::recv(connection, piece, sizeof piece, 0);
            if (got <= 0)
                return std::nullopt;
            text.append(piece, static_cast<std::size_t>(got));
        }
        HubRequest request;
        const auto lines = QString::fromStdString(text).split(QStringLiteral("\r\n"));
        request.path = lines[0].section(QLatin1Char(' '), 1, 1).toStdString();
        for (int i = 1; i < lines.size() && !lines[i].isEmpty(); ++i)
            request.headers[lines[i].section(QLatin1Char(':'), 0, 0).toLower().toStdString()]
                = lines[i].section(QLatin1Char(':'), 1).trimmed().toStdString();
        if (const auto range = request.headers.find("range"); range != request.headers.end())
            request.range_start = std::stoull(range->second.substr(6));
        return request;
    }

    void serve(int connection)
    {
        if (const auto request = read(connection)) {
            {
                const std::scoped_lock lock(m_mutex);
                m_requests.push_back(*request);
            }
            send(connection, m_respond(*request));
        }
        ::close(connection);
    }

    void send(int connection, const HubReply& reply)
    {
        std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\n";
        if (reply.states_length)
            head += "Content-Length: "
                + std::to_string(reply.stated_length == std::string::npos ? reply.body.size()
                                                                          : reply.stated_length)
                + "\r\n";
        for (const std::string& header : reply.headers)
            head += header + "\r\n";
        head += "Connection: close\r\n\r\n";
        ::send(connection, head.data(), head.size(), MSG_NOSIGNAL);
        for (std::size_t at = 0; at < reply.body.size() && !m_closing.load();) {
            std::size_t size = std::min<std::size_t>(16 * 1024, reply.body.size() - at);
            size = std::min({ size, reply.cut_after - std::min(at, reply.cut_after),
                reply.stall_after - std::min(at, reply.stall_after) });
            if (size == 0)
                break;
            const ssize_t sent = ::send(connection, reply.body.data() + at, size, MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            at += static_cast<std::size_t>(sent);
            m_sent += static_cast<std::size_t>(sent);
            if (reply.pause.count() > 0)
                std::this_thread::sleep_for(reply.pause);
        }
        if (reply.stall_after < reply.body.size())
            while (!m_closing.load()) {
                char byte = 0;
                pollfd waiting{ connection, POLLIN, 0 };
                if (::poll(&waiting, 1, 20) > 0 && ::recv(connection, &byte, 1, 0) <= 0)
                    return;
            }
        if (reply.cut_after < reply.body.size()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50)); // what was sent arrives
            const linger reset{ 1, 0 };
            ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
    }

    Respond m_respond;
    int m_listener = -1;
    std::uint16_t m_port = 0;
    std::atomic<bool> m_closing{ false };
    std::atomic<std::size_t> m_sent{ 0 };
    mutable std::mutex m_mutex;
    std::vector<HubRequest> m_requests;
    std::list<std::jthread> m_connections;
    std::jthread m_accepting;
};

/// A repository's files, and the replies that a hub gives for them.
struct HubRepository {
    std::string id = "Some/Model-1B";
    std::string commit = "0123456789abcdef0123456789abcdef01234567";
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> listed_ids; ///< instead of the true hash

    static bool isLarge(const std::string& name) { return name.ends_with(".safetensors"); }

    /// SHA-256 of a large file, git's name of a small one; computed by Qt.
    static std::string idOf(const std::string& name, const std::string& bytes)
    {
        QCryptographicHash hash(
            isLarge(name) ? QCryptographicHash::Sha256 : QCryptographicHash::Sha1);
        if (!isLarge(name))
            hash.addData(QByteArray("blob ") + QByteArray::number(qulonglong(bytes.size()))
                + QByteArray(1, '\0'));
        hash.addData(QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size())));
        return hash.result().toHex().toStdString();
    }

    std::string listing() const
    {
        std::string text;
        for (const auto& [name, bytes] : files) {
            const auto given = listed_ids.find(name);
            const std::string hash = given == listed_ids.end() ? idOf(name, bytes) : given->second;
            const std::string size = std::to_string(bytes.size());
            text
                += (text.empty() ? "" : ",") + ("{\"rfilename\":\"" + name + "\",\"size\":" + size);
            text += isLarge(name)
                ? ",\"blobId\":\"" + std::string(40, 'a') + "\",\"lfs\":{\"sha256\":\"" + hash
                    + "\",\"size\":" + size + ",\"pointerSize\":134}}"
                : ",\"blobId\":\"" + hash + "\"}";
        }
        return "{\"id\":\"" + id + "\",\"sha\":\"" + commit + "\",\"siblings\":[" + text + "]}";
    }

    HubReply answer(const HubRequest& request) const
    {
        HubReply reply;
        const std::string prefix = "/" + id + "/resolve/" + commit + "/";
        if (request.path.starts_with("/api/models/" + id + "/revision/")) {
            reply.body = listing();
        } else if (request.path.starts_with(prefix)
            && files.count(request.path.substr(prefix.size())) == 1) {
            reply = partOf(files.at(request.path.substr(prefix.size())), request);
        } else {
            reply.status = 404;
            reply.headers = { "X-Error-Message: Entry not found" };
        }
        return reply;
    }

    static HubReply partOf(const std::string& bytes, const HubRequest& request)
    {
        HubReply reply;
        reply.body = bytes;
        if (!request.range_start)
            return reply;
        if (*request.range_start >= bytes.size()) {
            reply.status = 416;
            reply.body.clear();
            return reply;
        }
        reply.status = 206;
        reply.body = bytes.substr(*request.range_start);
        reply.headers = { "Content-Range: bytes " + std::to_string(*request.range_start) + "-"
            + std::to_string(bytes.size() - 1) + "/" + std::to_string(bytes.size()) };
        return reply;
    }
};

/// Bytes that look random and are always the same.
inline std::string noise(std::size_t size, std::uint32_t seed)
{
    std::string bytes(size, '\0');
    for (char& byte : bytes) {
        seed = seed * 1664525U + 1013904223U;
        byte = static_cast<char>(seed >> 24U);
    }
    return bytes;
}

/// A repository with two shards, the files a training needs, and some that it does not.
inline HubRepository smallRepository(std::size_t shard_bytes = 300'000)
{
    HubRepository repository;
    repository.files = {
        { "config.json", "{\"model_type\": \"qwen3\"}\n" },
        { "generation_config.json", "{}\n" },
        { "tokenizer.json", noise(20'000, 3) },
        { "tokenizer_config.json", "{\"a\": 1}" },
        { "model-00001-of-00002.safetensors", noise(shard_bytes, 1) },
        { "model-00002-of-00002.safetensors", noise(shard_bytes / 2 + 7, 2) },
        { "model.safetensors.index.json", "{\"weight_map\": {}}" },
        { "README.md", "# A model" },
        { "pytorch_model.bin", noise(1000, 4) },
        { "onnx/model.safetensors", noise(1000, 5) },
    };
    return repository;
}

} // namespace zen::test
