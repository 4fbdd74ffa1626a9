// Threads, memory and the interpreter lock.
#include "bindings/pybind.h"
#include "core/allocator.h"
#include "core/parallel.h"
#include "kernels/select.h"

namespace tt {
namespace {

// Long work runs without the interpreter lock; a thread that does not hold it has nothing to give.
void* release_lock() { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; }
void take_lock(void* state) { PyEval_RestoreThread(static_cast<PyThreadState*>(state)); }

py::dict stats() {
  MemoryStats s = memory_stats();
  py::dict dict;
  dict["in_use"] = s.in_use;
  dict["peak_in_use"] = s.peak_in_use;
  dict["cached"] = s.cached;
  dict["allocations"] = s.allocations;
  return dict;
}

}  // namespace

void define_runtime(py::module_& module) {
  set_interpreter_lock({release_lock, take_lock});
  module.def(
      "set_num_threads",
      [](int64_t count) {
        check(count > 0, "set_num_threads: expects a positive integer, got ", count);
        set_num_threads(int(std::min<int64_t>(count, 4096)));
      },
      py::arg("num_threads"), "How many threads one operation may use.");
  module.def("get_num_threads", num_threads, "How many threads one operation may use.");
  module.def("memory_stats", stats,
             "Bytes of CPU memory: in_use, peak_in_use, cached, and allocations made so far.");
  module.def("reset_peak_memory_stats", reset_peak_memory_stats, "Counts peak_in_use anew from now.");
  module.def("empty_cache", empty_cache, "Gives cached CPU memory back to the system.");
  module.def("instruction_set", [] { return isa_name(active_isa()); }, "The build of the kernels in use.");
  module.def(
      "instruction_sets",
      [] {
        py::list names;
        for (int i = 0; i < int(Isa::count); i++)
          if (isa_available(Isa(i))) names.append(isa_name(Isa(i)));
        return names;
      },
      "The builds of the kernels that this processor can run.");
}

}  // namespace tt
