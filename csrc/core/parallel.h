// One thread pool, one primitive. Work below the grain runs inline: a small tensor never pays for waking a
// thread.
#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tt {

// At start the number of processors that the affinity mask and the cgroup quota leave to this process, or
// what TINYTENSOR_NUM_THREADS or else OMP_NUM_THREADS says.
int num_threads();
void set_num_threads(int count);  // more than there are processors is allowed, less than 1 is an error
bool in_parallel_region();

// Set by the bindings, so that long work runs without the interpreter lock; null outside Python. `release`
// returns null when the calling thread does not hold the lock; `acquire` gets back what it returned
// otherwise.
struct InterpreterLock {
  void* (*release)();
  void (*acquire)(void* state);
};
void set_interpreter_lock(InterpreterLock lock);

using RangeBody = void (*)(void* context, int64_t begin, int64_t end);
void run_parallel(int64_t begin, int64_t end, int64_t grain, RangeBody body, void* context);

// Calls body(first, last) on disjoint ranges that cover [begin, end). Ranges are cut at multiples of the
// grain counted from begin, but one range may hold many of them, and how many depends on the number of
// threads: a body whose result depends on the cut (a partial sum) must itself go through its range grain by
// grain. An exception thrown by the body reaches the caller; ranges not yet started are then skipped. Nested
// calls run inline, and so do calls made while another thread uses the pool.
template <class Body>
void parallel_for(int64_t begin, int64_t end, int64_t grain, Body&& body) {
  if (begin >= end) return;
  if (end - begin <= grain) return body(begin, end);
  auto trampoline = [](void* context, int64_t first, int64_t last) {
    (*static_cast<std::remove_reference_t<Body>*>(context))(first, last);
  };
  run_parallel(begin, end, grain, trampoline, &body);
}

}  // namespace tt
