#include "core/parallel.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/error.h"

namespace tt {
namespace {

constexpr int max_threads = 256;      // that take part in one call, whatever set_num_threads says
constexpr int ranges_per_thread = 4;  // so that others can do part of the share of one that starts late
constexpr int64_t spin_nanoseconds = 100'000;  // the pause between two ops of a model; waking up takes 20'000

// --- how many threads ---

// Processors' worth of time that one cgroup directory allows; 0 when it sets no limit.
int cgroup_quota(const std::string& directory) {
  std::string quota;
  double period = 0;
  if (std::ifstream file(directory + "/cpu.max"); file >> quota >> period) {  // version 2: "max 100000"
    double limit = std::atof(quota.c_str());
    return limit > 0 && period > 0 ? std::max(1, int(limit / period + 0.999)) : 0;
  }
  double limit = 0;
  if (std::ifstream(directory + "/cpu.cfs_quota_us") >> limit && limit > 0)  // version 1
    if (std::ifstream(directory + "/cpu.cfs_period_us") >> period && period > 0)
      return std::max(1, int(limit / period + 0.999));
  return 0;
}

// A limit may stand in any directory above the process's own.
int smallest_quota(const std::string& mount, std::string path) {
  int smallest = max_threads;
  for (;;) {
    if (int quota = cgroup_quota(mount + path)) smallest = std::min(smallest, quota);
    size_t slash = path.rfind('/');
    if (slash == std::string::npos) return smallest;
    path.resize(slash);
  }
}

int quota_of_process() {
  int smallest = std::min(smallest_quota("/sys/fs/cgroup", ""), smallest_quota("/sys/fs/cgroup/cpu", ""));
  std::ifstream file("/proc/self/cgroup");  // lines of "id:controllers:/path"
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) smallest = std::min(smallest, smallest_quota("/sys/fs/cgroup", path));
    if (controllers == "cpu" || controllers == "cpu,cpuacct")
      smallest = std::min(smallest, smallest_quota("/sys/fs/cgroup/cpu", path));
  }
  return smallest;
}

int processors() {
  int count = int(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t mask;
  if (!sched_getaffinity(0, sizeof mask, &mask)) count = CPU_COUNT(&mask);
#endif
  return std::max(1, std::min(count, quota_of_process()));
}

int threads_from_environment() {
  for (const char* name : {"TINYTENSOR_NUM_THREADS", "OMP_NUM_THREADS"})
    if (const char* value = std::getenv(name))
      if (int count = std::atoi(value); count > 0) return count;  // OMP_NUM_THREADS may be a list: "4,2"
  return 0;
}

// Plain atomics and no function-local statics here: a fork must not copy a lock that is held.
constinit std::atomic<int> processor_count{0};
constinit std::atomic<int> thread_count{0};
constinit InterpreterLock interpreter_lock{nullptr, nullptr};
constinit thread_local bool inside = false;

int available_processors() {
  int count = processor_count.load(std::memory_order_relaxed);
  if (count) return count;
  processor_count.store(count = processors(), std::memory_order_relaxed);
  return count;
}

// --- waiting ---

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// -1 where the system does not tell.
inline int current_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Spins for a while, as long as `done` is false; whether it became true.
template <class Condition>
bool spin_until(Condition&& done) {
  if (done()) return true;
  if (num_threads() > available_processors()) return false;  // whom we wait for may need this processor
  auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(spin_nanoseconds);
  do {
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      relax();
    }
    std::this_thread::yield();  // on a busy machine the one we wait for may want this very processor
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

// --- the pool ---

struct Job {
  RangeBody body = nullptr;
  void* context = nullptr;
  int64_t range = 0;  // elements handed out at a time, a multiple of the grain
  int threads = 0;
  std::atomic<bool> failed{false};
  std::exception_ptr error;
};

// Thread i first works through share i, so that it finds in its cache what it wrote in the previous call,
// then helps the others with theirs.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};
struct alignas(64) Bell {
  std::atomic<uint32_t> rung{0};
};

class Pool {
 public:
  bool try_acquire() { return !busy_.exchange(true, std::memory_order_acquire); }
  void run(int64_t begin, int64_t end, int64_t grain, RangeBody body, void* context);

 private:
  // A worker joins by counting itself in `state_` while the job is open. The caller closes it when nothing is
  // left to hand out and waits only for those who joined: a worker that is slow to wake up delays nobody.
  static constexpr uint32_t open = 1u << 31, thread_shift = 12, count_mask = (1u << thread_shift) - 1;

  void start_workers(int threads);
  void work(int id);
  bool join(int id);
  void leave();
  void wait_for_workers();
  void take_ranges(int id);

  bool shares_processor() const {
    int caller = caller_processor_.load(std::memory_order_relaxed);
    return caller >= 0 && caller == current_processor();
  }

  std::atomic<bool> busy_{false};
  std::atomic<int> caller_processor_{-1};
  int workers_ = 0;
  Job job_;
  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<uint32_t> left_{0};
  Share shares_[max_threads];
  Bell bells_[max_threads];
};

void Pool::start_workers(int threads) {
  sigset_t all, before;  // signals are the interpreter's, not ours
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (; workers_ < threads - 1; workers_++) std::thread([this, id = workers_ + 1] { work(id); }).detach();
  } catch (const std::system_error&) {
    // The system gives no more threads: those that are there share the work.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Pool::work(int id) {
  std::fesetenv(FE_DFL_ENV);  // a thread inherits its creator's rounding and flush-to-zero
  inside = true;
  std::atomic<uint32_t>& rung = bells_[id].rung;
  for (uint32_t seen = 0;;) {
    // A worker that landed on the caller's processor sleeps at once: the system then wakes it on a free one.
    if (shares_processor() || !spin_until([&] { return rung.load(std::memory_order_relaxed) != seen; }))
      rung.wait(seen);
    seen = rung.load(std::memory_order_acquire);
    if (!join(id)) continue;
    take_ranges(id);
    leave();
  }
}

bool Pool::join(int id) {
  uint32_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    uint32_t threads = (state & ~open) >> thread_shift;
    if (!(state & open) || uint32_t(id) >= threads) return false;
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) return true;
  }
}

void Pool::leave() {
  uint32_t before = state_.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & open) || (before & count_mask) != 1) return;
  left_.fetch_add(1);
  left_.notify_one();
}

void Pool::wait_for_workers() {
  auto all_left = [&] { return !(state_.load(std::memory_order_acquire) & count_mask); };
  if (spin_until(all_left)) return;
  for (;;) {
    uint32_t before = left_.load();
    if (all_left()) return;
    left_.wait(before);
  }
}

void Pool::take_ranges(int id) {
  try {
    for (int i = 0; i < job_.threads; i++) {
      int owner = id + i < job_.threads ? id + i : id + i - job_.threads;
      Share& share = shares_[owner];
      while (!job_.failed.load(std::memory_order_relaxed)) {
        if (share.next.load(std::memory_order_relaxed) >= share.end) break;
        int64_t first = share.next.fetch_add(job_.range, std::memory_order_relaxed);
        if (first >= share.end) break;
        job_.body(job_.context, first, std::min(first + job_.range, share.end));
      }
    }
  } catch (...) {
    if (!job_.failed.exchange(true)) job_.error = std::current_exception();
  }
}

void Pool::run(int64_t begin, int64_t end, int64_t grain, RangeBody body, void* context) {
  int64_t pieces = (end - begin - 1) / grain + 1;
  start_workers(int(std::min<int64_t>({num_threads(), max_threads, pieces})));
  int threads = int(std::min<int64_t>({num_threads(), workers_ + 1, pieces}));

  int64_t range = std::max<int64_t>(1, pieces / (int64_t(threads) * ranges_per_thread)) * grain;
  job_.body = body;
  job_.context = context;
  job_.range = range;
  job_.threads = threads;
  for (int64_t i = 0, first = 0; i < threads; i++) {
    int64_t last = first + pieces / threads + (i < pieces % threads);
    shares_[i].next.store(begin + first * grain, std::memory_order_relaxed);
    shares_[i].end = i == threads - 1 ? end : begin + last * grain;
    first = last;
  }
  caller_processor_.store(current_processor(), std::memory_order_relaxed);
  state_.store(open | uint32_t(threads) << thread_shift, std::memory_order_release);
  for (int i = 1; i < threads; i++) {
    bells_[i].rung.fetch_add(1);
    bells_[i].rung.notify_one();
  }
  inside = true;
  take_ranges(0);
  inside = false;
  state_.fetch_and(~open, std::memory_order_acq_rel);
  wait_for_workers();

  std::exception_ptr error = std::exchange(job_.error, nullptr);
  job_.failed.store(false, std::memory_order_relaxed);
  busy_.store(false, std::memory_order_release);
  if (error) std::rethrow_exception(error);
}

// Never freed: at the end of the process workers may still be about to sleep on it. A forked child has none
// of its parent's workers and forgets the pool.
constinit std::atomic<Pool*> current_pool{nullptr};

Pool& pool() {
  Pool* existing = current_pool.load(std::memory_order_acquire);
  if (existing) return *existing;
  Pool* created = new Pool;
  if (current_pool.compare_exchange_strong(existing, created, std::memory_order_acq_rel)) return *created;
  delete created;
  return *existing;
}

[[maybe_unused]] const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { current_pool.store(nullptr, std::memory_order_relaxed); });

class WithoutInterpreterLock {
 public:
  WithoutInterpreterLock() : state_(interpreter_lock.release ? interpreter_lock.release() : nullptr) {}
  ~WithoutInterpreterLock() {
    if (state_) interpreter_lock.acquire(state_);
  }
  WithoutInterpreterLock(const WithoutInterpreterLock&) = delete;
  WithoutInterpreterLock& operator=(const WithoutInterpreterLock&) = delete;

 private:
  void* state_;
};

}  // namespace

int num_threads() {
  int count = thread_count.load(std::memory_order_relaxed);
  if (count) return count;
  count = threads_from_environment();
  if (!count) count = available_processors();
  int unset = 0;
  return thread_count.compare_exchange_strong(unset, count, std::memory_order_relaxed) ? count : unset;
}

void set_num_threads(int count) {
  check(count > 0, "set_num_threads: expected a positive number of threads, got ", count);
  thread_count.store(count, std::memory_order_relaxed);
}

bool in_parallel_region() { return inside; }

void set_interpreter_lock(InterpreterLock lock) { interpreter_lock = lock; }

void run_parallel(int64_t begin, int64_t end, int64_t grain, RangeBody body, void* context) {
  if (begin >= end) return;
  if (inside) return body(context, begin, end);
  WithoutInterpreterLock unlocked;
  grain = std::max<int64_t>(1, grain);
  if (num_threads() == 1 || end - begin <= grain) return body(context, begin, end);
  Pool& workers = pool();
  if (!workers.try_acquire()) return body(context, begin, end);
  workers.run(begin, end, grain, body, context);
}

}  // namespace tt
