#pragma once

#include <tl/expected.hpp>

#include <string>

namespace zen {

/// What went wrong, where, and what to do about it, in one readable sentence or two.
struct Error {
    std::string message;
};

/// A value or an Error; spelled like std::expected (C++23), so that it can become an alias of it.
template <class T> using Result = tl::expected<T, Error>;

/// The failing half of a Result: `return fail("config.json: hidden_size is missing");`
inline tl::unexpected<Error> fail(std::string message)
{
    return tl::unexpected<Error>(Error{ std::move(message) });
}

} // namespace zen
