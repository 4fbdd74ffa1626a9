// What the profiler notes of an op that Python calls.
#pragma once
#include "bindings/python.h"
#include "core/profile.h"

namespace tt {

// PyTorch's name of an op ("aten::add"), or null where PyTorch tells its profiler nothing (x.dim()).
const char* event_name(const std::string& op);

class OpEvent {
 public:
  OpEvent(const char* name, PyObject* const* arguments, size_t count);  // a null name: no event
  ~OpEvent();
  OpEvent(const OpEvent&) = delete;
  void note_result(PyObject* result);

 private:
  bool named_;
  OpenEvent event_;
  EventDetails details_;
};

// A slot of a type, or any other C function: name(arguments...) is the event's name.
template <auto name, auto function>
struct Watched;

template <auto name, class R, class... A, R (*function)(A...)>
struct Watched<name, function> {
  static R call(A... arguments) {
    if (profiling()) [[unlikely]]
      return recorded(arguments...);
    return function(arguments...);
  }

 private:
  static PyObject* object(PyObject* argument) { return argument; }
  static PyObject* object(int) { return Py_None; }

  [[gnu::noinline, gnu::cold]] static R recorded(A... arguments) {
    PyObject* objects[] = {object(arguments)...};
    OpEvent event(name(arguments...), objects, (size_t(std::is_same_v<A, PyObject*>) + ...));
    R result = function(arguments...);
    if constexpr (std::is_same_v<R, PyObject*>) event.note_result(result);
    return result;
  }
};
template <auto name, auto function>
constexpr auto watched = Watched<name, function>::call;

template <size_t N>
struct Literal {
  char text[N];
  consteval Literal(const char (&literal)[N]) { std::copy(literal, literal + N, text); }
};
template <Literal literal>
constexpr auto called = [](auto...) { return literal.text; };

}  // namespace tt
