#include "core/profile.h"

#include <pthread.h>

#include <chrono>
#include <mutex>

#include "core/error.h"

#ifdef __linux__
#include <unistd.h>
#endif

namespace tt {

std::atomic<bool> profiling_flag{false}, profiling_memory_flag{false};

// What a thread writes to. Recorders are never freed: a thread that has ended leaves its own to another.
struct Recorder {
  std::mutex mutex;
  uint64_t session = 0;  // that the events belong to
  bool in_use = true;
  int32_t current = -1;  // the innermost open event
  EventList list;
};

namespace {

struct Profiler {
  std::mutex mutex;
  std::vector<Recorder*> recorders;
  std::atomic<uint64_t> session{0};  // 0 while nobody records
  uint64_t sessions = 0;
  std::atomic<ProfileOptions> options{ProfileOptions{}};
};

Profiler& profiler();

// A child process starts without the profiler of its parent.
void forget_in_child() {
  profiling_flag = false;
  profiling_memory_flag = false;
  profiler().session = 0;
}

Profiler& profiler() {
  static Profiler* one = [] {
    pthread_atfork(nullptr, nullptr, forget_in_child);
    return new Profiler;
  }();
  return *one;
}

int64_t thread_number() {
#ifdef __linux__
  return gettid();
#else
  return int64_t(reinterpret_cast<intptr_t>(pthread_self()));
#endif
}

Recorder* take_recorder() {
  Profiler& p = profiler();
  std::lock_guard lock(p.mutex);
  for (Recorder* recorder : p.recorders) {
    std::lock_guard own(recorder->mutex);
    if (recorder->in_use || recorder->session == p.session) continue;
    recorder->in_use = true;
    return recorder;
  }
  return p.recorders.emplace_back(new Recorder);
}

struct Own {
  Recorder* recorder = nullptr;
  ~Own() {
    if (!recorder) return;
    std::lock_guard lock(recorder->mutex);
    recorder->in_use = false;
  }
};
thread_local Own own;

// The recorder of this thread, locked and ready for one more event; null when there is no room, or no
// session.
struct Place {
  Recorder* recorder;
  std::unique_lock<std::mutex> lock;
};

Place next_place() {
  if (!own.recorder) own.recorder = take_recorder();
  Recorder* recorder = own.recorder;
  std::unique_lock lock(recorder->mutex);
  uint64_t session = profiler().session;
  if (!session) return {nullptr, std::move(lock)};
  if (recorder->session != session) {
    recorder->session = session;
    recorder->current = -1;
    recorder->list = EventList();
    recorder->list.thread = thread_number();
  }
  if (int64_t(recorder->list.events.size()) < profile_options().limit) return {recorder, std::move(lock)};
  recorder->list.dropped++;
  return {nullptr, std::move(lock)};
}

const char* kept(Recorder& recorder, const std::string& text) {
  return recorder.list.texts.emplace_back(text).c_str();
}

OpenEvent append(Recorder& recorder, EventKind kind, const char* name, const char* note) {
  auto index = int32_t(recorder.list.events.size());
  recorder.list.events.push_back({name, note, kind, recorder.current, profile_time()});
  recorder.current = index;
  return {&recorder, recorder.session, index};
}

}  // namespace

int64_t profile_time() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ProfileOptions profile_options() { return profiler().options.load(std::memory_order_relaxed); }

void start_profiling(const ProfileOptions& options) {
  Profiler& p = profiler();
  std::lock_guard lock(p.mutex);
  check(!p.session, "profile: another profiler is recording; there can be one at a time");
  p.options = options;
  p.session = ++p.sessions;
  profiling_memory_flag = options.memory;
  profiling_flag = true;
}

void pause_profiling(bool paused) {
  Profiler& p = profiler();
  std::lock_guard lock(p.mutex);
  check(p.session, "profile: no profiler is recording");
  profiling_memory_flag = !paused && profile_options().memory;
  profiling_flag = !paused;
}

std::vector<EventList> stop_profiling() {
  Profiler& p = profiler();
  std::lock_guard lock(p.mutex);
  check(p.session, "profile: no profiler is recording");
  profiling_flag = false;
  profiling_memory_flag = false;
  uint64_t session = p.session.exchange(0);
  int64_t now = profile_time();
  std::vector<EventList> lists;
  for (Recorder* recorder : p.recorders) {
    std::lock_guard own(recorder->mutex);
    if (recorder->session != session) continue;
    for (Event& event : recorder->list.events)
      if (!event.end) event.end = now;
    lists.push_back(std::move(recorder->list));
    recorder->session = 0;
    recorder->list = EventList();
  }
  return lists;
}

OpenEvent open_event(EventKind kind, const char* name) {
  Place place = next_place();
  return place.recorder ? append(*place.recorder, kind, name, nullptr) : OpenEvent{};
}

OpenEvent open_range(EventKind kind, const std::string& name, const std::string& note) {
  Place place = next_place();
  if (!place.recorder) return {};
  const char* own_name = kept(*place.recorder, name);
  return append(*place.recorder, kind, own_name, note.empty() ? nullptr : kept(*place.recorder, note));
}

void close_event(const OpenEvent& event, EventDetails details) {
  if (!event.recorder) return;
  int64_t end = profile_time();
  std::lock_guard lock(event.recorder->mutex);
  if (event.recorder->session != event.session) return;
  auto& events = event.recorder->list.events;
  Event& closed = events[size_t(event.index)];
  closed.end = end;
  closed.details = std::move(details);
  int32_t open = event.recorder->current;
  while (open >= 0 && open != event.index) open = events[size_t(open)].parent;
  if (open == event.index) event.recorder->current = closed.parent;
}

void record_memory(int64_t bytes) {
  Place place = next_place();
  if (!place.recorder) return;
  int64_t now = profile_time();
  place.recorder->list.events.push_back(
      {"[memory]", nullptr, EventKind::Memory, place.recorder->current, now, now, bytes});
}

}  // namespace tt
