// Errors as values of one type: what went wrong, and which Python exception says so.
#pragma once
#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace tt {

enum class ErrorKind { Runtime, Index, Type, Value, NotImplemented, Memory, Overflow };

struct Error : std::exception {
  ErrorKind kind;
  std::string message;
  Error(ErrorKind kind, std::string message) : kind(kind), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  stream << std::boolalpha;
  (stream << ... << parts);
  return stream.str();
}

template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, text(parts...));
}

// check(condition, "op: what is wrong, got ", value, ...): the message is only built when it fails.
template <class... Parts>
inline void check(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(ErrorKind::Runtime, parts...);
}
template <class... Parts>
inline void check_index(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(ErrorKind::Index, parts...);
}
template <class... Parts>
inline void check_type(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(ErrorKind::Type, parts...);
}
template <class... Parts>
inline void check_value(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(ErrorKind::Value, parts...);
}

}  // namespace tt
