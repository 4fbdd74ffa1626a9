// What ran when. While a profiler records, every op that Python calls, every node of backward and every named
// range leaves an event in a list of its thread; otherwise they look at one flag.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace tt {

// A visit is a node of backward with what the engine does around it: hooks, and sums of gradients. Memory is
// an instant at which a storage on the CPU came or went.
enum class EventKind : uint8_t { Op, Visit, Node, Range, Module, Memory };

struct EventInput {
  bool is_tensor = false;
  DType dtype = DType::Float32;
  Shape sizes = {};
};

// What is known of an event once it is over.
struct EventDetails {
  uint64_t sequence = 0;       // of a node of backward; before an op, of the newest node
  uint64_t last_sequence = 0;  // after an op, of the newest node
  int64_t result_count = 0;    // elements of the first result
  int64_t stack = -1;          // whose number it is says who recorded it
  std::vector<EventInput> inputs;
};

struct Event {
  const char* name;
  const char* note;  // what a program said about its range, or null
  EventKind kind;
  int32_t parent;          // the event around it in the same list, or -1
  int64_t start, end = 0;  // nanoseconds of the steady clock
  int64_t bytes = 0;       // of memory: came, or went if negative
  EventDetails details = {};
};

struct EventList {  // of one thread, in the order in which they began
  int64_t thread = 0;
  int64_t dropped = 0;  // beyond the limit
  std::deque<Event> events;
  std::deque<std::string> texts;  // names that are nobody else's

  EventList() = default;  // and no copies: their events would point to the texts of the original
  EventList(EventList&&) = default;
  EventList& operator=(EventList&&) = default;
};

struct ProfileOptions {
  bool shapes = false;
  bool memory = false;
  bool stacks = false;
  bool modules = false;
  int32_t limit = 0;  // events of a thread
};

extern std::atomic<bool> profiling_flag, profiling_memory_flag;
inline bool profiling() { return profiling_flag.load(std::memory_order_relaxed); }
inline bool profiling_memory() { return profiling_memory_flag.load(std::memory_order_relaxed); }

void start_profiling(const ProfileOptions& options);  // an error while another profiler records
void pause_profiling(bool paused);
std::vector<EventList> stop_profiling();
ProfileOptions profile_options();  // of the profiler that records, or did last
int64_t profile_time();            // the clock of events

// An event under way. It may be closed by another thread, and after the profiler has stopped.
struct OpenEvent {
  struct Recorder* recorder = nullptr;  // null: nobody records, or the list is full
  uint64_t session = 0;
  int32_t index = 0;
};
OpenEvent open_event(EventKind kind, const char* name);  // the name must outlive the events
OpenEvent open_range(EventKind kind, const std::string& name, const std::string& note = {});
void close_event(const OpenEvent& event, EventDetails details = {});
void record_memory(int64_t bytes);

// The event of a block of code.
class EventScope {
 public:
  EventScope(EventKind kind, const char* name) {
    if (profiling()) [[unlikely]]
      under_way_ = std::make_unique<UnderWay>(UnderWay{open_event(kind, name), {}});
  }
  ~EventScope() {
    if (under_way_) [[unlikely]]
      close_event(under_way_->event, std::move(under_way_->details));
  }
  EventScope(const EventScope&) = delete;
  explicit operator bool() const { return bool(under_way_); }
  EventDetails& details() { return under_way_->details; }

 private:
  struct UnderWay {
    OpenEvent event;
    EventDetails details;
  };
  std::unique_ptr<UnderWay> under_way_;
};

}  // namespace tt
